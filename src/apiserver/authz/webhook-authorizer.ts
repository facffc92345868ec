/** Asks a service whether a request is allowed. Source: Kubernetes documentation, "Webhook Mode"; SubjectAccessReview. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { parseFieldSelector } from '#apimachinery/selector.ts';
import type { KubeconfigWebhook } from '../webhooks/kubeconfig-webhook.ts';
import type { Attributes, Authorizer, Decision } from './authorizer.ts';
import { ReviewCache } from './review-cache.ts';

export interface WebhookAuthorizerOptions {
  readonly name: string;
  readonly webhook: KubeconfigWebhook;
  /** Of SubjectAccessReview. */
  readonly version: 'v1' | 'v1beta1';
  readonly timeoutMs: number;
  readonly authorizedTtlMs: number;
  readonly unauthorizedTtlMs: number;
  /** What it counts as when the service does not answer. */
  readonly onFailure: 'NoOpinion' | 'Deny';
  /** Whether the service is to be asked about this at all. Throws when it cannot be told. Default: always. */
  readonly matches?: (spec: object) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Beyond this a question is not worth remembering. Source: k8s.io/apiserver webhook authorizer, maxControllerAttrCacheSize. */
const maxRememberedLength = 10_000;
const noOpinion: Decision = { verdict: 'no-opinion', reason: '' };

export function webhookAuthorizer(options: WebhookAuthorizerOptions): Authorizer {
  const { name, webhook, version, timeoutMs, clock, log } = options;
  const cache = new ReviewCache<Decision>(clock);
  const failed = (reason: string): Decision => ({ verdict: options.onFailure === 'Deny' ? 'deny' : 'no-opinion', reason });

  async function review(spec: object, key: string): Promise<Decision> {
    let status: ReviewStatus;
    try {
      const answer = (await webhook.post({ kind: 'SubjectAccessReview', apiVersion: `authorization.k8s.io/${version}`, metadata: {}, spec }, { timeoutMs })) as { readonly status?: ReviewStatus } | undefined;
      status = answer?.status ?? {};
    } catch (error) {
      log.error({ error, authorizer: name }, 'the authorization webhook did not answer');
      return failed('');
    }
    const { allowed = false, denied = false, reason = '' } = status;
    if (allowed && denied) return failed('webhook subject access review returned both allow and deny response');
    const decision: Decision = { verdict: denied ? 'deny' : allowed ? 'allow' : 'no-opinion', reason };
    if (key.length < maxRememberedLength) cache.set(key, decision, allowed ? options.authorizedTtlMs : options.unauthorizedTtlMs);
    return decision;
  }

  return {
    name,
    authorize: (attributes) => cache.get(JSON.stringify(specOf(attributes, version))) ?? noOpinion,
    ask(attributes) {
      const spec = specOf(attributes, version);
      try {
        if (options.matches?.(spec) === false) return noOpinion;
      } catch (error) {
        log.error({ error, authorizer: name }, 'a match condition of the authorization webhook could not be evaluated');
        return failed('');
      }
      const key = JSON.stringify(spec);
      return cache.get(key) ?? review(spec, key);
    },
  };
}

interface ReviewStatus {
  readonly allowed?: boolean;
  readonly denied?: boolean;
  readonly reason?: string;
}

function specOf({ user, verb, isResource, path, group, version, resource, subresource, namespace, name, fieldSelector }: Attributes, reviewVersion: 'v1' | 'v1beta1'): object {
  const groups = reviewVersion === 'v1' ? { groups: user.groups } : { group: user.groups };
  return {
    ...(isResource
      ? {
          resourceAttributes: {
            ...given({ namespace, verb, group, version, resource, subresource, name }),
            ...(fieldSelector !== undefined && fieldSelector !== '' && { fieldSelector: fieldSelectorOf(fieldSelector) }),
          },
        }
      : { nonResourceAttributes: given({ path, verb }) }),
    user: user.name, ...groups, ...(user.extra !== undefined && { extra: user.extra }), ...(user.uid !== undefined && { uid: user.uid }),
  };
}

function given(values: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}

function fieldSelectorOf(text: string): object {
  try {
    return { requirements: parseFieldSelector(text).terms.map(({ field, value, negated }) => ({ key: field, operator: negated ? 'NotIn' : 'In', values: [value] })) };
  } catch {
    return { rawSelector: text };
  }
}
