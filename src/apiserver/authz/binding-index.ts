import type { Clock } from '#base/clock.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import { RoleBinding } from '#api/rbac/role-binding.ts';
import type { Subject } from '#api/rbac/subject.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { UserInfo } from '../request/api-call.ts';
import type { ResourceCache } from '../watch-cache/resource-cache.ts';
import type { Index } from './load-index.ts';
import { loadIndex } from './load-index.ts';

/** A binding of either kind. */
export type Binding = ClusterRoleBinding | RoleBinding;

/** Gives the caches of the two kinds of bindings; `WatchCache` does. */
export interface CacheSource {
  of<T extends KubeObject>(kind: ResourceKind<T>): ResourceCache<T>;
}

/** A binding that names a user, and by what. */
export interface Match {
  readonly binding: Binding;
  readonly subject: Subject;
}

/**
 * Who is bound: from a user's name and groups straight to the bindings that name them. A question costs as many look-ups
 * as the user has groups.
 */
export class BindingIndex {
  readonly #caches: CacheSource;
  /** By namespace ('' for the whole cluster) and subject. */
  readonly #bySubject = new Map<string, Map<string, Set<Match>>>();
  readonly #matches = new Map<string, readonly (Match & { readonly namespace: string; readonly subjectKey: string })[]>();

  constructor(caches: CacheSource) {
    this.#caches = caches;
  }

  /** Learns of the bindings there are and follows their changes. To be called once, when the caches are filled. */
  async start(clock: Clock): Promise<void> {
    const index: Index<Binding> = {
      has: (key) => this.#matches.has(key),
      add: (key, binding) => this.#add(key, binding),
      change: ({ type, current }) => {
        this.#remove(current.key);
        if (type !== 'DELETED') this.#add(current.key, current.object);
      },
    };
    await loadIndex(this.#caches.of<Binding>(ClusterRoleBinding), index, clock);
    await loadIndex(this.#caches.of<Binding>(RoleBinding), index, clock);
  }

  /** The bindings in `namespace` ('': those of the whole cluster) that name the user or one of the groups. */
  *of({ name, groups }: UserInfo, namespace: string): Generator<Match> {
    const bySubject = this.#bySubject.get(namespace);
    if (bySubject === undefined) return;
    yield* bySubject.get(userKey(name)) ?? [];
    for (const group of groups) yield* bySubject.get(groupKey(group)) ?? [];
  }

  #add(key: string, binding: Binding): void {
    const { namespace = '' } = binding.metadata as { readonly namespace?: string };
    const matches = (binding.subjects ?? []).flatMap((subject) => {
      const subjectKey = keyOf(subject, namespace);
      return subjectKey === undefined ? [] : [{ binding, subject, namespace, subjectKey }];
    });
    this.#matches.set(key, matches);
    for (const match of matches) {
      const bySubject = getOrMake(this.#bySubject, namespace, () => new Map<string, Set<Match>>());
      getOrMake(bySubject, match.subjectKey, () => new Set<Match>()).add(match);
    }
  }

  #remove(key: string): void {
    for (const match of this.#matches.get(key) ?? []) {
      const bySubject = this.#bySubject.get(match.namespace);
      const found = bySubject?.get(match.subjectKey);
      found?.delete(match);
      if (found?.size === 0) bySubject?.delete(match.subjectKey);
      if (bySubject?.size === 0) this.#bySubject.delete(match.namespace);
    }
    this.#matches.delete(key);
  }
}

const userKey = (name: string): string => `user ${name}`;
const groupKey = (name: string): string => `group ${name}`;

/** Undefined for subjects that are nobody. */
function keyOf({ kind, name, namespace }: Subject, bindingNamespace: string): string | undefined {
  switch (kind) {
    case 'User':
      return userKey(name);
    case 'Group':
      return groupKey(name);
    case 'ServiceAccount': {
      const where = (namespace ?? '') === '' ? bindingNamespace : namespace;
      return userKey(`system:serviceaccount:${where}:${name}`);
    }
    default:
      return undefined;
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
