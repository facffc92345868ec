/** How fast decisions are made, without API server and binding: the part that grows with the cluster. */
import type { Node as NodeObject } from '#api/core/node.ts';
import { Node } from '#api/core/node.ts';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Pod } from '#api/core/pod.ts';
import { decodeObject } from '#apimachinery/decode.ts';
import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import { podInfoOf } from './cache/pod-info.ts';
import { SchedulerCache } from './cache/scheduler-cache.ts';
import { planPlacement } from './plan-placement.ts';
import { createPlugins } from './plugins.ts';

/** Pods as upstream's scheduler-perf workloads have them. */
export type DecisionWorkload = 'basic' | 'replicas' | 'node-affinity' | 'pod-affinity' | 'pod-anti-affinity' | 'spreading' | 'preferred-spreading' | 'unschedulable';

export const decisionWorkloads: readonly DecisionWorkload[] = [
  'basic', 'replicas', 'node-affinity', 'pod-affinity', 'pod-anti-affinity', 'spreading', 'preferred-spreading', 'unschedulable',
];

export interface DecisionBenchOptions {
  readonly workload: DecisionWorkload;
  readonly nodes: number;
  /** Pods that are there before the measurement. */
  readonly initialPods: number;
  readonly pods: number;
  readonly clock: Clock;
  readonly random: Random;
}

export interface DecisionBenchResult {
  readonly podsPerSecond: number;
  /** Of one decision, milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Pods that got a node. */
  readonly placed: number;
}

export function benchDecisions({ clock, initialPods, nodes, pods, random, workload }: DecisionBenchOptions): DecisionBenchResult {
  const cache = new SchedulerCache(() => ({}));
  for (let index = 0; index < nodes; index++) cache.setNode(benchNode(index));
  const plugins = createPlugins({ claim: () => undefined, volume: () => undefined, storageClass: () => undefined });
  let startIndex = 0;
  const place = (pod: PodObject): boolean => {
    const info = podInfoOf(pod);
    const placement = planPlacement(info, cache, { plugins, percentageOfNodesToScore: 0, startIndex, tieBreak: random.next() });
    startIndex = placement.nextStartIndex;
    if (placement.is === 'placed') cache.assume(info, placement.nodeName);
    return placement.is === 'placed';
  };
  for (let index = 0; index < initialPods; index++) place(benchPod('basic', -1 - index, nodes));
  const waiting = Array.from({ length: pods }, (_, index) => benchPod(workload, index, nodes));
  const times: number[] = [];
  let placed = 0;
  const startMs = clock.monotonicMs();
  for (const pod of waiting) {
    const beginMs = clock.monotonicMs();
    if (place(pod)) placed++;
    times.push(clock.monotonicMs() - beginMs);
  }
  const seconds = (clock.monotonicMs() - startMs) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { podsPerSecond: pods / seconds, p50Ms: at(0.5), p99Ms: at(0.99), placed };
}

const zones = 3;

function benchNode(index: number): NodeObject {
  const name = `node-${index}`;
  return decodeObject(Node, {
    metadata: { name, uid: name, labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `zone-${index % zones}` } },
    status: { allocatable: { pods: '110', cpu: '4', memory: '32Gi' }, conditions: [{ type: 'Ready', status: 'True' }] },
  });
}

function benchPod(workload: DecisionWorkload, index: number, nodes: number): PodObject {
  const name = `pod-${index}`;
  const cpu = workload === 'unschedulable' ? '9' : '100m';
  return decodeObject(Pod, {
    metadata: {
      name, uid: name, namespace: 'default', labels: { color: 'blue' },
      ...(workload === 'replicas' && { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'web', controller: true }] }),
    },
    spec: { containers: [{ name: 'pause', image: 'pause', resources: { requests: { cpu, memory: '500Mi' } } }], ...wishesOf(workload, index, nodes) },
  });
}

function wishesOf(workload: DecisionWorkload, index: number, nodes: number): object {
  const labelSelector = { matchLabels: { color: 'blue' } };
  const spread = (whenUnsatisfiable: string): object => ({ topologySpreadConstraints: [{ maxSkew: 5, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable, labelSelector }] });
  const term = (topologyKey: string): object => ({ requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector }] });
  switch (workload) {
    case 'node-affinity':
      return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.kubernetes.io/zone', operator: 'In', values: ['zone-0', 'zone-1'] }] }] } } } };
    case 'pod-affinity':
      return { affinity: { podAffinity: term('topology.kubernetes.io/zone') } };
    case 'pod-anti-affinity':
      return { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { color: index < nodes ? 'green' : 'blue' } } }] } } };
    case 'spreading':
      return spread('DoNotSchedule');
    case 'preferred-spreading':
      return spread('ScheduleAnyway');
    case 'basic':
    case 'replicas':
    case 'unschedulable':
      return {};
  }
}
