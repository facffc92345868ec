/**
 * Why a pod has no node, in the sentence that operators know: `0/3 nodes are available: 1 node(s) had untolerated
 * taint(s), 2 Insufficient cpu.`
 *
 * Source: wording of the FailedScheduling event.
 */
import type { Diagnosis } from './plan-placement.ts';

/** `preemption` is what came of trying to make room: it stands at the end. */
export function fitMessage(diagnosis: Diagnosis, preemption?: string): string {
  const { message, nodeCount } = diagnosis;
  if (nodeCount === 0) return message ?? 'no nodes available to schedule pods';
  const parts = [`0/${nodeCount} nodes are available:`];
  if (message !== undefined) parts.push(`${message}.`);
  else {
    const reasons = countReasons(diagnosis);
    if (reasons.length > 0) parts.push(`${reasons.join(', ')}.`);
  }
  if (preemption !== undefined && preemption !== '') parts.push(preemption);
  return parts.join(' ');
}

/** `2 Insufficient cpu`, sorted as text. */
export function countReasons({ absent, byNode, nodeCount }: Diagnosis): readonly string[] {
  const counts = new Map<string, number>();
  const count = (reasons: readonly string[], by: number): void => {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + by);
  };
  for (const rejection of byNode.values()) count(rejection.reasons, 1);
  if (absent !== undefined && byNode.size < nodeCount) count(absent.reasons, nodeCount - byNode.size);
  return [...counts].map(([reason, times]) => `${times} ${reason}`).toSorted();
}
