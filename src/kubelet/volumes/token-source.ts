import type { Clock } from '#base/clock.ts';
import { TokenRequest } from '#api/authentication/token-request.ts';
import type { Pod } from '#api/core/pod.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import type { Client } from '#client/client.ts';
import { timeMs } from '#client/timestamp.ts';
import { VolumeError } from '../platform.ts';
import { tokenKey } from './plan-files.ts';
import type { TokenWish } from './plan-files.ts';

export interface Token {
  readonly token: string;
  /** When a new one is asked for; wall clock, ms. */
  readonly refreshAtMs: number;
}

const dayMs = 24 * 60 * 60_000;

/**
 * Tokens for pods, bound to the pod: kept until four fifths of their life are over, or a day.
 * Source: Kubernetes documentation, "Configure Service Accounts for Pods: token volume projection".
 */
export class TokenSource {
  readonly #dependencies: { readonly client: Client; readonly clock: Clock };
  readonly #tokens = new Map<string, Token>();

  constructor(dependencies: { readonly client: Client; readonly clock: Clock }) {
    this.#dependencies = dependencies;
  }

  /** @throws VolumeError when the API refuses. */
  async get(pod: Pod, wish: TokenWish): Promise<Token> {
    const { client, clock } = this.#dependencies;
    const { uid, name, namespace } = pod.metadata;
    const key = `${uid}/${tokenKey(wish)}`;
    const known = this.#tokens.get(key);
    if (known !== undefined && known.refreshAtMs > clock.nowMs()) return known;
    const account = pod.spec.serviceAccountName ?? 'default';
    try {
      const answer = await client.createSubresource<TokenRequest>(ServiceAccount, { namespace, name: account }, 'token', TokenRequest, {
        spec: {
          audiences: wish.audience === '' ? [] : [wish.audience], expirationSeconds: wish.expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      });
      const nowMs = clock.nowMs();
      const lifeMs = Math.max(0, timeMs(answer.status.expirationTimestamp) - nowMs);
      const token = { token: answer.status.token, refreshAtMs: nowMs + Math.min(dayMs, lifeMs * 0.8) };
      this.#tokens.set(key, token);
      return token;
    } catch (error) {
      // The old one may be good for a while yet.
      if (known !== undefined) return { token: known.token, refreshAtMs: clock.nowMs() + 60_000 };
      throw new VolumeError(`failed to fetch token: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  forget(podUid: string): void {
    for (const key of this.#tokens.keys()) if (key.startsWith(`${podUid}/`)) this.#tokens.delete(key);
  }
}
