/** What is served is what Kubernetes v1.36 serves by default: compared with its own discovery documents. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { kinds } from '#api/kinds.ts';
import type { ApiGroup, ApiGroupDiscoveryList, ApiGroupList, ApiResource, ApiResourceList, ApiVersions } from '#apimachinery/discovery.ts';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from '#apimachinery/discovery.ts';

const folder = new URL('../../shared/spec/discovery/', import.meta.url);
const skip = existsSync(folder) ? false : 'no reference data: ../shared/spec/discovery is absent';

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
}
const groupVersions = [...new Set(kinds.map((kind) => kind.apiVersion))];

for (const groupVersion of groupVersions) {
  test(`the resources of ${groupVersion} are Kubernetes'`, { skip }, () => {
    const file = groupVersion.includes('/') ? `apis__${groupVersion.replace('/', '__')}.json` : `api__${groupVersion}.json`;
    const { resources } = read(file) as ApiResourceList;
    const served = apiResourceList(kinds, groupVersion)?.resources ?? [];
    assert.deepEqual(plain(served.map(comparable)), plain(resources.map(comparable)));
  });
}

/** What Kubernetes still stores in an older version than it prefers, and Skiff does not. */
const storedElsewhere = new Set(['CustomResourceDefinition', 'MutatingAdmissionPolicy', 'MutatingAdmissionPolicyBinding', 'HorizontalPodAutoscaler']);

function comparable(resource: ApiResource): ApiResource {
  const { storageVersionHash: _, ...others } = resource;
  return storedElsewhere.has(resource.kind) ? others : resource;
}

test('the groups are those of Kubernetes with their stable versions', { skip }, () => {
  const reference = (read('apis.json') as ApiGroupList).groups.filter((group) => group.versions.some(isServed));
  const stable = reference.map((group): ApiGroup => ({ ...group, versions: group.versions.filter(isServed) }));
  assert.deepEqual(plain(apiGroupList(kinds).groups), plain(stable));
  assert.deepEqual(plain(apiGroup(kinds, 'apps')), plain(read('apis__apps.json')));
  assert.deepEqual(apiVersions().versions, (read('api.json') as ApiVersions).versions);
});

test('aggregated discovery says the same in one document', { skip }, () => {
  const reference = read('aggregated_v2.json') as ApiGroupDiscoveryList;
  const ours = aggregatedDiscovery(kinds.filter((kind) => kind.group !== ''));
  const stable = reference.items
    .map((item) => ({ ...item, versions: item.versions.filter(({ version }) => isServed({ groupVersion: `${item.metadata.name ?? ''}/${version}` })) }))
    .filter((item) => item.versions.length > 0);
  assert.deepEqual(plain(ours.items), plain(stable));
  assert.equal(ours.apiVersion, reference.apiVersion);
});

function isServed({ groupVersion }: { readonly groupVersion: string }): boolean {
  return groupVersions.includes(groupVersion);
}
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
