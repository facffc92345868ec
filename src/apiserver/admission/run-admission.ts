import type { Clock } from '#base/clock.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from './admission.ts';
import type { AdmissionMetrics, AdmissionStep } from './admission-metrics.ts';

type Chain = AdmissionContext & { readonly admission: readonly AdmissionPlugin[]; readonly admissionMetrics?: AdmissionMetrics };

/**
 * Lets every plugin complete the object, in order; once more, where one of them changed it so that the others should
 * look again. Throws what the first refusing plugin throws.
 */
export async function admitMutating(context: Chain, request: AdmissionRequest): Promise<void> {
  const times = new StepTimes(context, 'admit', request);
  try {
    let again = false;
    for (const plugin of context.admission) {
      if (plugin.mutate === undefined) continue;
      times.asked(plugin);
      const waits = plugin.mutate(request, context);
      if (waits !== undefined && (await waits) === 'reinvoke') again = true;
      times.agreed();
    }
    if (again) for (const plugin of context.admission) await (plugin.mutateAgain === undefined ? plugin.mutate?.(request, context) : plugin.mutateAgain(request, context));
    times.over(false);
  } catch (error) {
    times.over(true);
    throw error;
  }
}

/** Asks every plugin for its agreement, in order. */
export async function admitValidating(context: Chain, request: AdmissionRequest): Promise<void> {
  const times = new StepTimes(context, 'validate', request);
  try {
    for (const plugin of context.admission) {
      if (plugin.validate === undefined) continue;
      times.asked(plugin);
      const waits = plugin.validate(request, context);
      if (waits !== undefined) await waits;
      times.agreed();
    }
    times.over(false);
  } catch (error) {
    times.over(true);
    throw error;
  }
}

/** What each plugin and the whole step took. Dozens of plugins are asked at every write: one begins when the other ends. */
class StepTimes {
  readonly #metrics: AdmissionMetrics | undefined;
  readonly #clock: Clock;
  readonly #step: AdmissionStep;
  readonly #operation: string;
  readonly #startMs: number;
  #beganMs: number;
  #asked: string | undefined;

  constructor({ admissionMetrics, clock }: Chain, step: AdmissionStep, { operation }: AdmissionRequest) {
    this.#metrics = admissionMetrics;
    this.#clock = clock;
    this.#step = step;
    this.#operation = operation;
    this.#startMs = clock.monotonicMs();
    this.#beganMs = this.#startMs;
  }

  asked({ name }: AdmissionPlugin): void {
    this.#asked = name;
  }

  agreed(): void {
    this.#answered(false);
  }

  over(isRejected: boolean): void {
    if (isRejected) this.#answered(true);
    this.#metrics?.step(this.#step, this.#operation, isRejected, (this.#clock.monotonicMs() - this.#startMs) / 1000);
  }

  #answered(isRejected: boolean): void {
    if (this.#metrics === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    if (this.#asked !== undefined) this.#metrics.plugin(this.#asked, this.#step, this.#operation, isRejected, (nowMs - this.#beganMs) / 1000);
    this.#asked = undefined;
    this.#beganMs = nowMs;
  }
}
