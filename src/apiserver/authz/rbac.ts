import type { Clock } from '#base/clock.ts';
import type { PolicyRule } from '#api/rbac/cluster-role.ts';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { Role } from '#api/rbac/role.ts';
import type { RoleRef } from '#api/rbac/subject.ts';
import type { ObjectReader } from '../admission/admission.ts';
import type { UserInfo } from '../request/api-call.ts';
import type { Attributes, Authorizer, Decision } from './authorizer.ts';
import type { CacheSource, Match } from './binding-index.ts';
import { BindingIndex } from './binding-index.ts';

/** Members of this group may do everything, whatever roles say. */
export const masters: Authorizer = {
  name: 'system:masters',
  authorize({ user }) {
    return user.groups.includes('system:masters') ? { verdict: 'allow', reason: '' } : { verdict: 'no-opinion', reason: '' };
  },
};

/** Allows everything to everybody who says who they are, and to nobody else. For --authorization-mode=AlwaysAllow. */
export const alwaysAllow: Authorizer = { name: 'AlwaysAllow', authorize: () => ({ verdict: 'allow', reason: '' }) };
export const alwaysDeny: Authorizer = { name: 'AlwaysDeny', authorize: () => ({ verdict: 'no-opinion', reason: 'Everything is forbidden.' }) };

/** The rules that hold for users; see `rbacRules`. */
export interface RbacRules {
  /** Learns of the bindings there are. To be called once, when the caches are filled; until then nobody is bound. */
  start(clock: Clock): Promise<void>;
  /** Every set of rules that holds for a user in a namespace ('' for the whole cluster), with where it comes from. */
  of(user: UserInfo, namespace: string): Iterable<HeldRules>;
  /** The rules of the role that a binding in `namespace` refers to. Undefined: there is no such role. */
  ofRole(roleRef: RoleRef, namespace: string): readonly PolicyRule[] | undefined;
}
export interface HeldRules {
  readonly rules: readonly PolicyRule[];
  readonly match: Match;
}

/** Roles and bindings out of the watch cache. They may lag behind other API servers' writes. */
export function rbacRules({ objects, caches }: { readonly objects: ObjectReader; readonly caches: CacheSource }): RbacRules {
  const index = new BindingIndex(caches);
  const ofRole: RbacRules['ofRole'] = ({ kind, name }, namespace) => {
    const role = kind === 'ClusterRole' ? objects.get(ClusterRole, name) : objects.get(Role, name, namespace);
    return role === undefined ? undefined : (role.rules ?? []);
  };
  function* held(user: UserInfo, namespace: string): Generator<HeldRules> {
    for (const match of index.of(user, namespace)) {
      const rules = ofRole(match.binding.roleRef, namespace);
      if (rules !== undefined) yield { rules, match };
    }
  }
  return {
    start: (clock) => index.start(clock),
    ofRole,
    *of(user, namespace) {
      yield* held(user, '');
      if (namespace !== '') yield* held(user, namespace);
    },
  };
}

/**
 * Roles and bindings. It never denies; what no role allows is left to others.
 * Source: Kubernetes documentation, "Using RBAC Authorization".
 */
export function rbacAuthorizer(rbac: RbacRules): Authorizer {
  return {
    name: 'RBAC',
    authorize(attributes): Decision {
      for (const { rules, match } of rbac.of(attributes.user, attributes.namespace)) {
        if (rules.some((rule) => ruleAllows(rule, attributes))) return { verdict: 'allow', reason: `RBAC: allowed by ${describeMatch(match)}` };
      }
      return { verdict: 'no-opinion', reason: '' };
    },
  };
}

function describeMatch({ binding, subject }: Match): string {
  const { namespace = '', name } = binding.metadata as { readonly namespace?: string; readonly name: string };
  const where = namespace === '' ? `ClusterRoleBinding "${name}"` : `RoleBinding "${name}/${namespace}"`;
  const who = subject.kind === 'ServiceAccount' ? `"${subject.name}/${(subject.namespace ?? '') === '' ? namespace : subject.namespace}"` : `"${subject.name}"`;
  return `${where} of ${binding.roleRef.kind} "${binding.roleRef.name}" to ${subject.kind} ${who}`;
}

/** Whether one rule covers a request. */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!covers(rule.verbs, attributes.verb)) return false;
  if (!attributes.isResource) return (rule.nonResourceURLs ?? []).some((url) => urlCovers(url, attributes.path));
  const resource = attributes.subresource === '' ? attributes.resource : `${attributes.resource}/${attributes.subresource}`;
  if (!covers(rule.apiGroups ?? [], attributes.group)) return false;
  const names = rule.resourceNames ?? [];
  if (names.length > 0 && !names.includes(attributes.name)) return false;
  return (rule.resources ?? []).some((each) => each === '*' || each === resource || (attributes.subresource !== '' && each === `*/${attributes.subresource}`));
}

function covers(given: readonly string[], wanted: string): boolean {
  return given.includes('*') || given.includes(wanted);
}

function urlCovers(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
}
