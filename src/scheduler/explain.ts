/** Why pods are where they are, or nowhere: the last decisions, by pod. */
import type { Placement } from './plan-placement.ts';
import { fitMessage } from './fit-message.ts';

export interface Decision {
  readonly pod: string;
  /** Wall clock. */
  readonly atMs: number;
  readonly outcome: 'placed' | 'unplaced';
  readonly nodeName?: string | undefined;
  /** The text of the FailedScheduling event. */
  readonly message?: string | undefined;
  /** Why each node will not do; of large clusters the first nodes. */
  readonly reasons?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Points by node and plugin, where they were recorded. */
  readonly points?: Readonly<Record<string, Readonly<Record<string, number>>>> | undefined;
}

export interface Explainer {
  /** The last decision about a pod (`namespace/name`); undefined when it is too long ago. */
  explain(pod: string): Decision | undefined;
  /** All that are remembered, the oldest first. */
  decisions(): readonly Decision[];
}

/** 500 pods at 200 nodes each are about 20 MB at worst; placed pods cost next to nothing. */
const maxDecisions = 500;
const maxNodes = 200;

export class DecisionLog implements Explainer {
  readonly #decisions = new Map<string, Decision>();

  record(pod: string, atMs: number, placement: Placement, preemption?: string): void {
    this.#decisions.delete(pod);
    this.#decisions.set(pod, { pod, atMs, ...describe(placement, preemption) });
    if (this.#decisions.size <= maxDecisions) return;
    const oldest = this.#decisions.keys().next();
    if (oldest.done !== true) this.#decisions.delete(oldest.value);
  }

  explain(pod: string): Decision | undefined {
    return this.#decisions.get(pod);
  }

  decisions(): readonly Decision[] {
    return [...this.#decisions.values()];
  }
}

function describe(placement: Placement, preemption: string | undefined): Omit<Decision, 'pod' | 'atMs'> {
  if (placement.is === 'placed') {
    const { nodeName, points } = placement;
    return { outcome: 'placed', nodeName, ...(points !== undefined && { points: Object.fromEntries([...points].slice(0, maxNodes)) }) };
  }
  const { diagnosis } = placement;
  const reasons: Record<string, readonly string[]> = {};
  let kept = 0;
  for (const [node, rejection] of diagnosis.byNode) {
    if (kept++ === maxNodes) break;
    reasons[node] = rejection.reasons;
  }
  return { outcome: 'unplaced', message: fitMessage(diagnosis, preemption), reasons };
}
