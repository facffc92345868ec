import type { Container } from '#api/core/container.ts';
import type { LimitRangeItem } from '#api/core/limit-range.ts';
import { LimitRange } from '#api/core/limit-range.ts';
import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import { podLimits, podRequests } from '#api/core/pod-resources.ts';
import { Pod } from '#api/core/pod.ts';
import { compareQuantity, quantityToNumber } from '#apimachinery/quantity.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { writes } from '../admission.ts';

type Amounts = Readonly<Record<string, string>>;
/** What one container, a pod or a claim asks for. */
export interface Usage {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

const marker = 'kubernetes.io/limit-ranger';

/**
 * Containers get the requests and limits that their namespace's LimitRanges have as defaults; what lies outside of the
 * ranges is refused.
 * Source: Kubernetes documentation, "Limit Ranges".
 */
export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  mutate(request, { objects }) {
    if (request.operation !== 'CREATE' || !writes(request, Pod)) return;
    const { object } = request;
    const done: string[] = [];
    for (const { spec } of objects.list(LimitRange, request.namespace)) {
      for (const item of spec.limits) if (item.type === 'Container') done.push(...completeContainers(object, item));
    }
    if (done.length > 0) object.metadata.annotations = { ...object.metadata.annotations, [marker]: `LimitRanger plugin set: ${done.join('; ')}` };
  },
  validate(request, { objects }) {
    const ranges = [...objects.list(LimitRange, request.namespace)];
    if (ranges.length === 0) return;
    const usages = usagesOf(request);
    const problems: string[] = [];
    for (const { spec } of ranges) {
      for (const item of spec.limits) for (const usage of usages.get(item.type) ?? []) problems.push(...outOfRange(item, usage));
    }
    if (problems.length === 0) return;
    const unique = [...new Set(problems)];
    throw forbidden(request.kind, request.name, unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]`);
  },
};

/** What is measured, by the type of range that measures it. A pod's amounts change by creation and resizing only. */
function usagesOf(request: AdmissionRequest): ReadonlyMap<string, readonly Usage[]> {
  if ((request.kind as unknown) === Pod && request.object !== undefined && (request.operation === 'CREATE' ? request.subresource === '' : request.subresource === 'resize')) {
    const { spec } = request.object as Draft<Pod>;
    const containers = [...spec.initContainers ?? [], ...spec.containers].map(({ resources }) => ({ requests: resources.requests ?? {}, limits: resources.limits ?? {} }));
    return new Map([['Container', containers], ['Pod', [{ requests: podRequests(spec), limits: podLimits(spec) }]]]);
  }
  if (writes(request, PersistentVolumeClaim)) return new Map([['PersistentVolumeClaim', [{ requests: request.object.spec.resources.requests ?? {}, limits: {} }]]]);
  return new Map();
}

function completeContainers({ spec }: Draft<Pod>, item: LimitRangeItem): string[] {
  return [
    ...(spec.initContainers ?? []).flatMap((container) => complete(container, item, 'init container')),
    ...spec.containers.flatMap((container) => complete(container, item, 'container')),
  ];
}

/** Sets what a container does not say; tells what it set. */
function complete({ name, resources }: Draft<Container>, item: LimitRangeItem, what: string): string[] {
  const told: string[] = [];
  for (const [field, defaults, word] of [['requests', item.defaultRequest, 'request'], ['limits', item.default, 'limit']] as const) {
    const missing = Object.keys(defaults ?? {}).filter((each) => resources[field]?.[each] === undefined).sort();
    if (missing.length === 0) continue;
    resources[field] = { ...defaults, ...resources[field] };
    told.push(`${missing.join(', ')} ${word} for ${what} ${name}`);
  }
  return told;
}

/** Pure: in what ways a usage is not as its range demands, in Kubernetes' words. */
export function* outOfRange({ type, min, max, maxLimitRequestRatio }: Pick<LimitRangeItem, 'type' | 'min' | 'max' | 'maxLimitRequestRatio'>, { requests, limits }: Usage): Iterable<string> {
  const isClaim = type === 'PersistentVolumeClaim';
  for (const [name, least] of Object.entries(min ?? {})) {
    const [request, limit] = [requests[name], limits[name]];
    if (request === undefined) yield `minimum ${name} usage per ${type} is ${least}.  No request is specified`;
    else if (compareQuantity(request, least) < 0) yield `minimum ${name} usage per ${type} is ${least}, but request is ${request}`;
    else if (limit !== undefined && compareQuantity(limit, least) < 0) yield `minimum ${name} usage per ${type} is ${least}, but limit is ${limit}`;
  }
  for (const [name, most] of Object.entries(max ?? {})) {
    const [request, limit] = [requests[name], limits[name]];
    if (limit === undefined && !isClaim) yield `maximum ${name} usage per ${type} is ${most}.  No limit is specified`;
    else if (limit !== undefined && compareQuantity(limit, most) > 0) yield `maximum ${name} usage per ${type} is ${most}, but limit is ${limit}`;
    else if (request !== undefined && compareQuantity(request, most) > 0) yield `maximum ${name} usage per ${type} is ${most}, but request is ${request}`;
  }
  for (const [name, most] of Object.entries(maxLimitRequestRatio ?? {})) {
    const request = quantityToNumber(requests[name] ?? '0');
    const limit = quantityToNumber(limits[name] ?? '0');
    const rule = `${name} max limit to request ratio per ${type} is ${most}`;
    if (request === 0) yield `${rule}, but no request is specified or request is 0`;
    else if (limit === 0) yield `${rule}, but no limit is specified or limit is 0`;
    else if (limit / request > quantityToNumber(most)) yield `${rule}, but provided ratio is ${(limit / request).toFixed(6)}`;
  }
}
