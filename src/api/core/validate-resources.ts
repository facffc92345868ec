/** Rules on amounts and names of resources. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, notFoundValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1123Label, qualifiedName } from '#apimachinery/names.ts';
import { compareQuantity, isQuantity, parseQuantity } from '#apimachinery/quantity.ts';
import type { ResourceClaim, ResourceRequirements } from './container.ts';
import { isContainerResource, isExtendedResource, isHugePages, isIntegerResource, isNativeResource, isOvercommitable, isQuotaResource, isStandardResource } from './resource-names.ts';

const billion = 1_000_000_000n;

type NameRule = (name: string, path: string) => Iterable<FieldError>;

/** A container's requests, limits and claims. `claimNames` are the pod's. */
export function validateResources(resources: ResourceRequirements, path: string, claimNames: ReadonlySet<string> = new Set()): Iterable<FieldError> {
  return validateRequirements(resources, path, claimNames, containerResourceName);
}

/** The same of the pod as a whole. */
export function* validatePodResources(resources: ResourceRequirements, path: string, claimNames: ReadonlySet<string>): Iterable<FieldError> {
  if (resources.claims !== undefined) yield forbiddenField(`${path}.claims`, 'claims cannot be set for Resources at pod-level');
  yield* validateRequirements(resources, path, claimNames, podResourceName);
}

function* validateRequirements({ requests = {}, limits = {}, claims = [] }: ResourceRequirements, path: string, claimNames: ReadonlySet<string>, nameRule: NameRule): Iterable<FieldError> {
  for (const [name, amount] of Object.entries(limits)) yield* validateEntry(name, amount, `${path}.limits[${name}]`, nameRule);
  for (const [name, amount] of Object.entries(requests)) {
    yield* validateEntry(name, amount, `${path}.requests[${name}]`, nameRule);
    const limit = limits[name];
    if (limit !== undefined) {
      const order = compareQuantity(amount, limit);
      if (order !== 0 && !isOvercommitable(name)) yield invalidValue(`${path}.requests`, amount, `must be equal to ${name} limit of ${limit}`);
      else if (order > 0) yield invalidValue(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`);
    } else if (!isOvercommitable(name)) {
      yield required(`${path}.limits`, 'Limit must be set for non overcommitable resources');
    }
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) yield forbiddenField(path, 'HugePages require cpu or memory');
  yield* validateClaims(claims, `${path}.claims`, claimNames);
}

function* validateEntry(name: string, amount: string, path: string, nameRule: NameRule): Iterable<FieldError> {
  yield* nameRule(name, path);
  yield* validateAmount(name, amount, path);
  if (isHugePages(name) && !fillsPages(name, amount)) yield invalidValue(path, amount, `${amount} is not positive integer multiple of ${name}`);
}

/** Whether the amount is made of whole pages of the size that the name says. */
function fillsPages(name: string, amount: string): boolean {
  const size = name.slice('hugepages-'.length);
  if (!isQuantity(size)) return false;
  const page = parseQuantity(size).nanos;
  return page > 0n && page % billion === 0n && parseQuantity(amount).nanos % page === 0n;
}

function* validateClaims(claims: readonly ResourceClaim[], path: string, claimNames: ReadonlySet<string>): Iterable<FieldError> {
  /** `claim`, or `claim/request` where only a part of it is meant. */
  const seen = new Set<string>();
  for (const [index, { name, request = '' }] of claims.entries()) {
    if (name === '') continue;
    const at = `${path}[${index}]`;
    if (request !== '' && !seen.has(name)) for (const message of dns1123Label(request)) yield invalidValue(`${at}.request`, request, message);
    const key = request === '' ? name : `${name}/${request}`;
    if (seen.has(name)) yield duplicate(at, name);
    else if (seen.has(key)) yield duplicate(at, key);
    else if (request === '') for (const other of seen) if (other.startsWith(`${name}/`)) yield duplicate(at, name);
    seen.add(key);
    if (claimNames.has(name)) continue;
    const choice = claimNames.size === 0 ? ' which is empty' : `: ${[...claimNames].toSorted().join(', ')}`;
    yield { ...notFoundValue(at, name), detail: `must be one of the names in pod.spec.resourceClaims${choice}` };
  }
}

/** An amount of a resource that may be of any kind. */
export function* validateAmount(name: string, amount: string, path: string): Iterable<FieldError> {
  yield* nonNegative(amount, path);
  // Counted to the thousandth.
  if (isIntegerResource(name) && (parseQuantity(amount).nanos / 1_000_000n) % 1000n !== 0n) yield invalidValue(path, amount, 'must be an integer');
}

export function* nonNegative(amount: string, path: string): Iterable<FieldError> {
  if (parseQuantity(amount).nanos < 0n) yield invalidValue(path, amount, 'must be greater than or equal to 0');
}

/** Where only the sign matters and the amount is shown in whole units. */
export function* validateBasicAmount(amount: string, path: string): Iterable<FieldError> {
  const { nanos } = parseQuantity(amount);
  if (nanos <= -billion) yield invalidValue(path, Number(nanos / billion), 'must be a valid resource quantity');
}

/** The name of anything that can be counted. */
export function* resourceName(name: string, path: string): Iterable<FieldError> {
  const wrong = qualifiedName(name);
  for (const message of wrong) yield invalidValue(path, name, message);
  if (wrong.length === 0 && !name.includes('/') && !isStandardResource(name)) yield invalidValue(path, name, 'must be a standard resource type or fully qualified');
}

export function* containerResourceName(name: string, path: string): Iterable<FieldError> {
  yield* resourceName(name, path);
  if (!name.includes('/')) {
    if (!isContainerResource(name)) yield invalidValue(path, name, 'must be a standard resource for containers');
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    yield invalidValue(path, name, "doesn't follow extended resource name standard");
  }
}

function* podResourceName(name: string, path: string): Iterable<FieldError> {
  const wrong = [...resourceName(name, path)];
  yield* wrong;
  if (wrong.length === 0 && name !== 'cpu' && name !== 'memory' && !isHugePages(name)) yield notSupported(path, name, ['cpu', 'memory']);
}

export function* quotaResourceName(name: string, path: string): Iterable<FieldError> {
  yield* resourceName(name, path);
  if (!name.includes('/') && !isQuotaResource(name)) yield invalidValue(path, name, 'must be a standard resource for quota');
}
