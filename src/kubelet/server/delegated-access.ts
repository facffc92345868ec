import type { Clock } from '#base/clock.ts';
import { StatusError, unauthorized } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import { reviewedUsers, reviewedVerdicts } from '#serving/delegated-access.ts';
import type { Access } from './kubelet-server.ts';

/** The kubelet's defaults: how long the API server's answers are good for. */
const tokenTtlMs = 2 * 60_000;
const authorizedTtlMs = 5 * 60_000;
const unauthorizedTtlMs = 30_000;

/**
 * Lets the API server decide who asks, and by a SubjectAccessReview on `nodes/<subresource>` whether he may.
 * Source: Kubernetes documentation, "Kubelet authn/authz".
 */
export function delegatedAccess({ client, clock, nodeName }: { readonly client: Client; readonly clock: Clock; readonly nodeName: string }): Access {
  const userOf = reviewedUsers({ client, clock, ttlMs: tokenTtlMs });
  const judge = reviewedVerdicts({ client, clock, authorizedTtlMs, unauthorizedTtlMs });
  return async (request, { verb, subresource }) => {
    const user = await userOf(request);
    if (user === undefined) throw unauthorized();
    // Reading what has a name of its own needs no right to everything else.
    for (const name of subresource === 'proxy' ? ['proxy'] : [subresource, 'proxy']) {
      const { isAllowed } = await judge(user, { resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource: name, name: nodeName } });
      if (isAllowed) return;
    }
    throw new StatusError(403, 'Forbidden', `Forbidden (user=${user.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresource}])`);
  };
}
