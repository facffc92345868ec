import { milliValue, value } from '#apimachinery/quantity.ts';
import type { Container } from '#api/core/container.ts';
import type { Pod } from '#api/core/pod.ts';
import { podLimits, podRequests } from '#api/core/pod-resources.ts';
import { qosClassOf } from '#api/core/qos.ts';
import type { LinuxContainerResources } from '../cri/records.ts';

/** Microseconds; the kernel's default. */
const cpuPeriodUs = 100_000;
const minCpuQuotaUs = 1000;
const minCpuShares = 2;
const maxCpuShares = 262_144;

/** What the kernel is told about one container. Pure. Source: Kubernetes, "How Kubernetes applies resource requests and limits". */
export function containerResources(pod: Pod, container: Pick<Container, 'resources'>, nodeMemoryBytes: number): LinuxContainerResources {
  const { limits, requests } = container.resources;
  return { ...cpuAndMemory(requests ?? {}, limits ?? {}), oomScoreAdj: oomScoreAdj(pod, container, nodeMemoryBytes) };
}

/** The sum over the pod, for its own control group; no CPU or memory limit unless every container has one. */
export function podCgroupResources(pod: Pod): LinuxContainerResources {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const limits: Record<string, string> = { ...podLimits(pod.spec) };
  for (const name of ['cpu', 'memory'] as const) {
    if (pod.spec.resources?.limits?.[name] === undefined && all.some((container) => container.resources.limits?.[name] === undefined)) delete limits[name];
  }
  return cpuAndMemory(podRequests(pod.spec), limits);
}

/** What a group must allow so that both fit into it. Pure. */
export function enoughForBoth(one: LinuxContainerResources, other: LinuxContainerResources): LinuxContainerResources {
  const cpuQuota = one.cpuQuota === undefined || other.cpuQuota === undefined ? undefined : Math.max(one.cpuQuota, other.cpuQuota);
  const memoryLimitInBytes = one.memoryLimitInBytes === undefined || other.memoryLimitInBytes === undefined ? undefined : Math.max(one.memoryLimitInBytes, other.memoryLimitInBytes);
  return {
    cpuShares: Math.max(one.cpuShares ?? 0, other.cpuShares ?? 0),
    ...(cpuQuota !== undefined && { cpuPeriod: cpuPeriodUs, cpuQuota }), ...(memoryLimitInBytes !== undefined && { memoryLimitInBytes }),
  };
}

function cpuAndMemory(requests: Readonly<Record<string, string>>, limits: Readonly<Record<string, string>>): LinuxContainerResources {
  const cpuLimit = milliValue(limits['cpu'] ?? '0');
  // A limit without a request is a request of the same amount.
  const cpuRequest = requests['cpu'] === undefined && limits['cpu'] !== undefined ? cpuLimit : milliValue(requests['cpu'] ?? '0');
  const memoryLimit = value(limits['memory'] ?? '0');
  return {
    cpuShares: sharesOf(cpuRequest),
    ...(cpuLimit > 0 ? { cpuPeriod: cpuPeriodUs, cpuQuota: Math.max(minCpuQuotaUs, Math.floor((cpuLimit * cpuPeriodUs) / 1000)) } : {}),
    ...(memoryLimit > 0 ? { memoryLimitInBytes: memoryLimit } : {}),
  };
}

export function sharesOf(cpuMillis: number): number {
  return Math.min(maxCpuShares, Math.max(minCpuShares, Math.floor((cpuMillis * 1024) / 1000)));
}

/** Who goes first when memory runs out: the less a container asked for, the sooner. Source: Kubernetes, "Node out of memory behavior". */
export function oomScoreAdj(pod: Pod, container: Pick<Container, 'resources'>, nodeMemoryBytes: number): number {
  if ((pod.spec.priority ?? 0) >= 2_000_001_000) return -997;
  const qos = pod.status.qosClass ?? qosClassOf(pod.spec);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const requested = value(container.resources.requests?.['memory'] ?? '0');
  const score = 1000 - Math.floor((1000 * requested) / Math.max(1, nodeMemoryBytes));
  // Below that are guaranteed pods, above it those that ask for nothing.
  return Math.min(999, Math.max(3, score));
}
