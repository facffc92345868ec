/**
 * Removes pods that nobody else will: of nodes that are gone, deleted before they had a node, and the oldest of very many
 * finished ones.
 *
 * Source: Kubernetes documentation "Pod Lifecycle: Garbage collection of Pods".
 */
import { hasReason } from '#apimachinery/status-error.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { isTerminal, isTerminating, withCondition } from '#api/core/pod-status.ts';
import { findUntolerated } from '#api/core/taints.ts';
import { keyOf } from '#client/informer.ts';
import { timestamp } from '#client/timestamp.ts';
import type { Controller, ReconcileContext } from '#reconcile/controller.ts';
import { done, recheckAfter, watch } from '#reconcile/controller.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { indexPodsByNode, podsOnNode } from '../node/pods-on-node.ts';

/** A node that is not there may be on its way back. */
const quarantineMs = 40_000;
/** `--terminated-pod-gc-threshold`. */
const maxTerminated = 12_500;

/** Why the pod is to be removed now, or may have to be later. Pure. */
export type PodFate = 'stays' | 'unscheduled' | 'orphaned' | 'out of service';

export function fateOf(pod: Pod, node: Node | undefined): PodFate {
  const { nodeName } = pod.spec;
  if (nodeName === undefined) return isTerminating(pod) ? 'unscheduled' : 'stays';
  if (node === undefined) return 'orphaned';
  const isOut = node.spec.taints?.some(({ key }) => key === 'node.kubernetes.io/out-of-service') === true;
  const isNotReady = node.status.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True';
  const isIntolerable = findUntolerated(node.spec.taints?.filter(({ key }) => key === 'node.kubernetes.io/out-of-service'), pod.spec.tolerations, ['NoExecute', 'NoSchedule']) !== undefined;
  return isOut && isNotReady && isIntolerable && isTerminating(pod) ? 'out of service' : 'stays';
}

/** What is known of the pods is of one start only. */
export const podGcController: Controller = { name: 'pod-garbage-collector-controller', start: (environment) => collector().start(environment) };

function collector(): Controller {
  const missingSinceMs = new Map<string, number>();
  /** Keys of finished pods, the one that finished first at the front. */
  const terminated = new Set<string>();

  return defineController<Pod>({
    name: 'pod-garbage-collector-controller',
    component: 'podgc-controller',
    for: Pod,
    matters: (pod, old) => isTerminal(pod) !== isTerminal(old) || isTerminating(pod) !== isTerminating(old) || pod.spec.nodeName !== old.spec.nodeName,
    watches: [watch(Node, ({ metadata }, lister) => podsOnNode(lister, metadata.name).map(keyOf), (node, old) => node.spec.taints !== old.spec.taints)],
    indexes: indexPodsByNode,

    async reconcile(key, context) {
      const pod = context.lister.get(Pod, key);
      if (pod === undefined) {
        terminated.delete(key);
        return done;
      }
      if (isTerminal(pod)) await limitTerminated(key, terminated, context);
      const { nodeName } = pod.spec;
      const fate = fateOf(pod, nodeName === undefined ? undefined : context.lister.get(Node, nodeName));
      if (nodeName !== undefined && fate !== 'orphaned') missingSinceMs.delete(nodeName);
      switch (fate) {
        case 'stays':
          return done;
        case 'unscheduled':
          await removeNow(pod, undefined, context);
          return done;
        case 'out of service':
          await removeNow(pod, 'PodGC: node is out-of-service', context);
          return done;
        case 'orphaned': {
          const nowMs = context.clock.nowMs();
          const sinceMs = missingSinceMs.get(nodeName ?? '') ?? nowMs;
          missingSinceMs.set(nodeName ?? '', sinceMs);
          if (nowMs - sinceMs < quarantineMs) return recheckAfter(sinceMs + quarantineMs - nowMs);
          if (await exists(nodeName ?? '', context)) return recheckAfter(quarantineMs);
          await removeNow(pod, 'PodGC: node no longer exists', context);
          return done;
        }
      }
    },
  });
}

async function exists(nodeName: string, { client, signal }: ReconcileContext): Promise<boolean> {
  try {
    await client.get(Node, { name: nodeName }, { signal });
    return true;
  } catch (error) {
    if (hasReason(error, 'NotFound')) return false;
    throw error;
  }
}

async function limitTerminated(key: string, terminated: Set<string>, context: ReconcileContext): Promise<void> {
  terminated.add(key);
  for (const oldest of terminated) {
    if (terminated.size <= maxTerminated) return;
    terminated.delete(oldest);
    const pod = context.lister.get(Pod, oldest);
    if (pod !== undefined && isTerminal(pod)) await removeNow(pod, undefined, context);
  }
}

/** Without waiting for a kubelet that is not there. */
async function removeNow(pod: Pod, disruption: string | undefined, { client, clock, signal }: ReconcileContext): Promise<void> {
  try {
    if (disruption !== undefined && !isTerminal(pod)) {
      const now = timestamp(clock.nowMs());
      const conditions = withCondition(pod.status.conditions, { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: disruption }, now);
      await client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase: 'Failed', conditions } }, { signal });
    }
    await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid }, signal });
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
  }
}
