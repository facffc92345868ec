/** The plugins that ask what is configured in the cluster itself; they come after those that are built in. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { Egress } from '../proxy/egress.ts';
import type { ServedKinds } from '../request/served-kinds.ts';
import { WebhookClient } from '../webhooks/webhook-client.ts';
import type { AdmissionPlugin, ObjectReader } from './admission.ts';
import { lazyConditionCheck, lazyExpressionCheck, lazyMutatingPolicies, lazyValidatingPolicies } from './policies/lazy-policies.ts';
import type { WebhookIdentity } from '../webhooks/webhook-identity.ts';
import type { WebhookDependencies } from './webhooks/hooks.ts';
import { mutatingWebhooks } from './webhooks/mutating-webhooks.ts';
import { validatingWebhooks } from './webhooks/validating-webhooks.ts';
import type { WebhookMetrics } from './webhooks/webhook-metrics.ts';

export interface DynamicAdmissionDependencies {
  readonly objects: ObjectReader;
  /** Expressions may ask what somebody may do. */
  readonly authorizers: readonly Authorizer[];
  readonly kinds: ServedKinds;
  readonly egress: Egress;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: WebhookMetrics;
  /** Who this server is to the webhooks of a plugin, by its name. Default: nobody. */
  readonly identities?: ReadonlyMap<string, WebhookIdentity>;
}

export interface DynamicAdmission {
  /** For whoever else asks webhooks. */
  readonly client: WebhookClient;
  /** Whether expressions of policies and webhooks can be compiled at all: always on. */
  readonly expressionCheck: AdmissionPlugin;
  /** By their names. */
  readonly plugins: ReadonlyMap<string, AdmissionPlugin>;
  /** Ends the connections to webhooks. */
  close(): void;
}

export function dynamicAdmission({ objects, authorizers, kinds, egress, clock, random, log, metrics, identities }: DynamicAdmissionDependencies): DynamicAdmission {
  const client = new WebhookClient({ objects, egress, clock });
  const webhooks: WebhookDependencies = { client, equivalents: (kind) => kinds.inOtherVersions(kind), conditions: lazyConditionCheck({ objects, authorizers }), clock, random, log, metrics };
  const policies = { kinds, authorizers };
  const plugins = [lazyMutatingPolicies(policies), mutatingWebhooks({ ...webhooks, identity: identities?.get('MutatingAdmissionWebhook') }), lazyValidatingPolicies(policies), validatingWebhooks({ ...webhooks, identity: identities?.get('ValidatingAdmissionWebhook') })];
  return { client, expressionCheck: lazyExpressionCheck(policies), plugins: new Map(plugins.map((plugin) => [plugin.name, plugin])), close: () => client.close() };
}
