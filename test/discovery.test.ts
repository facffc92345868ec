/**
 * The discovery documents are those of Kubernetes v1.36, value for value and in its order, for the group versions that it
 * serves by default (the reference has all switched on).
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { kinds } from '#api/kinds.ts';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from '#apimachinery/discovery.ts';

const folder = new URL('../../shared/spec/discovery/', import.meta.url);
const skip = existsSync(folder) ? false : 'no reference data: ../shared/spec/discovery is absent';
const groupVersions = new Set(kinds.map((kind) => kind.apiVersion));
const hash = (text: string): string => createHash('sha256').update(text).digest().subarray(0, 8).toString('base64');

interface Group {
  readonly name: string;
  readonly versions: readonly { readonly groupVersion: string }[];
}
interface AggregatedGroup {
  readonly metadata: { readonly name: string };
  readonly versions: readonly { readonly version: string }[];
}
function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
}

test('a server names its versions and its address', { skip }, () => {
  const reference = read('api.json') as { readonly serverAddressByClientCIDRs: readonly { readonly serverAddress: string }[] };
  assert.deepEqual(apiVersions(reference.serverAddressByClientCIDRs[0]?.serverAddress ?? ''), reference);
});

test('the groups are those of Kubernetes with their stable versions, in its order', { skip }, () => {
  const list = read('apis.json') as { readonly groups: readonly Group[] };
  const groups = list.groups
    .map((group) => ({ ...group, versions: group.versions.filter(({ groupVersion }) => groupVersions.has(groupVersion)) }))
    .filter((group) => group.versions.length > 0);
  assert.deepEqual(apiGroupList(kinds), { ...list, groups });
});

for (const group of new Set(kinds.map((kind) => kind.group))) {
  if (group === '') continue;
  test(`the group ${group} is that of Kubernetes`, { skip }, () => {
    const reference = read(`apis__${group}.json`) as Group;
    assert.deepEqual(apiGroup(kinds, group), { ...reference, versions: reference.versions.filter(({ groupVersion }) => groupVersions.has(groupVersion)) });
  });
}

for (const apiVersion of groupVersions) {
  test(`the resources of ${apiVersion} are those of Kubernetes`, { skip }, () => {
    const reference = read(apiVersion === 'v1' ? 'api__v1.json' : `apis__${apiVersion.replace('/', '__')}.json`);
    assert.deepEqual(apiResourceList(kinds, apiVersion, hash), reference);
  });
}

test('the aggregated document is that of Kubernetes, and the same in its older version', { skip }, () => {
  const reference = read('aggregated_v2.json') as { readonly items: readonly AggregatedGroup[] };
  const items = reference.items
    .map((group) => ({ ...group, versions: group.versions.filter(({ version }) => groupVersions.has(`${group.metadata.name}/${version}`)) }))
    .filter(({ versions }) => versions.length > 0);
  const grouped = kinds.filter((kind) => kind.group !== '');
  assert.deepEqual(aggregatedDiscovery(grouped), { ...reference, items });
  assert.deepEqual(aggregatedDiscovery(grouped, 'v2beta1'), { ...reference, apiVersion: 'apidiscovery.k8s.io/v2beta1', items });
});
