/** Audit as flags ask for it. Loaded only then. */
import { readFileSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { openKubeconfigWebhook } from '../webhooks/kubeconfig-webhook.ts';
import { Audit } from './audit.ts';
import type { AuditSink } from './audit.ts';
import { AuditMetrics } from './audit-metrics.ts';
import { logSink } from './log-sink.ts';
import { parsePolicy } from './policy.ts';
import type { AuditLogSettings, AuditWebhookSettings } from './settings.ts';
import { AuditSettingsError } from './settings.ts';
import { webhookSink } from './webhook-sink.ts';

export interface AuditOptions {
  readonly policyFile: string;
  readonly log?: AuditLogSettings | undefined;
  readonly webhook?: AuditWebhookSettings | undefined;
}

/** Throws an `AuditSettingsError` that names the file and the field. */
export function openAudit(options: AuditOptions, dependencies: { readonly clock: Clock; readonly random: Random; readonly log: Logger }): Audit {
  const policy = readPolicy(options.policyFile);
  const metrics = new AuditMetrics();
  const of = { ...dependencies, metrics };
  const sinks: AuditSink[] = [];
  if (options.log !== undefined) sinks.push(logSink(options.log, of));
  if (options.webhook !== undefined) {
    try {
      sinks.push(webhookSink(options.webhook, openKubeconfigWebhook(options.webhook.kubeconfig, { clock: dependencies.clock }), of));
    } catch (error) {
      throw new AuditSettingsError(`--audit-webhook-config-file: ${options.webhook.kubeconfig}: ${(error as Error).message}`);
    }
  }
  return new Audit({ policy, sinks, metrics, ...dependencies });
}

function readPolicy(file: string): ReturnType<typeof parsePolicy> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new AuditSettingsError(`--audit-policy-file: ${file} cannot be read`, { cause: error });
  }
  try {
    return parsePolicy(text);
  } catch (error) {
    throw new AuditSettingsError(`--audit-policy-file: ${file}: ${(error as Error).message}`, { cause: (error as Error).cause });
  }
}
