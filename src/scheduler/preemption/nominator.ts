/**
 * Pods that wait for others to leave a node. Until they come, the room counts as theirs for pods that are no more
 * important. Bound: one entry per unassigned pod.
 */
import type { PodInfo } from '../cache/pod-info.ts';

export class Nominator {
  readonly #byNode = new Map<string, Map<string, PodInfo>>();
  readonly #nodeOf = new Map<string, string>();

  set(info: PodInfo, nodeName: string): void {
    this.delete(info.uid);
    this.#nodeOf.set(info.uid, nodeName);
    const known = this.#byNode.get(nodeName);
    if (known === undefined) this.#byNode.set(nodeName, new Map([[info.uid, info]]));
    else known.set(info.uid, info);
  }

  delete(uid: string): void {
    const nodeName = this.#nodeOf.get(uid);
    if (nodeName === undefined) return;
    this.#nodeOf.delete(uid);
    const known = this.#byNode.get(nodeName);
    known?.delete(uid);
    if (known?.size === 0) this.#byNode.delete(nodeName);
  }

  nodeOf(uid: string): string | undefined {
    return this.#nodeOf.get(uid);
  }

  get isEmpty(): boolean {
    return this.#nodeOf.size === 0;
  }

  at(nodeName: string): readonly PodInfo[] {
    const known = this.#byNode.get(nodeName);
    return known === undefined ? nobody : [...known.values()];
  }
}

const nobody: readonly PodInfo[] = [];
