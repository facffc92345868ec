/** Deletes pods from nodes with NoExecute taints that they do not tolerate (any longer). */
import { saysTheSame } from '#apimachinery/equal.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { isTerminal, isTerminating, withCondition } from '#api/core/pod-status.ts';
import type { Taint, Toleration } from '#api/core/scheduling.ts';
import { tolerates } from '#api/core/taints.ts';
import { timeMs, timestamp } from '#client/timestamp.ts';
import { keyOf } from '#client/informer.ts';
import type { Controller } from '#reconcile/controller.ts';
import { done, recheckAfter, watch } from '#reconcile/controller.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { indexPodsByNode, podsOnNode } from './pods-on-node.ts';

export interface TaintSince {
  readonly taint: Taint;
  /** Since the epoch. */
  readonly sinceMs: number;
}

/** When the pod must go, in ms since the epoch; Infinity when it may stay. It tolerates from when it came, or the taint if that was later. */
export function evictionTimeMs(tolerations: readonly Toleration[], taints: readonly TaintSince[], boundMs: number): number {
  let earliest = Infinity;
  for (const { taint, sinceMs: taintedMs } of taints) {
    if (taint.effect !== 'NoExecute') continue;
    const sinceMs = Math.max(boundMs, taintedMs);
    const fitting = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (fitting.length === 0) return sinceMs;
    const seconds = fitting.map(({ tolerationSeconds }) => tolerationSeconds ?? Infinity);
    earliest = Math.min(earliest, sinceMs + Math.max(0, Math.min(...seconds)) * 1000);
  }
  return earliest;
}

const noExecute = ({ spec }: Node): readonly Taint[] => (spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute');

/** Since when nodes have their taints. Who taints a node by hand does not say it: then it is since the taint was first seen here. */
class TaintTimes {
  /** By node: as many as have taints now. */
  readonly #seen = new Map<string, ReadonlyMap<string, number>>();

  of(nodeName: string, node: Node | undefined, nowMs: number): readonly TaintSince[] {
    const taints = node === undefined ? [] : noExecute(node);
    if (node === undefined || taints.length === 0) {
      this.#seen.delete(nodeName);
      return [];
    }
    const before = this.#seen.get(nodeName);
    const idOf = ({ key, value = '' }: Taint): string => `${node.metadata.uid} ${key}=${value}`;
    const now = new Map(taints.map((taint) => [idOf(taint), before?.get(idOf(taint)) ?? nowMs]));
    this.#seen.set(nodeName, now);
    return taints.map((taint) => ({ taint, sinceMs: taint.timeAdded === undefined ? (now.get(idOf(taint)) ?? nowMs) : timeMs(taint.timeAdded) }));
  }
}

export function taintEvictionController(): Controller {
  const times = new TaintTimes();
  return defineController<Pod>({
    name: 'taint-eviction-controller',
    for: Pod,
    matters: (pod, old) => pod.spec.nodeName !== old.spec.nodeName || !saysTheSame(pod.spec.tolerations, old.spec.tolerations),
    watches: [
      watch(
        Node,
        (node, lister) => (noExecute(node).length === 0 ? [] : podsOnNode(lister, node.metadata.name).map(keyOf)),
        (node, old) => !saysTheSame(noExecute(node), noExecute(old)),
      ),
    ],
    indexes: indexPodsByNode,
    concurrency: 8,

    async reconcile(key, { lister, client, clock, recorder, signal }) {
      const pod = lister.get(Pod, key);
      if (pod?.spec.nodeName === undefined || isTerminating(pod) || isTerminal(pod)) return done;
      const nowMs = clock.nowMs();
      const taints = times.of(pod.spec.nodeName, lister.get(Node, pod.spec.nodeName), nowMs);
      if (taints.length === 0) return done;
      const dueMs = evictionTimeMs(pod.spec.tolerations ?? [], taints, timeMs(pod.metadata.creationTimestamp));
      if (dueMs > nowMs) return recheckAfter(dueMs - nowMs);
      recorder.event({ object: pod }, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
      try {
        const disrupted = { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' };
        const conditions = withCondition(pod.status.conditions, disrupted, timestamp(nowMs));
        if (conditions !== pod.status.conditions) await client.updateStatus(Pod, { ...pod, status: { ...pod.status, conditions } }, { signal });
        await client.delete(Pod, pod.metadata, { preconditions: { uid: pod.metadata.uid }, signal });
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error;
      }
      return done;
    },
  });
}
