import type { Clock, Timer } from '#base/clock.ts';
import type { Container, Probe } from '#api/core/container.ts';
import type { ProbeOutcome } from '../platform.ts';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

export interface ProbeSubject {
  readonly container: Container;
  readonly kind: ProbeKind;
  readonly probe: Probe;
  readonly startedAtMs: number;
}

export interface ProbeWorkerDependencies {
  readonly clock: Clock;
  /** Runs the probe once; never rejects. */
  readonly run: (subject: ProbeSubject) => Promise<ProbeOutcome>;
  /** The verdict is no longer what it was. */
  readonly onVerdict: (verdict: boolean) => void;
  /** One run has failed. */
  readonly onFailure: (outcome: ProbeOutcome) => void;
}

/** Before the first success a readiness probe looks more often than its period: the container is ready as soon as it is. */
const eagerDelaysMs = [50, 100, 200, 400, 800];

/**
 * Runs one probe of one container, on the clock, until it is stopped. The verdict changes after as many outcomes of one
 * kind in a row as the thresholds say. At first: not ready, alive, not started.
 *
 * Source: Kubernetes documentation, "Configure Liveness, Readiness and Startup Probes".
 */
export class ProbeWorker {
  readonly subject: ProbeSubject;
  readonly #dependencies: ProbeWorkerDependencies;
  #timer: Timer | undefined;
  #isStopped = false;
  #verdict: boolean | undefined;
  #inRow = 0;
  #last: ProbeOutcome['result'] | undefined;
  #eagerRuns = 0;

  constructor(subject: ProbeSubject, dependencies: ProbeWorkerDependencies) {
    this.subject = subject;
    this.#dependencies = dependencies;
  }

  /** True: passed; false: failed; undefined: not known yet. */
  get verdict(): boolean | undefined {
    return this.#verdict;
  }

  start(): void {
    const { clock } = this.#dependencies;
    const firstMs = this.subject.startedAtMs + (this.subject.probe.initialDelaySeconds ?? 0) * 1000;
    this.#schedule(firstMs - clock.nowMs());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return;
    this.#timer = this.#dependencies.clock.after(delayMs, () => {
      this.#probe().catch(() => this.#schedule(this.#periodMs));
    });
  }

  get #periodMs(): number {
    return Math.max(1, this.subject.probe.periodSeconds ?? 10) * 1000;
  }

  async #probe(): Promise<void> {
    const { subject } = this;
    const outcome = await this.#dependencies.run(subject);
    if (this.#isStopped) return;
    const eagerMs = this.#eagerDelay(outcome);
    if (eagerMs !== undefined) return this.#schedule(eagerMs);
    this.#count(outcome);
    // A startup probe that has passed, or a verdict that ends the container, leaves nothing to be found out.
    const isDone = subject.kind === 'startup' ? this.#verdict !== undefined : subject.kind === 'liveness' && this.#verdict === false;
    if (!isDone) this.#schedule(this.#periodMs);
  }

  /** Early failures of a readiness probe neither count nor show: the container has just begun. */
  #eagerDelay({ result }: ProbeOutcome): number | undefined {
    if (this.subject.kind !== 'readiness' || result === 'success' || this.#verdict === true) return undefined;
    const delayMs = eagerDelaysMs[this.#eagerRuns++];
    return delayMs !== undefined && delayMs < this.#periodMs ? delayMs : undefined;
  }

  #count(outcome: ProbeOutcome): void {
    const { probe, kind } = this.subject;
    this.#inRow = this.#last === outcome.result ? this.#inRow + 1 : 1;
    this.#last = outcome.result;
    const isSuccess = outcome.result === 'success';
    if (!isSuccess) this.#dependencies.onFailure(outcome);
    const needed = isSuccess ? (kind === 'readiness' ? (probe.successThreshold ?? 1) : 1) : (probe.failureThreshold ?? 3);
    if (this.#inRow < needed || this.#verdict === isSuccess) return;
    this.#verdict = isSuccess;
    // The first failure of a readiness probe counts too: the container may have been taken over as ready.
    const isNews = kind !== 'liveness' || !isSuccess;
    if (isNews) this.#dependencies.onVerdict(isSuccess);
  }
}
