/**
 * Lets an API server say who asks a daemon, and whether he may: certificates of its authority or bearer tokens
 * (TokenReview), and a SubjectAccessReview on the path.
 *
 * Source: k8s.io/apiserver, DelegatingAuthenticationOptions and DelegatingAuthorizationOptions.
 */
import type { Clock } from '#base/clock.ts';
import { TokenReview } from '#api/authentication/token-review.ts';
import type { SubjectAccessReviewSpec } from '#api/authorization/local-subject-access-review.ts';
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

/** Who asks, as the API server says. */
export interface ReviewedUser {
  readonly name: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
}

const anonymous: ReviewedUser = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
/** Scrapers and people who look; beyond it the oldest are asked anew. */
const maxRemembered = 1000;

/** Resolves when the request may be answered; rejects with a 401 or 403 when not, with what the client threw when nobody can tell. */
export function delegatedAccess(options: DelegatedAccessOptions): (request: ServerRequest) => Promise<void> {
  const { clock, tokenTtlMs = 10_000, authorizedTtlMs = 10_000, unauthorizedTtlMs = 10_000 } = options;
  const userOf = reviewedUsers({ client: options.authentication, clock, ttlMs: tokenTtlMs });
  const judge = reviewedVerdicts({ client: options.authorization, clock, authorizedTtlMs, unauthorizedTtlMs });
  return async (request) => {
    const { path, method } = request;
    if (options.alwaysAllowPaths.some((each) => (each.endsWith('*') ? path.startsWith(each.slice(0, -1)) : path === each))) return;
    const user = (await userOf(request)) ?? anonymous;
    const verb = method.toLowerCase();
    const { isAllowed, reason } = await judge(user, { nonResourceAttributes: { path, verb } });
    if (!isAllowed) throw new StatusError(403, 'Forbidden', `forbidden: User ${JSON.stringify(user.name)} cannot ${verb} path ${JSON.stringify(path)}${reason === '' ? '' : `: ${reason}`}`);
  };
}

/** Who sends a request: a verified certificate's bearer, or a token's, who is remembered for `ttlMs`. Undefined: nobody says. Rejects with a 401. */
export function reviewedUsers({ client, clock, ttlMs }: { readonly client: Client; readonly clock: Clock; readonly ttlMs: number }): (request: ServerRequest) => Promise<ReviewedUser | undefined> {
  const users = new Remembered<ReviewedUser>(clock);
  return async ({ peer, headers: { authorization } }) => {
    if (peer.kind === 'verified') return { name: peer.identity.commonName, groups: [...peer.identity.organizations, 'system:authenticated'] };
    const token = /^Bearer (\S+)$/i.exec(typeof authorization === 'string' ? authorization : '')?.[1];
    if (token === undefined) return undefined;
    const known = users.get(token);
    if (known !== undefined) return known;
    const { status } = await client.create<TokenReview>(TokenReview, { metadata: {}, spec: { token } });
    if (status.authenticated !== true) throw unauthorized();
    const user = { name: status.user.username ?? '', uid: status.user.uid, groups: status.user.groups ?? [] };
    users.set(token, user, ttlMs);
    return user;
  };
}

export interface Verdict {
  readonly isAllowed: boolean;
  readonly reason: string;
}
/** What is asked for: a path, or a resource. */
export type Question = Pick<SubjectAccessReviewSpec, 'nonResourceAttributes'> | Pick<SubjectAccessReviewSpec, 'resourceAttributes'>;

/** Whether somebody may; answers are remembered. */
export function reviewedVerdicts(
  { client, clock, authorizedTtlMs, unauthorizedTtlMs }: { readonly client: Client; readonly clock: Clock; readonly authorizedTtlMs: number; readonly unauthorizedTtlMs: number },
): (user: ReviewedUser, question: Question) => Promise<Verdict> {
  const verdicts = new Remembered<Verdict>(clock);
  return async (user, question) => {
    const key = JSON.stringify([user, question]);
    const known = verdicts.get(key);
    if (known !== undefined) return known;
    const { status } = await client.create<SubjectAccessReview>(SubjectAccessReview, { metadata: {}, spec: { user: user.name, uid: user.uid, groups: user.groups, ...question } });
    const verdict = { isAllowed: status.allowed, reason: status.reason ?? '' };
    verdicts.set(key, verdict, verdict.isAllowed ? authorizedTtlMs : unauthorizedTtlMs);
    return verdict;
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
