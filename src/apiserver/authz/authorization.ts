import type { Clock } from '#base/clock.ts';
import { nodeRules } from '../bootstrap/roles/component-roles.ts';
import type { CacheSource } from './binding-index.ts';
import type { ObjectReader } from '../admission/admission.ts';
import type { Authorizer } from './authorizer.ts';
import { nodeAuthorizer } from './node-authorizer.ts';
import { NodeGraph } from './node-graph.ts';
import type { RbacRules } from './rbac.ts';
import { masters, rbacAuthorizer, rbacRules } from './rbac.ts';

/** Authorizers that the server makes itself. */
export type OwnAuthorizer = 'Node' | 'RBAC';

/** In order, after system:masters; names stand for the server's own, which a function is handed. */
export type ChosenAuthorizers = readonly (Authorizer | OwnAuthorizer)[] | ((own: Readonly<Record<OwnAuthorizer, Authorizer>>) => readonly Authorizer[]);

export interface Authorization {
  readonly authorizers: readonly Authorizer[];
  readonly rbac: RbacRules;
  /** Resolves when roles, bindings and what nodes may see are known. */
  start(clock: Clock): Promise<void>;
}

/** Who may do what: the authorizers in the order in which they are asked. */
export function authorization({ objects, caches, chosen = ['Node', 'RBAC'] }: { readonly objects: ObjectReader; readonly caches: CacheSource; readonly chosen?: ChosenAuthorizers | undefined }): Authorization {
  const rbac = rbacRules({ objects, caches });
  const graph = new NodeGraph({ objects, caches });
  const own = { Node: nodeAuthorizer({ graph, nodeRules }), RBAC: rbacAuthorizer(rbac) };
  return {
    authorizers: [masters, ...(typeof chosen === 'function' ? chosen(own) : chosen.map((each) => (typeof each === 'string' ? own[each] : each)))],
    rbac,
    async start(clock) {
      await rbac.start(clock);
      await graph.start(clock);
    },
  };
}
