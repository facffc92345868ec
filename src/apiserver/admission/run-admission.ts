import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from './admission.ts';

type Chain = AdmissionContext & { readonly admission: readonly AdmissionPlugin[] };

/**
 * Lets every plugin complete the object, in order; once more, where one of them changed it so that the others should
 * look again. Throws what the first refusing plugin throws.
 */
export async function admitMutating(context: Chain, request: AdmissionRequest): Promise<void> {
  let again = false;
  for (const plugin of context.admission) {
    const waits = plugin.mutate?.(request, context);
    if (waits !== undefined && (await waits) === 'reinvoke') again = true;
  }
  if (!again) return;
  for (const plugin of context.admission) await (plugin.mutateAgain === undefined ? plugin.mutate?.(request, context) : plugin.mutateAgain(request, context));
}

/** Asks every plugin for its agreement, in order. */
export async function admitValidating(context: Chain, request: AdmissionRequest): Promise<void> {
  for (const plugin of context.admission) {
    const waits = plugin.validate?.(request, context);
    if (waits !== undefined) await waits;
  }
}
