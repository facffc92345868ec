import type { AuditSink } from './audit.ts';
import type { AuditEvent } from './event.ts';
import { Batches } from './batch.ts';
import type { SinkDependencies } from './log-sink.ts';
import type { KubeconfigWebhook } from '../webhooks/kubeconfig-webhook.ts';
import type { AuditWebhookSettings } from './settings.ts';
import { inBatches, truncated } from './truncate.ts';

/** How often an attempt is repeated, with pauses that grow by half. Source: k8s.io/apiserver webhook.DefaultRetryBackoffWithInitialDelay. */
const attempts = 5;
const growth = 1.5;
const timeoutMs = 30_000;

/** Events to a service, as lists. */
export function webhookSink(settings: AuditWebhookSettings, webhook: KubeconfigWebhook, { clock, log, metrics }: SinkDependencies): AuditSink {
  const post = async (items: readonly AuditEvent[]): Promise<void> => {
    for (let attempt = 1, pauseMs = settings.initialBackoffMs; ; attempt++, pauseMs *= growth) {
      try {
        await webhook.post({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items }, { timeoutMs });
        return;
      } catch (error) {
        if (attempt >= attempts) throw error;
        await clock.sleep(pauseMs);
      }
    }
  };
  const batches = new Batches<AuditEvent>(settings.batch, clock, async (events) => {
    for (const batch of settings.truncation === undefined ? [events] : inBatches(events, settings.truncation.maxBatchBytes)) {
      await post(batch).catch((error: unknown) => {
        metrics.lost('webhook', batch.length);
        log.error({ error, events: batch.length }, 'audit events could not be sent');
      });
    }
  });
  return {
    name: 'webhook',
    isStrict: settings.mode === 'blocking-strict',
    take(event) {
      const shown = settings.truncation === undefined ? event : truncated(event, settings.truncation);
      if (shown === undefined) throw new Error('the event is too large');
      if (settings.mode !== 'batch') return post([shown]);
      if (!batches.add(shown)) throw new Error('the buffer is full');
      return undefined;
    },
    async close() {
      await batches.flush();
      webhook.close();
    },
  };
}
