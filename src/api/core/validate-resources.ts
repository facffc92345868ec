/** Rules on amounts and names of resources. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, required } from '#apimachinery/field-error.ts';
import { qualifiedName } from '#apimachinery/names.ts';
import { compareQuantity, parseQuantity } from '#apimachinery/quantity.ts';
import type { ResourceRequirements } from './container.ts';

const billion = 1_000_000_000n;
const standardForContainers = ['cpu', 'memory', 'ephemeral-storage'];

/** A container's requests and limits. */
export function* validateResources(resources: ResourceRequirements, path: string): Iterable<FieldError> {
  const { requests = {}, limits = {} } = resources;
  for (const [name, amount] of Object.entries(limits)) yield* validateAmount(name, amount, `${path}.limits`);
  for (const [name, amount] of Object.entries(requests)) {
    yield* validateAmount(name, amount, `${path}.requests`);
    const limit = limits[name];
    if (limit !== undefined) {
      const order = compareQuantity(amount, limit);
      if (order !== 0 && !isOvercommitable(name)) yield invalidValue(`${path}.requests`, amount, `must be equal to ${name} limit of ${limit}`);
      else if (order > 0) yield invalidValue(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`);
    } else if (!isOvercommitable(name)) {
      yield required(`${path}.limits`, 'Limit must be set for non overcommitable resources');
    }
  }
}

function* validateAmount(name: string, amount: string, path: string): Iterable<FieldError> {
  const at = `${path}[${name}]`;
  for (const message of qualifiedName(name)) yield invalidValue(path, name, message);
  if (!name.includes('/') && !standardForContainers.includes(name) && !name.startsWith('hugepages-')) {
    yield invalidValue(path, name, 'must be a standard resource for containers');
  }
  yield* nonNegative(amount, at);
  if (!isOvercommitable(name) && parseQuantity(amount).nanos % billion !== 0n) yield invalidValue(at, amount, 'must be an integer');
}

export function* nonNegative(amount: string, path: string): Iterable<FieldError> {
  if (parseQuantity(amount).nanos < 0n) yield invalidValue(path, amount, 'must be greater than or equal to 0');
}

/** Whether requests may be smaller than limits: devices and huge pages cannot be shared out twice. */
function isOvercommitable(name: string): boolean {
  return !name.startsWith('hugepages-') && !isExtendedResource(name);
}

/** Resources that vendors name: anything with a domain that is not Kubernetes' own. */
export function isExtendedResource(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.');
}
