import { ValidatingWebhookConfiguration } from '#api/admissionregistration/validating-webhook-configuration.ts';
import type { AdmissionPlugin } from '../admission.ts';
import type { Hook, WebhookDependencies } from './hooks.ts';
import { ask, isExempt, kindFor } from './hooks.ts';

/**
 * Webhooks that may only agree or refuse; all are asked at once. Of several refusals the first configuration's counts.
 * Source: Kubernetes documentation, "Dynamic Admission Control".
 */
export function validatingWebhooks(dependencies: WebhookDependencies): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    async validate(request, context) {
      if (isExempt(request)) return;
      const asked: Promise<unknown>[] = [];
      for (const { metadata, webhooks = [] } of context.objects.list(ValidatingWebhookConfiguration)) {
        for (const webhook of webhooks) {
          const hook: Hook = { key: `${metadata.name}/${webhook.name}`, configuration: metadata.name, webhook };
          const kind = await kindFor(hook, request, context, dependencies);
          if (kind !== undefined) asked.push(ask(hook, request, kind, 'validating', dependencies));
        }
      }
      if (asked.length === 0) return;
      for (const outcome of await Promise.allSettled(asked)) if (outcome.status === 'rejected') throw outcome.reason;
    },
  };
}
