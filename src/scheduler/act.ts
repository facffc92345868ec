/** The scheduler's writes: the only I/O it does. */
import { Binding } from '#api/core/binding.ts';
import { findCondition } from '#api/core/pod-status.ts';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Pod } from '#api/core/pod.ts';
import type { ComponentContext } from '#client/component.ts';

/** Assigns the pod to the node. Throws a `StatusError`: 404 when it is gone, 409 when it has a node. */
export async function bindPod({ client }: Pick<ComponentContext, 'client'>, pod: PodObject, nodeName: string, signal: AbortSignal): Promise<void> {
  const { name, namespace, uid } = pod.metadata;
  const body = { metadata: { name, namespace, uid }, target: { kind: 'Node', name: nodeName } };
  await client.createSubresource(Pod, { namespace, name }, 'binding', Binding, body, { signal });
}

/** Deletes a pod so that a more important one has room, and says so on it. A pod that is gone already is no error. */
export async function evictVictim({ client, clock }: Pick<ComponentContext, 'client' | 'clock'>, pod: PodObject, schedulerName: string, signal: AbortSignal): Promise<void> {
  if (pod.metadata.deletionTimestamp !== undefined) return;
  const { name, namespace, uid } = pod.metadata;
  const condition = {
    type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler',
    message: `${schedulerName}: preempting to accommodate a higher priority pod`, lastTransitionTime: nowText(clock.nowMs()),
  };
  await client.patch(Pod, { namespace, name }, { type: 'strategic', patch: { metadata: { uid }, status: { conditions: [condition] } } }, { subresource: 'status', signal });
  await client.delete(Pod, { namespace, name }, { preconditions: { uid }, signal });
}

function nowText(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
}

export interface PodVerdict {
  readonly reason: 'Unschedulable' | 'SchedulerError';
  readonly message: string;
  /** The node where room is being made; empty: none any more; undefined: as it was. */
  readonly nominatedNodeName?: string;
}

/** Writes the condition PodScheduled=False, unless it says the same already. */
export async function reportUnschedulable(
  { client, clock }: Pick<ComponentContext, 'client' | 'clock'>,
  pod: PodObject,
  { message, nominatedNodeName, reason }: PodVerdict,
  signal: AbortSignal,
): Promise<void> {
  const known = findCondition(pod.status.conditions, 'PodScheduled');
  const same = known?.status === 'False' && known.reason === reason && known.message === message;
  const nominates = nominatedNodeName !== undefined && nominatedNodeName !== (pod.status.nominatedNodeName ?? '');
  if (same && !nominates) return;
  const now = nowText(clock.nowMs());
  const lastTransitionTime = known?.status === 'False' ? (known.lastTransitionTime ?? now) : now;
  const { generation, name, namespace } = pod.metadata;
  const condition = { type: 'PodScheduled', status: 'False', reason, message, lastProbeTime: null, lastTransitionTime, observedGeneration: generation };
  const patch = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition], ...(nominates && { nominatedNodeName: nominatedNodeName === '' ? null : nominatedNodeName }) } };
  await client.patch(Pod, { namespace, name }, { type: 'strategic', patch }, { subresource: 'status', signal });
}

/** Takes back the promise of a node. */
export async function clearNomination({ client }: Pick<ComponentContext, 'client'>, { metadata, status }: PodObject, signal: AbortSignal): Promise<void> {
  if (status.nominatedNodeName === undefined) return;
  const { name, namespace, uid } = metadata;
  await client.patch(Pod, { namespace, name }, { type: 'merge', patch: { metadata: { uid }, status: { nominatedNodeName: null } } }, { subresource: 'status', signal });
}
