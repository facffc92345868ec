/** What other API servers serve, put among what this one serves, in the order of the APIServices' priorities. Pure. */
import { compareVersions } from '#apimachinery/discovery.ts';
import { groupPriority, versionPriority } from './local-services.ts';

interface GroupVersion {
  readonly groupVersion: string;
  readonly version: string;
}
interface Group {
  readonly name: string;
  readonly versions: readonly GroupVersion[];
  readonly preferredVersion: GroupVersion;
}
/** A version in the form of aggregated discovery. */
export interface ServedVersion {
  readonly version: string;
  readonly resources: readonly unknown[];
  readonly freshness: 'Current' | 'Stale';
}
/** A version that is served elsewhere. */
export interface RemoteEntry {
  readonly group: string;
  readonly version: string;
  readonly groupPriorityMinimum: number;
  readonly versionPriority: number;
  readonly discovery: ServedVersion;
}

/** GET /. */
export function mergePaths(root: object, remote: readonly RemoteEntry[]): object {
  const { paths } = root as { readonly paths: readonly string[] };
  const own = remote.filter(({ group }) => group !== '').flatMap(({ group, version }) => [`/apis/${group}`, `/apis/${group}/${version}`]);
  return { ...root, paths: [...new Set([...paths, ...own])].sort() };
}

/** GET /apis. */
export function mergeGroups(list: object, remote: readonly RemoteEntry[]): object {
  const { groups, ...rest } = list as { readonly groups: readonly Group[] };
  const merged = inserted(groups, remote, ({ name }) => name, (found, name, own) => withVersions(found, name, own));
  return { ...rest, groups: merged };
}

/** GET /apis/<group>; undefined when nobody serves anything of it. */
export function mergeGroup(group: object | undefined, name: string, remote: readonly RemoteEntry[]): object | undefined {
  const own = remote.filter((each) => each.group === name);
  if (own.length === 0) return group;
  return { kind: 'APIGroup', apiVersion: 'v1', ...withVersions(group as Group | undefined, name, own) };
}

function withVersions(group: Group | undefined, name: string, own: readonly RemoteEntry[]): Group {
  const versions = ordered(name, group?.versions ?? [], own, ({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  const [preferredVersion] = versions;
  return { name, ...group, versions, preferredVersion: preferredVersion ?? { groupVersion: name, version: '' } };
}

interface DiscoveryGroup {
  readonly metadata: { readonly name?: string; readonly creationTimestamp?: null };
  readonly versions: readonly { readonly version: string }[];
}

/** GET /apis as an APIGroupDiscoveryList. */
export function mergeAggregated(list: object, remote: readonly RemoteEntry[]): object {
  const { items, ...rest } = list as { readonly items: readonly DiscoveryGroup[] };
  const merged = inserted(items, remote, ({ metadata }) => metadata.name ?? '', (found, name, own) => ({
    metadata: found?.metadata ?? { name },
    versions: ordered(name, found?.versions ?? [], own, ({ discovery }) => discovery),
  }));
  return { ...rest, items: merged };
}

/** Groups that are served here keep their places; the others stand before the first one of less priority. */
function inserted<T>(groups: readonly T[], remote: readonly RemoteEntry[], nameOf: (group: T) => string, make: (found: T | undefined, name: string, own: readonly RemoteEntry[]) => T): readonly T[] {
  const byGroup = Map.groupBy(remote.filter(({ group }) => group !== ''), ({ group }) => group);
  const merged = groups.map((group) => {
    const own = byGroup.get(nameOf(group));
    byGroup.delete(nameOf(group));
    return own === undefined ? group : make(group, nameOf(group), own);
  });
  const placed = new Map<string, number>();
  const priorityOf = (name: string): number => placed.get(name) ?? groupPriority(name);
  for (const [name, own] of byGroup) {
    const priority = Math.max(...own.map(({ groupPriorityMinimum }) => groupPriorityMinimum));
    const at = merged.findIndex((group) => priorityOf(nameOf(group)) < priority || (priorityOf(nameOf(group)) === priority && nameOf(group) > name));
    placed.set(name, priority);
    merged.splice(at < 0 ? merged.length : at, 0, make(undefined, name, own));
  }
  return merged;
}

/** The versions of a group by priority, and by their names where that is the same. */
function ordered<T extends { readonly version: string }>(group: string, local: readonly T[], remote: readonly RemoteEntry[], entry: (remote: RemoteEntry) => T): readonly T[] {
  const priorities = new Map(remote.map((each) => [each.version, each.versionPriority]));
  const priorityOf = (version: string): number => priorities.get(version) ?? versionPriority(group, version);
  const all = [...local.filter(({ version }) => !priorities.has(version)), ...remote.map(entry)];
  return all.sort((left, right) => priorityOf(right.version) - priorityOf(left.version) || compareVersions(left.version, right.version));
}

export interface LegacyResource {
  readonly name: string;
  readonly singularName?: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** An APIResourceList in the form of aggregated discovery. */
export function discoveryVersion(version: string, resources: readonly LegacyResource[], freshness: ServedVersion['freshness']): ServedVersion {
  const kindOf = ({ group = '', version: own = '', kind }: LegacyResource): object => ({ group, version: own, kind });
  return {
    version,
    resources: resources.filter(({ name }) => !name.includes('/')).map((each) => {
      const subresources = resources.filter(({ name }) => name.startsWith(`${each.name}/`));
      return {
        resource: each.name, responseKind: kindOf(each), scope: each.namespaced ? 'Namespaced' : 'Cluster', singularResource: each.singularName ?? '', verbs: each.verbs,
        ...(each.shortNames !== undefined && { shortNames: each.shortNames }), ...(each.categories !== undefined && { categories: each.categories }),
        ...(subresources.length > 0 && { subresources: subresources.map((sub) => ({ subresource: sub.name.slice(each.name.length + 1), responseKind: kindOf(sub), verbs: sub.verbs })) }),
      };
    }),
    freshness,
  };
}
