import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from './admission.ts';

type Chain = AdmissionContext & { readonly admission: readonly AdmissionPlugin[] };

/** Lets every plugin complete the object, in order. Throws what the first refusing plugin throws. */
export async function admitMutating(context: Chain, request: AdmissionRequest): Promise<void> {
  for (const plugin of context.admission) {
    const waits = plugin.mutate?.(request, context);
    if (waits !== undefined) await waits;
  }
}

/** Asks every plugin for its agreement, in order. */
export async function admitValidating(context: Chain, request: AdmissionRequest): Promise<void> {
  for (const plugin of context.admission) {
    const waits = plugin.validate?.(request, context);
    if (waits !== undefined) await waits;
  }
}
