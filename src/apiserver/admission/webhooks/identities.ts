/** Who this server is to admission webhooks. Source: API reference, apiserver.config.k8s.io/v1 WebhookAdmissionConfiguration. */
import type { Clock } from '#base/clock.ts';
import type { WebhookIdentity } from '../../webhooks/webhook-identity.ts';
import { webhookIdentity } from '../../webhooks/webhook-identity.ts';
import { SettingsReader } from '../configuration.ts';

const plugins = ['MutatingAdmissionWebhook', 'ValidatingAdmissionWebhook'];

/** By plugin. Throws an `AdmissionSettingsError` with the field's path. */
export function webhookIdentities(configuration: ReadonlyMap<string, unknown>, clock: Clock): ReadonlyMap<string, WebhookIdentity> {
  const found = new Map<string, WebhookIdentity>();
  for (const plugin of plugins) {
    const given = configuration.get(plugin);
    if (given === undefined) continue;
    const reader = new SettingsReader(plugin);
    const root = reader.object(given, '(root)');
    reader.known(root, '', ['kind', 'apiVersion', 'kubeConfigFile']);
    const file = reader.text(root['kubeConfigFile'], 'kubeConfigFile');
    if (file === '') continue;
    try {
      found.set(plugin, webhookIdentity(file, clock));
    } catch (error) {
      reader.fail('kubeConfigFile', (error as Error).message);
    }
  }
  return found;
}
