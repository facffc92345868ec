/** What mutating and validating webhooks share: which are to be asked, and asking one. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { MatchCondition } from '#api/admissionregistration/matching.ts';
import type { MutatingWebhook } from '#api/admissionregistration/mutating-webhook-configuration.ts';
import type { ValidatingWebhook } from '#api/admissionregistration/validating-webhook-configuration.ts';
import { Namespace } from '#api/core/namespace.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { StatusError, badRequest, internalError } from '#apimachinery/status-error.ts';
import type { WebhookClient } from '../../webhooks/webhook-client.ts';
import { WebhookCallError } from '../../webhooks/webhook-client.ts';
import type { WebhookIdentity } from '../../webhooks/webhook-identity.ts';
import type { AdmissionContext, AdmissionRequest } from '../admission.ts';
import type { Equivalents } from '../matching/rule-match.ts';
import { matchedKind, matchesSelectors } from '../matching/rule-match.ts';
import type { Verdict } from './admission-review.ts';
import { ReviewError, denial, objectsReady, reviewFor, verdictOf } from './admission-review.ts';
import type { WebhookMetrics } from './webhook-metrics.ts';

export interface WebhookDependencies {
  readonly client: WebhookClient;
  /** Who this server is to webhooks. Default: nobody. */
  readonly identity?: WebhookIdentity | undefined;
  readonly equivalents: Equivalents;
  /** Evaluates match conditions. */
  readonly conditions: ConditionCheck;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: WebhookMetrics;
}

/** Whether all conditions hold, as far as they can be evaluated; the error of the first that cannot be, where none is false. */
export type ConditionCheck = (conditions: readonly MatchCondition[], request: AdmissionRequest, kind: ResourceKind) => Promise<{ readonly matches: boolean } | { readonly error: string }>;

/** A webhook of a configuration, under a key that tells it from all others. */
export interface Hook {
  readonly key: string;
  readonly configuration: string;
  readonly webhook: MutatingWebhook | ValidatingWebhook;
}

export type HookType = 'admit' | 'validating';

/** Webhooks cannot lock up the configuration of webhooks. */
const exempt = new Set(['mutatingwebhookconfigurations', 'validatingwebhookconfigurations', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings', 'validatingadmissionpolicies', 'validatingadmissionpolicybindings']);

export function isExempt({ kind }: AdmissionRequest): boolean {
  return kind.group === 'admissionregistration.k8s.io' && exempt.has(kind.plural);
}

const defaultTimeoutSeconds = 10;
const versions = ['v1', 'v1beta1'];

/** The version of the kind that the webhook is to be shown, when it is to be asked at all. Throws as its failure policy says. */
export async function kindFor(hook: Hook, request: AdmissionRequest, context: AdmissionContext, { equivalents, conditions, log }: WebhookDependencies): Promise<ResourceKind | undefined> {
  const { webhook } = hook;
  const kind = matchedKind(request, webhook.rules ?? [], webhook.matchPolicy, equivalents);
  if (kind === undefined) return undefined;
  if (!matchesSelectors(webhook, request, () => context.objects.get(Namespace, request.namespace)?.metadata.labels)) return undefined;
  if ((webhook.matchConditions ?? []).length === 0) return kind;
  await objectsReady(kind, request);
  const outcome = await conditions(webhook.matchConditions ?? [], request, kind);
  if ('matches' in outcome) return outcome.matches ? kind : undefined;
  if (webhook.failurePolicy === 'Ignore') {
    log.warn({ webhook: webhook.name, error: outcome.error }, 'match conditions failed');
    return undefined;
  }
  throw new StatusError(403, 'Forbidden', `${request.kind.plural} ${JSON.stringify(request.name)} is forbidden: ${outcome.error}`);
}

/**
 * Asks one webhook. Undefined: it could not be asked, and that does not matter. Throws a StatusError when it says no, or
 * cannot be asked and must be.
 */
export async function ask(hook: Hook, request: AdmissionRequest, kind: ResourceKind, type: HookType, { client, identity, clock, random, log, metrics }: WebhookDependencies): Promise<Verdict | undefined> {
  const { webhook } = hook;
  if (request.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun') throw badRequest(`admission webhook ${JSON.stringify(webhook.name)} does not support dry run`);
  const startMs = clock.monotonicMs();
  const measured = (rejected: boolean, code: number): void => metrics.called({ name: webhook.name, type, operation: request.operation, rejected, code, seconds: (clock.monotonicMs() - startMs) / 1000 });
  let verdict: Verdict;
  try {
    verdict = await call(hook, request, kind, type, { client, identity, random });
  } catch (error) {
    if (!(error instanceof WebhookCallError) && !(error instanceof ReviewError)) throw error;
    const isCall = error instanceof WebhookCallError;
    const why = `failed calling webhook ${JSON.stringify(webhook.name)}: ${isCall ? 'failed to call webhook: ' : ''}${error.message}`;
    if (webhook.failurePolicy === 'Ignore') {
      log.warn({ webhook: webhook.name, error: error.message }, 'failed calling webhook, failing open');
      metrics.failedOpen(webhook.name, type);
      measured(false, 200);
      return undefined;
    }
    measured(true, 500);
    metrics.rejected({ name: webhook.name, type, operation: request.operation, errorType: isCall ? 'calling_webhook_error' : 'apiserver_internal_error', code: 0 });
    throw internalError(new Error(why));
  }
  for (const warning of verdict.warnings) request.warn?.(warning);
  for (const [key, value] of Object.entries(verdict.auditAnnotations)) request.annotate?.(`${webhook.name}/${key}`, value);
  if (!verdict.allowed) {
    const refusal = denial(webhook.name, verdict.status);
    measured(true, refusal.code);
    metrics.rejected({ name: webhook.name, type, operation: request.operation, errorType: 'no_error', code: refusal.code });
    throw refusal;
  }
  measured(false, 200);
  return verdict;
}

async function call({ webhook }: Hook, request: AdmissionRequest, kind: ResourceKind, type: HookType, { client, identity, random }: Pick<WebhookDependencies, 'client' | 'identity' | 'random'>): Promise<Verdict> {
  const version = webhook.admissionReviewVersions.find((each) => versions.includes(each));
  if (version === undefined) throw new ReviewError(`no supported review version among ${webhook.admissionReviewVersions.join(', ')}`);
  const uid = random.uuid();
  const seconds = webhook.timeoutSeconds ?? defaultTimeoutSeconds;
  await objectsReady(kind, request);
  const body = reviewFor({ uid, version, kind, request });
  const answer = await client.call({ client: webhook.clientConfig, body, timeoutMs: seconds * 1000, query: `timeout=${seconds}s`, identity });
  return verdictOf(answer, { uid, version, isMutating: type === 'admit' });
}

/** `answer`, whose time counts as other people's. */
export async function waitedFor<T>(answer: Promise<T>, { notes }: Pick<AdmissionRequest, 'notes'>, clock: Clock): Promise<T> {
  const fromMs = clock.monotonicMs();
  try {
    return await answer;
  } finally {
    if (notes !== undefined) notes.outsideMs += clock.monotonicMs() - fromMs;
  }
}
