/**
 * Lets an API server say who asks a daemon, and whether he may: certificates of its authority or bearer tokens
 * (TokenReview), and a SubjectAccessReview on the path.
 *
 * Source: k8s.io/apiserver, DelegatingAuthenticationOptions and DelegatingAuthorizationOptions.
 */
import type { Clock } from '#base/clock.ts';
import { TokenReview } from '#api/authentication/token-review.ts';
import { SubjectAccessReview } from '#api/authorization/subject-access-review.ts';
import { StatusError, unauthorized } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import type { ServerRequest } from './exchange.ts';

export interface DelegatedAccessOptions {
  /** How the API server is asked who somebody is. */
  readonly authentication: Client;
  /** How it is asked what he may do. */
  readonly authorization: Client;
  readonly clock: Clock;
  /** Paths that everybody may see; a `*` at the end stands for anything. */
  readonly alwaysAllowPaths: readonly string[];
  readonly tokenTtlMs?: number | undefined;
  readonly authorizedTtlMs?: number | undefined;
  readonly unauthorizedTtlMs?: number | undefined;
}

interface User {
  readonly name: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
}

const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
/** Scrapers and people who look; beyond it the oldest are asked anew. */
const maxRemembered = 1000;

/** Resolves when the request may be answered; rejects with a 401 or 403 when not, with what the client threw when nobody can tell. */
export function delegatedAccess(options: DelegatedAccessOptions): (request: ServerRequest) => Promise<void> {
  const { clock, tokenTtlMs = 10_000, authorizedTtlMs = 10_000, unauthorizedTtlMs = 10_000 } = options;
  const users = new Remembered<User>(clock);
  const verdicts = new Remembered<string>(clock);

  const userOf = async ({ peer, headers }: ServerRequest): Promise<User> => {
    if (peer.kind === 'verified') return { name: peer.identity.commonName, groups: [...peer.identity.organizations, 'system:authenticated'] };
    const token = /^Bearer (\S+)$/i.exec(headers['authorization'] as string | undefined ?? '')?.[1];
    if (token === undefined) return anonymous;
    const known = users.get(token);
    if (known !== undefined) return known;
    const { status } = await options.authentication.create<TokenReview>(TokenReview, { metadata: {}, spec: { token } });
    if (status.authenticated !== true) throw unauthorized();
    const user = { name: status.user.username ?? '', uid: status.user.uid, groups: status.user.groups ?? [] };
    users.set(token, user, tokenTtlMs);
    return user;
  };

  return async (request) => {
    const { path, method } = request;
    if (options.alwaysAllowPaths.some((each) => (each.endsWith('*') ? path.startsWith(each.slice(0, -1)) : path === each))) return;
    const user = await userOf(request);
    const verb = method.toLowerCase();
    const key = JSON.stringify([user, verb, path]);
    let verdict = verdicts.get(key);
    if (verdict === undefined) {
      const { status } = await options.authorization.create<SubjectAccessReview>(SubjectAccessReview, { metadata: {}, spec: { user: user.name, uid: user.uid, groups: user.groups, nonResourceAttributes: { path, verb } } });
      verdict = status.allowed ? 'allowed' : (status.reason ?? '');
      verdicts.set(key, verdict, status.allowed ? authorizedTtlMs : unauthorizedTtlMs);
    }
    if (verdict === 'allowed') return;
    throw new StatusError(403, 'Forbidden', `forbidden: User ${JSON.stringify(user.name)} cannot ${verb} path ${JSON.stringify(path)}${verdict === '' ? '' : `: ${verdict}`}`);
  };
}

class Remembered<T> {
  readonly #entries = new Map<string, { readonly value: T; readonly untilMs: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.untilMs > this.#clock.monotonicMs() ? entry.value : undefined;
  }

  set(key: string, value: T, forMs: number): void {
    this.#entries.delete(key);
    if (this.#entries.size >= maxRemembered) this.#entries.delete(this.#entries.keys().next().value ?? '');
    this.#entries.set(key, { value, untilMs: this.#clock.monotonicMs() + forMs });
  }
}
