import type { Clock } from '#base/clock.ts';
import type { Container } from '#api/core/container.ts';
import type { Pod } from '#api/core/pod.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Alarm } from './alarm.ts';
import { retryAfterMs } from './alarm.ts';
import { containerTarget } from './events.ts';
import { backoffKey } from './plan-pod.ts';
import type { ContainerStart, PodPlan, WaitingReason } from './plan-pod.ts';
import { nextBackoff, restartBackoff } from './restart-backoff.ts';
import type { BackoffEntry } from './restart-backoff.ts';
import type { StartFailure } from './start-container.ts';

export interface StartLedgerDependencies {
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  /** Set to when a start that failed is tried again. */
  readonly alarm: Alarm;
}

/** What is known of the starts of one pod's containers: which of them wait, why, and until when. */
export class StartLedger {
  readonly #dependencies: StartLedgerDependencies;
  readonly #waiting = new Map<string, WaitingReason>();
  readonly #retriesAtMs = new Map<string, number>();
  readonly #backoffs = new Map<string, BackoffEntry>();

  constructor(dependencies: StartLedgerDependencies) {
    this.#dependencies = dependencies;
  }

  /** Why containers do not run yet, by name. */
  get waiting(): ReadonlyMap<string, WaitingReason> {
    return this.#waiting;
  }

  /** By `backoffKey`. */
  get backoffs(): ReadonlyMap<string, BackoffEntry> {
    return this.#backoffs;
  }

  /** Takes over what a plan says of containers that wait for their restart, with an event when that is new. */
  notePlan(pod: Pod, plan: PodPlan): void {
    for (const [name, reason] of plan.waiting) {
      if (this.#waiting.get(name)?.message !== reason.message) {
        const { metadata } = pod;
        this.#dependencies.recorder.event(containerTarget(pod, name), 'Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${metadata.name}_${metadata.namespace}(${metadata.uid})`);
      }
      this.#waiting.set(name, reason);
    }
    for (const { container } of plan.starts) if (this.#waiting.get(container.name)?.reason === 'CrashLoopBackOff') this.#waiting.delete(container.name);
  }

  /** Whether a container may be started now; one whose last try failed waits a while. */
  isDue({ name }: Container): boolean {
    const { clock, alarm } = this.#dependencies;
    const atMs = this.#retriesAtMs.get(name);
    if (atMs === undefined || atMs <= clock.nowMs()) return true;
    alarm.at(atMs);
    return false;
  }

  noteBegin({ container, after }: ContainerStart): void {
    if (after === undefined) return;
    const key = backoffKey(container);
    this.#backoffs.set(key, nextBackoff(this.#backoffs.get(key), after.finishedAtMs, this.#dependencies.clock.nowMs(), restartBackoff));
  }

  noteSuccess({ name }: Container): void {
    this.#waiting.delete(name);
    this.#retriesAtMs.delete(name);
  }

  noteFailure({ name }: Container, { reason, message, retryAtMs }: StartFailure): void {
    const { clock, alarm } = this.#dependencies;
    this.#waiting.set(name, { reason, message });
    const againAtMs = retryAtMs ?? clock.nowMs() + retryAfterMs;
    this.#retriesAtMs.set(name, againAtMs);
    alarm.at(againAtMs);
  }
}
