import { ValidatingWebhookConfiguration } from '#api/admissionregistration/validating-webhook-configuration.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { Hook, WebhookDependencies } from './hooks.ts';
import { ask, isExempt, kindFor, waitedFor } from './hooks.ts';

/**
 * Webhooks that may only agree or refuse; all are asked at once. Of several refusals the first configuration's counts.
 * Source: Kubernetes documentation, "Dynamic Admission Control".
 */
export function validatingWebhooks(dependencies: WebhookDependencies): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    validate(request, context) {
      if (isExempt(request)) return undefined;
      const hooks = hooksOf(context);
      // Most clusters have none, and their writes need not wait.
      return hooks.length === 0 ? undefined : askAll(hooks, request, context, dependencies);
    },
  };
}

function hooksOf({ objects }: AdmissionContext): readonly Hook[] {
  const hooks: Hook[] = [];
  for (const { metadata, webhooks = [] } of objects.list(ValidatingWebhookConfiguration)) {
    for (const webhook of webhooks) hooks.push({ key: `${metadata.name}/${webhook.name}`, configuration: metadata.name, webhook });
  }
  return hooks;
}

async function askAll(hooks: readonly Hook[], request: AdmissionRequest, context: AdmissionContext, dependencies: WebhookDependencies): Promise<void> {
  const asked = hooks.map(async (hook, index) => {
    const kind = await kindFor(hook, request, context, dependencies);
    if (kind === undefined) return;
    const verdict = await ask(hook, request, kind, 'validating', dependencies);
    if (verdict === undefined) request.annotate?.(`failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`, hook.webhook.name);
  });
  // All are waited for, so that none is left to fail unheard.
  for (const outcome of await waitedFor(Promise.allSettled(asked), request, dependencies.clock)) if (outcome.status === 'rejected') throw outcome.reason;
}
