import type { AdmissionContext, AdmissionPlugin, AdmissionRequest, Mutation } from './admission.ts';
import type { AdmissionMetrics, AdmissionStep } from './admission-metrics.ts';

type Chain = AdmissionContext & { readonly admission: readonly AdmissionPlugin[]; readonly admissionMetrics?: AdmissionMetrics };
type Ask = (plugin: AdmissionPlugin) => Mutation | Promise<Mutation>;

/**
 * Lets every plugin complete the object, in order; once more, where one of them changed it so that the others should
 * look again. Throws what the first refusing plugin throws.
 */
export function admitMutating(context: Chain, request: AdmissionRequest): Promise<void> {
  return measured(context, 'admit', request, async (askOne) => {
    let again = false;
    for (const plugin of context.admission) {
      if (plugin.mutate === undefined) continue;
      const waits = askOne(plugin, (each) => each.mutate?.(request, context));
      if (waits !== undefined && (await waits) === 'reinvoke') again = true;
    }
    if (!again) return;
    for (const plugin of context.admission) await (plugin.mutateAgain === undefined ? plugin.mutate?.(request, context) : plugin.mutateAgain(request, context));
  });
}

/** Asks every plugin for its agreement, in order. */
export function admitValidating(context: Chain, request: AdmissionRequest): Promise<void> {
  return measured(context, 'validate', request, async (askOne) => {
    for (const plugin of context.admission) {
      if (plugin.validate === undefined) continue;
      const waits = askOne(plugin, (each) => each.validate?.(request, context));
      if (waits !== undefined) await waits;
    }
  });
}

type AskOne = (plugin: AdmissionPlugin, ask: Ask) => ReturnType<Ask>;

async function measured({ admissionMetrics: metrics, clock }: Chain, step: AdmissionStep, { operation }: AdmissionRequest, run: (askOne: AskOne) => Promise<void>): Promise<void> {
  if (metrics === undefined) return run((plugin, ask) => ask(plugin));
  const startMs = clock.monotonicMs();
  const over = (name: string, beganMs: number, isRejected: boolean): void => metrics.plugin(name, step, operation, isRejected, (clock.monotonicMs() - beganMs) / 1000);
  const askOne: AskOne = (plugin, ask) => {
    const beganMs = clock.monotonicMs();
    let isRejected = true;
    try {
      const waits = ask(plugin);
      isRejected = false;
      if (waits instanceof Promise) {
        return waits.then((outcome) => {
          over(plugin.name, beganMs, false);
          return outcome;
        }, (error: unknown) => {
          over(plugin.name, beganMs, true);
          throw error;
        });
      }
      over(plugin.name, beganMs, false);
      return waits;
    } finally {
      if (isRejected) over(plugin.name, beganMs, true);
    }
  };
  let isRejected = true;
  try {
    await run(askOne);
    isRejected = false;
  } finally {
    metrics.step(step, operation, isRejected, (clock.monotonicMs() - startMs) / 1000);
  }
  return undefined;
}
