/**
 * What objects count for in quotas. Pure; the API server (which refuses) and the controller (which counts) must agree.
 *
 * Source: Kubernetes documentation, "Resource Quotas".
 */
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { addQuantity, compareQuantity, formatQuantity, subQuantity, zeroQuantity } from '#apimachinery/quantity.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { PersistentVolumeClaim as ClaimObject } from './persistent-volume-claim.ts';
import { PersistentVolumeClaim } from './persistent-volume-claim.ts';
import type { ResourceList } from './pod-resources.ts';
import { podLimits, podRequests } from './pod-resources.ts';
import { isTerminal, isTerminating } from './pod-status.ts';
import type { Pod as PodObject } from './pod.ts';
import { Pod } from './pod.ts';
import { qosClassOf } from './qos.ts';
import type { ResourceQuota, ScopedResourceSelectorRequirement } from './resource-quota.ts';
import type { Service as ServiceObject } from './service.ts';
import { Service } from './service.ts';

/** Kinds that quotas call by their plural alone. */
const plainlyCounted = new Set(['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas']);
const storageSuffix = 'storageclass.storage.k8s.io';

/** What the object counts for, by the names that quotas use: `pods`, `requests.cpu`, `count/deployments.apps`. */
export function quotaUsage(kind: ResourceKind, object: KubeObject): ResourceList {
  const counted = { [`count/${kind.plural}${kind.group === '' ? '' : `.${kind.group}`}`]: '1' };
  if (kind === (Pod as unknown)) return { ...counted, ...podUsage(object as PodObject) };
  if (kind === (Service as unknown)) return { ...counted, ...serviceUsage(object as ServiceObject) };
  if (kind === (PersistentVolumeClaim as unknown)) return { ...counted, ...claimUsage(object as ClaimObject) };
  return kind.group === '' && plainlyCounted.has(kind.plural) ? { ...counted, [kind.plural]: '1' } : counted;
}

/** Whether the quota is about this object at all: its scopes narrow it to certain pods. */
export function quotaCovers({ spec }: ResourceQuota, kind: ResourceKind, object: KubeObject): boolean {
  const { scopes = [], scopeSelector } = spec;
  const terms: readonly Pick<ScopedResourceSelectorRequirement, 'scopeName' | 'operator' | 'values'>[] = [
    ...scopes.map((scopeName) => ({ scopeName: scopeName as ScopedResourceSelectorRequirement['scopeName'], operator: 'Exists' as const, values: [] })),
    ...(scopeSelector?.matchExpressions ?? []),
  ];
  if (terms.length === 0) return true;
  return kind === (Pod as unknown) && terms.every((term) => isInScope(term, object as PodObject));
}

/** The containers that lack a request or limit that the quota needs them to have, by its name. */
export function unspecified(hard: ResourceList, { spec }: PodObject): ReadonlyMap<string, readonly string[]> {
  const missing = new Map<string, readonly string[]>();
  for (const name of Object.keys(hard).sort()) {
    const [, part = 'requests', resource = ''] = /^(?:(requests|limits)\.)?(cpu|memory)$/.exec(name) ?? [];
    if (resource === '') continue;
    const isGiven = (list: ResourceList | undefined): boolean => list?.[resource] !== undefined;
    if (isGiven(part === 'limits' ? spec.resources?.limits : spec.resources?.requests)) continue;
    const without = [...spec.containers, ...(spec.initContainers ?? [])].filter(({ resources }) => !isGiven(part === 'limits' ? resources.limits : resources.requests));
    if (without.length > 0) missing.set(name, without.map((each) => each.name).sort());
  }
  return missing;
}

/** Left plus right, of the names of `names` only; what nobody has is 0. */
export function sumOf(left: ResourceList, right: ResourceList, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, formatQuantity(addQuantity(left[name] ?? zeroQuantity, right[name] ?? zeroQuantity))]));
}

/** By how much `now` is more than `before`; what is not more is left out. */
export function increase(now: ResourceList, before: ResourceList): Record<string, string> {
  const more = Object.keys(now).map((name) => [name, subQuantity(now[name] ?? zeroQuantity, before[name] ?? zeroQuantity)] as const);
  return Object.fromEntries(more.filter(([, amount]) => compareQuantity(amount, zeroQuantity) > 0).map(([name, amount]) => [name, formatQuantity(amount)]));
}

function isInScope({ scopeName, operator, values = [] }: Pick<ScopedResourceSelectorRequirement, 'scopeName' | 'operator' | 'values'>, { spec }: PodObject): boolean {
  switch (scopeName) {
    case 'Terminating':
      return spec.activeDeadlineSeconds !== undefined;
    case 'NotTerminating':
      return spec.activeDeadlineSeconds === undefined;
    case 'BestEffort':
      return qosClassOf(spec) === 'BestEffort';
    case 'NotBestEffort':
      return qosClassOf(spec) !== 'BestEffort';
    case 'PriorityClass': {
      const name = spec.priorityClassName ?? '';
      switch (operator) {
        case 'In':
          return values.includes(name);
        case 'NotIn':
          return !values.includes(name);
        case 'Exists':
          return name !== '';
        case 'DoesNotExist':
          return name === '';
      }
      return false;
    }
    case 'CrossNamespacePodAffinity':
    case 'VolumeAttributesClass':
      return false;
  }
}

/** A pod that is over, or should be, needs nothing any more. */
function podUsage(pod: PodObject): ResourceList {
  if (isTerminal(pod) || (isTerminating(pod) && pod.metadata.deletionGracePeriodSeconds === 0)) return {};
  const usage: Record<string, string> = { pods: '1' };
  for (const [name, amount] of Object.entries(podRequests(pod.spec))) {
    usage[`requests.${name}`] = amount;
    if (name === 'cpu' || name === 'memory' || name === 'ephemeral-storage' || name.startsWith('hugepages-')) usage[name] = amount;
  }
  for (const [name, amount] of Object.entries(podLimits(pod.spec))) usage[`limits.${name}`] = amount;
  return usage;
}

function serviceUsage({ spec }: ServiceObject): ResourceList {
  const ports = String((spec.ports ?? []).length);
  switch (spec.type) {
    case 'NodePort':
      return { services: '1', 'services.nodeports': ports };
    case 'LoadBalancer':
      return { services: '1', 'services.loadbalancers': '1', ...(spec.allocateLoadBalancerNodePorts !== false && { 'services.nodeports': ports }) };
    default:
      return { services: '1' };
  }
}

function claimUsage({ spec }: ClaimObject): ResourceList {
  const storage = spec.resources.requests?.['storage'] ?? '0';
  const { storageClassName } = spec;
  return {
    persistentvolumeclaims: '1', 'requests.storage': storage,
    ...((storageClassName ?? '') !== '' && { [`${storageClassName}.${storageSuffix}/requests.storage`]: storage, [`${storageClassName}.${storageSuffix}/persistentvolumeclaims`]: '1' }),
  };
}
