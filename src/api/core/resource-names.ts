/**
 * What the names of resources say about them.
 *
 * Source: Kubernetes documentation "Resource Management for Pods and Containers", "Resource Quotas"; v1.36 API server.
 */
import { qualifiedName } from '#apimachinery/names.ts';

const compute = ['cpu', 'memory', 'ephemeral-storage'];
/** Counted in whole objects. */
const objectCounts = [
  'pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'configmaps', 'persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers',
];
const ofContainers: ReadonlySet<string> = new Set(compute);
const ofQuota: ReadonlySet<string> = new Set([
  ...compute, 'requests.cpu', 'requests.memory', 'requests.storage', 'requests.ephemeral-storage', 'limits.cpu', 'limits.memory', 'limits.ephemeral-storage', ...objectCounts,
]);
const standard: ReadonlySet<string> = new Set([...ofQuota, 'storage']);
const integers: ReadonlySet<string> = new Set(objectCounts);

export function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}

/** Resources of Kubernetes' own: names without a domain, or in its domain. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

/** Resources that vendors name: anything with a domain that is not Kubernetes' own. */
export function isExtendedResource(name: string): boolean {
  return !isNativeResource(name) && !name.startsWith('requests.') && qualifiedName(`requests.${name}`).length === 0;
}

/** Whether requests may be smaller than limits: devices and huge pages cannot be shared out twice. */
export function isOvercommitable(name: string): boolean {
  return isNativeResource(name) && !isHugePages(name);
}

/** Of names without a domain: whether Kubernetes knows it at all. */
export function isStandardResource(name: string): boolean {
  return standard.has(name) || isHugePages(name) || name.startsWith('requests.hugepages-');
}

/** Of names without a domain: whether a container can ask for it. */
export function isContainerResource(name: string): boolean {
  return ofContainers.has(name) || isHugePages(name);
}

/** Of names without a domain: whether a quota can limit it. */
export function isQuotaResource(name: string): boolean {
  return ofQuota.has(name) || isHugePages(name) || name.startsWith('requests.hugepages-');
}

/** Whether there are no parts of it. */
export function isIntegerResource(name: string): boolean {
  return integers.has(name) || isExtendedResource(name);
}
