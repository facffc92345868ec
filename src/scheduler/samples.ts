/** Nodes and pods for tests. */
import type { Node as NodeObject } from '#api/core/node.ts';
import { Node } from '#api/core/node.ts';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Pod } from '#api/core/pod.ts';
import { decodeObject } from '#apimachinery/decode.ts';
import type { PodInfo } from './cache/pod-info.ts';
import { podInfoOf } from './cache/pod-info.ts';
import { SchedulerCache } from './cache/scheduler-cache.ts';
import type { Placement, PlacementOptions } from './plan-placement.ts';
import { planPlacement } from './plan-placement.ts';
import { createPlugins } from './plugins.ts';

export interface NodeSample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly object[];
  readonly unschedulable?: boolean;
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly images?: readonly object[];
  readonly declaredFeatures?: readonly string[];
}

/** 4 CPUs, 8 GiB, 110 pods, unless told otherwise. */
export function sampleNode(name: string, { allocatable, declaredFeatures, images, labels, taints, unschedulable }: NodeSample = {}): NodeObject {
  return decodeObject(Node, {
    metadata: { name, uid: name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: { ...(taints !== undefined && { taints }), ...(unschedulable === true && { unschedulable }) },
    status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...allocatable }, ...(images !== undefined && { images }), ...(declaredFeatures !== undefined && { declaredFeatures }) },
  });
}

export interface PodSample {
  readonly requests?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly priority?: number;
  readonly node?: string;
  readonly ports?: readonly object[];
  readonly owner?: string;
  readonly status?: object;
  readonly image?: string;
  /** Further fields of the spec. */
  readonly spec?: object;
}

export function samplePod(name: string, { image, labels, node, owner, ports, priority, requests, spec, status }: PodSample = {}): PodObject {
  return decodeObject(Pod, {
    metadata: {
      name, uid: name, namespace: 'default', generation: 1, ...(labels !== undefined && { labels }),
      ...(owner !== undefined && { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }] }),
    },
    spec: {
      schedulerName: 'default-scheduler',
      containers: [{ name: 'a', image: image ?? 'x:1', resources: { ...(requests !== undefined && { requests }) }, ...(ports !== undefined && { ports }) }],
      ...(priority !== undefined && { priority }),
      ...(node !== undefined && node !== '' && { nodeName: node }),
      ...spec,
    },
    ...(status !== undefined && { status }),
  });
}

export const samplePlugins = createPlugins({ claim: () => undefined, volume: () => undefined, storageClass: () => undefined });

export function cacheOf(nodes: readonly NodeObject[], pods: readonly PodObject[] = []): SchedulerCache {
  const cache = new SchedulerCache(() => ({}));
  for (const node of nodes) cache.setNode(node);
  for (const pod of pods) cache.setPod(pod);
  return cache;
}

export function place(pod: PodObject | PodInfo, cache: SchedulerCache, options: Partial<PlacementOptions> = {}): Placement {
  const info = 'pod' in pod ? pod : podInfoOf(pod);
  return planPlacement(info, cache, { plugins: samplePlugins, percentageOfNodesToScore: 0, startIndex: 0, tieBreak: 0, ...options });
}
