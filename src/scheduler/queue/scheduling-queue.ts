/**
 * Pods that wait for a node: those that are next (by priority, then by age), those that pause after a failure (1 s,
 * doubling up to 10 s), and those that no node would take, until an event says that this may have changed.
 *
 * Bound: one entry per unassigned pod.
 * Source: Kubernetes documentation "Scheduling Framework", queueing hints; defaults of kube-scheduler's configuration.
 */
import type { Clock, Timer } from '#base/clock.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Rejection, SchedulerPlugin } from '../framework.ts';
import type { ClusterEvent } from './cluster-event.ts';
import { KeyedHeap } from './heap.ts';

export interface QueuedPod {
  readonly info: PodInfo;
  readonly attempts: number;
  /** Monotonic time. */
  readonly firstAddedMs: number;
  readonly addedMs: number;
  /** Plugins that rejected it last. Empty after an error: then only time helps. */
  readonly rejectedBy: ReadonlySet<string>;
  /** Of a pod that pauses: until when. */
  readonly backoffUntilMs: number;
}

export interface SchedulingQueueOptions {
  readonly clock: Clock;
  readonly plugins: readonly SchedulerPlugin[];
  readonly initialBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** After this time a pod is tried again, whatever has happened or not. */
  readonly maxUnschedulableMs?: number;
  /** Called when there is a pod to take where there was none. */
  readonly onReady: () => void;
  /** Told of every move, for metrics. */
  readonly onMove?: (queue: 'active' | 'backoff' | 'unschedulable', event: string) => void;
}

const defaults = { initialBackoffMs: 1000, maxBackoffMs: 10_000, maxUnschedulableMs: 5 * 60_000 };
/** How often pods that wait too long are looked for. */
const leftoverCheckMs = 30_000;

export class SchedulingQueue {
  readonly #options: SchedulingQueueOptions & typeof defaults;
  readonly #plugins: ReadonlyMap<string, SchedulerPlugin>;
  readonly #active = new KeyedHeap<QueuedPod>((pod) => pod.info.uid, isBefore);
  readonly #backoff = new KeyedHeap<QueuedPod>((pod) => pod.info.uid, (a, b) => a.backoffUntilMs < b.backoffUntilMs);
  readonly #unschedulable = new Map<string, QueuedPod>();
  /** Held back before the queue: scheduling gates. */
  readonly #gated = new Map<string, QueuedPod>();
  /** Being decided or bound; an update that comes meanwhile is kept here. */
  readonly #inFlight = new Map<string, PodInfo | undefined>();
  #backoffTimer: Timer | undefined;
  #leftoverTimer: Timer | undefined;
  #isClosed = false;

  constructor(options: SchedulingQueueOptions) {
    this.#options = { ...defaults, ...options };
    this.#plugins = new Map(options.plugins.map((plugin) => [plugin.name, plugin]));
  }

  get sizes(): { readonly active: number; readonly backoff: number; readonly unschedulable: number; readonly gated: number } {
    return { active: this.#active.size, backoff: this.#backoff.size, unschedulable: this.#unschedulable.size, gated: this.#gated.size };
  }

  /** A pod that has no node: new, or changed. */
  set(info: PodInfo): void {
    const { uid } = info;
    if (this.#inFlight.has(uid)) {
      this.#inFlight.set(uid, info);
      return;
    }
    const known = this.#active.get(uid) ?? this.#backoff.get(uid) ?? this.#unschedulable.get(uid) ?? this.#gated.get(uid);
    if (known === undefined) {
      const nowMs = this.#options.clock.monotonicMs();
      this.#enqueue({ info, attempts: 0, firstAddedMs: nowMs, addedMs: nowMs, rejectedBy: new Set(), backoffUntilMs: 0 }, 'PodAdd');
      return;
    }
    const next = { ...known, info };
    if (this.#active.has(uid)) this.#active.push(next);
    else if (this.#backoff.has(uid)) this.#backoff.push(next);
    else if (this.#gated.delete(uid)) this.#enqueue(next, 'PodUpdate');
    else if (isChanged(known.info, info)) {
      this.#unschedulable.delete(uid);
      this.#requeue(next, 'PodUpdate');
    } else this.#unschedulable.set(uid, next);
  }

  /** The pod is gone, or has a node. */
  delete(uid: string): void {
    this.#active.remove(uid);
    this.#backoff.remove(uid);
    this.#unschedulable.delete(uid);
    this.#gated.delete(uid);
  }

  /** The next pod; it is in flight until `done` or `failed`. */
  take(): QueuedPod | undefined {
    const pod = this.#active.pop() ?? this.#takeEarly();
    if (pod === undefined) return undefined;
    this.#inFlight.set(pod.info.uid, undefined);
    return { ...pod, attempts: pod.attempts + 1 };
  }

  /** While nobody else waits, a pod that no node would take need not pause; one that met an error should. */
  #takeEarly(): QueuedPod | undefined {
    const pod = this.#backoff.peek();
    return pod === undefined || pod.rejectedBy.size === 0 ? undefined : this.#backoff.pop();
  }

  /** It has a node, or is none of our business any more. */
  done(uid: string): void {
    this.#inFlight.delete(uid);
  }

  /** No node would take it. `rejectedBy` empty: an error, which time may heal. */
  failed(pod: QueuedPod, rejectedBy: ReadonlySet<string>): void {
    const { uid } = pod.info;
    const newer = this.#inFlight.get(uid);
    this.#inFlight.delete(uid);
    const nowMs = this.#options.clock.monotonicMs();
    const next = { ...pod, info: newer ?? pod.info, rejectedBy, addedMs: nowMs, backoffUntilMs: nowMs + this.#pauseMs(pod.attempts) };
    if (rejectedBy.size === 0 || (newer !== undefined && isChanged(pod.info, newer))) {
      this.#pause(next, 'ScheduleAttemptFailure');
      return;
    }
    this.#unschedulable.set(uid, next);
    this.#options.onMove?.('unschedulable', 'ScheduleAttemptFailure');
    this.#watchLeftovers();
  }

  /** Something happened: those whom it may help get another try. */
  notify(event: ClusterEvent): void {
    for (const [uid, pod] of this.#unschedulable) {
      if (!this.#mayHelp(pod, event)) continue;
      this.#unschedulable.delete(uid);
      this.#requeue(pod, event.kind);
    }
  }

  /** Every pod gets another try. */
  activateAll(): void {
    for (const [uid, pod] of this.#unschedulable) {
      this.#unschedulable.delete(uid);
      this.#requeue(pod, 'ForceActivate');
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#backoffTimer?.cancel();
    this.#leftoverTimer?.cancel();
  }

  #mayHelp({ info, rejectedBy }: QueuedPod, event: ClusterEvent): boolean {
    for (const name of rejectedBy) {
      const hint = this.#plugins.get(name)?.wakesOn[event.kind];
      if (hint?.(info, event) === true) return true;
    }
    return false;
  }

  #enqueue(pod: QueuedPod, event: string): void {
    const held = this.#holdBack(pod.info);
    if (held !== undefined) {
      this.#gated.set(pod.info.uid, { ...pod, rejectedBy: new Set([held.plugin]) });
      return;
    }
    this.#active.push(pod);
    this.#options.onMove?.('active', event);
    this.#options.onReady();
  }

  #holdBack(info: PodInfo): Rejection | undefined {
    for (const plugin of this.#plugins.values()) {
      const rejection = plugin.preEnqueue?.(info);
      if (rejection !== undefined) return rejection;
    }
    return undefined;
  }

  #requeue(pod: QueuedPod, event: string): void {
    if (pod.backoffUntilMs > this.#options.clock.monotonicMs()) this.#pause(pod, event);
    else this.#enqueue(pod, event);
  }

  #pause(pod: QueuedPod, event: string): void {
    this.#backoff.push(pod);
    this.#options.onMove?.('backoff', event);
    this.#watchBackoff();
    if (pod.rejectedBy.size > 0) this.#options.onReady();
  }

  /** 1 s after the first attempt, doubling, 10 s at most. */
  #pauseMs(attempts: number): number {
    const { initialBackoffMs, maxBackoffMs } = this.#options;
    return Math.min(initialBackoffMs * 2 ** Math.max(0, attempts - 1), maxBackoffMs);
  }

  #watchBackoff(): void {
    this.#backoffTimer?.cancel();
    this.#backoffTimer = undefined;
    const next = this.#backoff.peek();
    if (next === undefined || this.#isClosed) return;
    this.#backoffTimer = this.#options.clock.after(next.backoffUntilMs - this.#options.clock.monotonicMs(), () => this.#endPauses());
  }

  #endPauses(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (let next = this.#backoff.peek(); next !== undefined && next.backoffUntilMs <= nowMs; next = this.#backoff.peek()) {
      this.#backoff.pop();
      this.#enqueue(next, 'BackoffComplete');
    }
    this.#watchBackoff();
  }

  #watchLeftovers(): void {
    if (this.#leftoverTimer !== undefined || this.#isClosed) return;
    this.#leftoverTimer = this.#options.clock.after(leftoverCheckMs, () => {
      this.#leftoverTimer = undefined;
      const tooOldMs = this.#options.clock.monotonicMs() - this.#options.maxUnschedulableMs;
      for (const [uid, pod] of this.#unschedulable) {
        if (pod.addedMs > tooOldMs) continue;
        this.#unschedulable.delete(uid);
        this.#requeue(pod, 'UnschedulableTimeout');
      }
      if (this.#unschedulable.size > 0) this.#watchLeftovers();
    });
  }
}

/** PrioritySort: the more important first, of equals the one that waits longer. */
function isBefore(a: QueuedPod, b: QueuedPod): boolean {
  return a.info.priority === b.info.priority ? a.addedMs < b.addedMs : a.info.priority > b.info.priority;
}

/** Whether an update of the pod can matter: its status (our own conditions among it) cannot. */
function isChanged({ pod: old }: PodInfo, { pod }: PodInfo): boolean {
  return pod.metadata.generation !== old.metadata.generation || JSON.stringify(pod.metadata.labels) !== JSON.stringify(old.metadata.labels);
}
