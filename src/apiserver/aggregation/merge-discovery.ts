/** What other API servers serve, put among what this one serves. Pure. */

interface GroupVersion {
  readonly groupVersion: string;
  readonly version: string;
}
interface Group {
  readonly name: string;
  readonly versions: readonly GroupVersion[];
  readonly preferredVersion: GroupVersion;
}
/** A version that is served elsewhere, in both forms of discovery. */
export interface RemoteVersion {
  readonly group: string;
  readonly version: string;
  /** A DiscoveryVersion: `version`, `resources`, `freshness`. */
  readonly discovery: { readonly version: string; readonly resources: readonly unknown[]; readonly freshness: string };
}

/** GET /apis. */
export function mergeGroups(list: object, remote: readonly RemoteVersion[]): object {
  const { groups, ...rest } = list as { readonly groups: readonly Group[] };
  const merged = new Map(groups.map((each) => [each.name, each]));
  for (const each of remote) merged.set(each.group, withVersion(merged.get(each.group), each));
  return { ...rest, groups: [...merged.values()] };
}

/** GET /apis/<group>; undefined when nobody serves anything of it. */
export function mergeGroup(group: object | undefined, name: string, remote: readonly RemoteVersion[]): object | undefined {
  const own = remote.filter((each) => each.group === name);
  if (own.length === 0) return group;
  let merged = group as Group | undefined;
  for (const each of own) merged = withVersion(merged, each);
  return { kind: 'APIGroup', apiVersion: 'v1', ...merged };
}

function withVersion(group: Group | undefined, { group: name, version }: RemoteVersion): Group {
  const entry = { groupVersion: `${name}/${version}`, version };
  if (group === undefined) return { name, versions: [entry], preferredVersion: entry };
  return { ...group, versions: [...group.versions.filter((each) => each.version !== version), entry] };
}

/** GET /apis as an APIGroupDiscoveryList. */
export function mergeAggregated(list: object, remote: readonly RemoteVersion[]): object {
  const { items, ...rest } = list as { readonly items: readonly { readonly metadata: { readonly name?: string }; readonly versions: readonly { readonly version: string }[] }[] };
  const merged = [...items];
  for (const { group, discovery } of remote) {
    const at = merged.findIndex(({ metadata }) => metadata.name === group);
    const found = merged[at];
    if (found === undefined) merged.push({ metadata: { name: group, creationTimestamp: null } as { readonly name: string }, versions: [discovery] });
    else merged[at] = { ...found, versions: [...found.versions.filter(({ version }) => version !== discovery.version), discovery] };
  }
  return { ...rest, items: merged };
}

interface LegacyResource {
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
export function discoveryVersion(version: string, resources: readonly LegacyResource[], freshness: 'Current' | 'Stale'): RemoteVersion['discovery'] {
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
