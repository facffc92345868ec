/** The plugins that ask what is configured in the cluster itself; they come after those that are built in. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { Egress } from '../proxy/egress.ts';
import type { ServedKinds } from '../request/served-kinds.ts';
import { WebhookClient } from '../webhooks/webhook-client.ts';
import type { AdmissionPlugin, ObjectReader } from './admission.ts';
import type { ConditionCheck, WebhookDependencies } from './webhooks/hooks.ts';
import { mutatingWebhooks } from './webhooks/mutating-webhooks.ts';
import { validatingWebhooks } from './webhooks/validating-webhooks.ts';
import type { WebhookMetrics } from './webhooks/webhook-metrics.ts';

export interface DynamicAdmissionDependencies {
  readonly objects: ObjectReader;
  readonly kinds: ServedKinds;
  readonly egress: Egress;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: WebhookMetrics;
}

export interface DynamicAdmission {
  /** For whoever else asks webhooks. */
  readonly client: WebhookClient;
  /** In the order of execution. */
  readonly plugins: readonly AdmissionPlugin[];
  /** Ends the connections to webhooks. */
  close(): void;
}

export function dynamicAdmission({ objects, kinds, egress, clock, random, log, metrics }: DynamicAdmissionDependencies): DynamicAdmission {
  const client = new WebhookClient({ objects, egress, clock });
  const webhooks: WebhookDependencies = { client, equivalents: (kind) => kinds.inOtherVersions(kind), conditions: noConditions, clock, random, log, metrics };
  return { client, plugins: [mutatingWebhooks(webhooks), validatingWebhooks(webhooks)], close: () => client.close() };
}

const noConditions: ConditionCheck = () => ({ error: 'match conditions cannot be evaluated by this server' });
