/**
 * The discovery documents: which groups, versions and resources a server serves. All follow from the kinds.
 *
 * Source: API reference "APIGroupList", "APIResourceList"; KEP-3352 (aggregated discovery).
 */
import type { ResourceKind, Subresource } from './resource.ts';

/** Hashes `group/version/Kind` as `storageVersionHash` wants it: the first 8 bytes of SHA-256 in base64. */
export type VersionHash = (groupVersionKind: string) => string;

/** The order in which Kubernetes lists its groups; others, those of custom resources, follow by name. */
const groupOrder = [
  '', 'apiregistration.k8s.io', 'apps', 'events.k8s.io', 'authentication.k8s.io', 'authorization.k8s.io', 'autoscaling', 'batch', 'certificates.k8s.io',
  'networking.k8s.io', 'policy', 'rbac.authorization.k8s.io', 'storage.k8s.io', 'admissionregistration.k8s.io', 'apiextensions.k8s.io', 'scheduling.k8s.io',
  'coordination.k8s.io', 'node.k8s.io', 'discovery.k8s.io', 'resource.k8s.io', 'flowcontrol.apiserver.k8s.io', 'internal.apiserver.k8s.io',
  'storagemigration.k8s.io',
];

/** All groups in Kubernetes' order, versions with the preferred one first. The core group is ''. */
function groupsOf(kinds: readonly ResourceKind[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const { group, version } of kinds) {
    const versions = groups.get(group) ?? [];
    if (!versions.includes(version)) versions.push(version);
    groups.set(group, versions);
  }
  for (const versions of groups.values()) versions.sort(compareVersions);
  const rank = (group: string): number => (groupOrder.includes(group) ? groupOrder.indexOf(group) : groupOrder.length);
  return new Map([...groups].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)));
}

/**
 * Puts the version to be preferred first: GA before beta before alpha, higher numbers first, other names last.
 * Source: Kubernetes documentation, "CustomResourceDefinition versioning: version priority".
 */
export function compareVersions(left: string, right: string): number {
  const a = versionRank(left);
  const b = versionRank(right);
  if (a === undefined || b === undefined) {
    if (a === b) return left < right ? -1 : left > right ? 1 : 0;
    return a === undefined ? 1 : -1;
  }
  return b.stability - a.stability || b.major - a.major || b.minor - a.minor;
}

function versionRank(version: string): { readonly stability: number; readonly major: number; readonly minor: number } | undefined {
  const match = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/.exec(version);
  if (match === null) return undefined;
  const [, major, stage, minor] = match;
  return { stability: stage === undefined ? 3 : stage === 'beta' ? 2 : 1, major: Number(major), minor: Number(minor ?? 0) };
}

/** GET /api. `serverAddress` is where clients reach the server (`host:port`). */
export function apiVersions(serverAddress: string): object {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] };
}

/** GET /apis. */
export function apiGroupList(kinds: readonly ResourceKind[]): object {
  const names = [...groupsOf(kinds).keys()].filter((name) => name !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: names.map((name) => groupEntry(kinds, name)) };
}

/** GET /apis/apps; undefined when nothing of the group is served. */
export function apiGroup(kinds: readonly ResourceKind[], name: string): object | undefined {
  if (name === '' || !groupsOf(kinds).has(name)) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(kinds, name) };
}

function groupEntry(kinds: readonly ResourceKind[], name: string): object {
  const versions = (groupsOf(kinds).get(name) ?? []).map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions, preferredVersion: versions[0] };
}

/** GET /api/v1 or /apis/apps/v1; undefined when nothing of the group version is served. */
export function apiResourceList(kinds: readonly ResourceKind[], groupVersion: string, hash?: VersionHash): object | undefined {
  const served = kinds.filter((kind) => kind.apiVersion === groupVersion).toSorted(byPlural);
  if (served.length === 0) return undefined;
  const resources = served.flatMap((kind) => resourceEntries(kind, hash === undefined ? undefined : storageHash(kind, kinds, hash)));
  // The core group is older than the rule that documents say their version.
  return { kind: 'APIResourceList', ...(groupVersion.includes('/') && { apiVersion: 'v1' }), groupVersion, resources };
}

/** Of custom resources, nothing is told of a version that is not served. */
function storageHash(kind: ResourceKind, kinds: readonly ResourceKind[], hash: VersionHash): string | undefined {
  const stored = kind.convertedFrom?.hub() ?? kind;
  if (!kind.verbs.includes('watch') || (kind.isCustom === true && !kinds.includes(stored))) return undefined;
  return hash(`${stored.group}/${stored.storageVersion ?? stored.version}/${stored.kind}`);
}

function resourceEntries(kind: ResourceKind, storageVersionHash: string | undefined): object[] {
  const namespaced = kind.scope === 'Namespaced';
  return [
    {
      name: kind.plural,
      singularName: kind.singular,
      namespaced,
      kind: kind.kind,
      verbs: kind.verbs,
      ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
      ...(kind.categories.length > 0 && { categories: kind.categories }),
      ...(storageVersionHash !== undefined && { storageVersionHash }),
    },
    ...subresourcesOf(kind).map((each) => ({
      name: `${kind.plural}/${each.name}`,
      singularName: '',
      namespaced,
      ...(each.kind !== undefined && each.kind.group !== '' && { group: each.kind.group, version: each.kind.version }),
      kind: each.kind?.kind ?? kind.kind,
      verbs: each.verbs,
    })),
  ];
}

/** The versions of aggregated discovery; they differ in nothing but their name. */
export type DiscoveryVersion = 'v2' | 'v2beta1';

/** GET /api and /apis with `as=APIGroupDiscoveryList`: everything at once. */
export function aggregatedDiscovery(kinds: readonly ResourceKind[], version: DiscoveryVersion = 'v2'): object {
  const items = [...groupsOf(kinds)].map(([name, versions]) => ({
    metadata: { ...(name !== '' && { name }) },
    versions: versions.map((each) => ({
      version: each,
      resources: kinds.filter((kind) => kind.group === name && kind.version === each).toSorted(byPlural).map(discoveryEntry),
      freshness: 'Current',
    })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
}

function discoveryEntry(kind: ResourceKind): object {
  // Kubernetes says of custom resources what it leaves out of its own.
  const responseKind = kind.isCustom === true ? { group: kind.group, version: kind.version, kind: kind.kind } : { group: '', version: '', kind: kind.kind };
  return {
    resource: kind.plural,
    responseKind,
    scope: kind.scope === 'Namespaced' ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories }),
    ...(kind.subresources.length > 0 && {
      subresources: subresourcesOf(kind).map((each) => ({
        subresource: each.name,
        responseKind: each.kind === undefined ? responseKind : { ...each.kind, version: each.kind.group === '' ? '' : each.kind.version },
        verbs: each.verbs,
      })),
    }),
  };
}

function byPlural(left: ResourceKind, right: ResourceKind): number {
  return left.plural < right.plural ? -1 : 1;
}

/** By name; those of custom resources as they are declared, `status` before `scale`. */
function subresourcesOf({ subresources, isCustom }: ResourceKind): readonly Subresource[] {
  return isCustom === true ? subresources : subresources.toSorted((left, right) => (left.name < right.name ? -1 : 1));
}
