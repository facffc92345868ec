/** Asks a service whose token it is. Source: Kubernetes documentation, "Webhook Token Authentication"; TokenReview. */
import { createHash } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { ReviewCache } from '../authz/review-cache.ts';
import type { UserInfo } from '../request/api-call.ts';
import type { KubeconfigWebhook } from '../webhooks/kubeconfig-webhook.ts';
import type { Authenticator } from './authenticate.ts';
import { bearerToken, withAuthenticated } from './authenticate.ts';

export interface TokenWebhookOptions {
  readonly webhook: KubeconfigWebhook;
  /** Of TokenReview. */
  readonly version: 'v1' | 'v1beta1';
  readonly ttlMs: number;
  /** What tokens have to be for, where anybody says so. */
  readonly audiences?: readonly string[] | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

const timeoutMs = 10_000;

export function tokenWebhook({ webhook, version, ttlMs, audiences = [], clock, log }: TokenWebhookOptions): Authenticator {
  const cache = new ReviewCache<UserInfo | 'unknown'>(clock);
  return {
    name: 'token-webhook',
    async authenticate({ headers }) {
      const token = bearerToken(headers);
      if (token === undefined) return undefined;
      const key = createHash('sha256').update(token).digest('base64');
      const known = cache.get(key);
      if (known !== undefined) return known === 'unknown' ? undefined : known;
      try {
        const spec = { token, ...(audiences.length > 0 && { audiences }) };
        const answer = (await webhook.post({ kind: 'TokenReview', apiVersion: `authentication.k8s.io/${version}`, metadata: {}, spec }, { timeoutMs })) as { readonly status?: ReviewStatus } | undefined;
        const user = userOf(answer?.status ?? {}, audiences);
        cache.set(key, user ?? 'unknown', ttlMs);
        return user;
      } catch (error) {
        log.error({ error }, 'the token webhook did not answer');
        return undefined;
      }
    },
  };
}

interface ReviewStatus {
  readonly authenticated?: boolean;
  readonly audiences?: readonly string[];
  readonly user?: { readonly username?: string; readonly uid?: string; readonly groups?: readonly string[]; readonly extra?: Readonly<Record<string, readonly string[]>> };
}

/** A service that knows nothing of audiences vouches for its tokens as this server's. */
function userOf({ authenticated, user, audiences: given = [] }: ReviewStatus, wanted: readonly string[]): UserInfo | undefined {
  if (authenticated !== true) return undefined;
  if (given.length > 0 && wanted.length > 0 && !given.some((each) => wanted.includes(each))) return undefined;
  const { username = '', uid, groups = [], extra } = user ?? {};
  return withAuthenticated({ name: username, groups, ...(uid !== undefined && uid !== '' && { uid }), ...(extra !== undefined && { extra }) });
}
