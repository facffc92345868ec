import type { Clock } from '#base/clock.ts';
import { StatusError, unauthorized } from '#apimachinery/status-error.ts';
import { TokenReview } from '#api/authentication/token-review.ts';
import { SubjectAccessReview } from '#api/authorization/subject-access-review.ts';
import type { Client } from '#client/client.ts';
import type { ServerRequest } from '#serving/exchange.ts';
import type { Access } from './kubelet-server.ts';

interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

/** The kubelet's defaults: how long the API server's answers are good for. */
const tokenCacheMs = 2 * 60_000;
const allowedCacheMs = 5 * 60_000;
const deniedCacheMs = 30_000;
/** More users and questions than any node meets; beyond it the oldest are asked anew. */
const maxCached = 1000;

/**
 * Lets the API server decide: client certificates of its authority or bearer tokens (TokenReview) say who asks, a
 * SubjectAccessReview on `nodes/<subresource>` whether he may. Source: Kubernetes documentation, "Kubelet authn/authz".
 */
export function delegatedAccess({ client, clock, nodeName }: { readonly client: Client; readonly clock: Clock; readonly nodeName: string }): Access {
  const users = new ExpiringMap<User>(clock);
  const verdicts = new ExpiringMap<boolean>(clock);

  const userOf = async (request: ServerRequest): Promise<User> => {
    const { peer } = request;
    if (peer.kind === 'verified') return { name: peer.identity.commonName, groups: [...peer.identity.organizations, 'system:authenticated'] };
    const header = request.headers['authorization'];
    const token = /^Bearer (\S+)$/i.exec(typeof header === 'string' ? header : '')?.[1];
    if (token === undefined) throw unauthorized();
    const known = users.get(token);
    if (known !== undefined) return known;
    const { status } = await client.create<TokenReview>(TokenReview, { metadata: {}, spec: { token } });
    if (status.authenticated !== true) throw unauthorized();
    const user = { name: status.user.username ?? '', groups: status.user.groups ?? [] };
    users.set(token, user, tokenCacheMs);
    return user;
  };

  return async (request, { verb, subresource }) => {
    const user = await userOf(request);
    const key = JSON.stringify([user, verb, subresource]);
    let isAllowed = verdicts.get(key);
    if (isAllowed === undefined) {
      // Reading what has a name of its own needs no right to everything else.
      const names = subresource === 'proxy' ? ['proxy'] : [subresource, 'proxy'];
      isAllowed = false;
      for (const name of names) {
        const { status } = await client.create<SubjectAccessReview>(SubjectAccessReview, {
          metadata: {},
          spec: { user: user.name, groups: user.groups, resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource: name, name: nodeName } },
        });
        isAllowed ||= status.allowed;
        if (isAllowed) break;
      }
      verdicts.set(key, isAllowed, isAllowed ? allowedCacheMs : deniedCacheMs);
    }
    if (isAllowed) return;
    throw new StatusError(403, 'Forbidden', `Forbidden (user=${user.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresource}])`);
  };
}

class ExpiringMap<T> {
  readonly #entries = new Map<string, { readonly value: T; readonly untilMs: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.untilMs > this.#clock.nowMs() ? entry.value : undefined;
  }

  set(key: string, value: T, forMs: number): void {
    this.#entries.delete(key);
    if (this.#entries.size >= maxCached) this.#entries.delete(this.#entries.keys().next().value ?? '');
    this.#entries.set(key, { value, untilMs: this.#clock.nowMs() + forMs });
  }
}
