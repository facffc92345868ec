/** The groups are listed as Kubernetes v1.36 lists those that it serves by default. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { kinds } from '#api/kinds.ts';
import { aggregatedDiscovery, apiGroup, apiGroupList } from '#apimachinery/discovery.ts';

const folder = new URL('../../shared/spec/discovery/', import.meta.url);
const skip = existsSync(folder) ? false : 'no reference data: ../shared/spec/discovery is absent';
const groupVersions = new Set(kinds.map((kind) => kind.apiVersion));

interface Group {
  readonly name: string;
  readonly versions: readonly { readonly groupVersion: string }[];
}
function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
}

test('the groups are those of Kubernetes with their stable versions, in its order', { skip }, () => {
  const stable = (read('apis.json') as { readonly groups: readonly Group[] }).groups
    .map((group) => ({ ...group, versions: group.versions.filter(({ groupVersion }) => groupVersions.has(groupVersion)) }))
    .filter((group) => group.versions.length > 0);
  assert.deepEqual((apiGroupList(kinds) as { readonly groups: readonly Group[] }).groups, stable);
  assert.deepEqual(apiGroup(kinds, 'apps'), read('apis__apps.json'));
  const aggregated = aggregatedDiscovery(kinds) as { readonly items: readonly { readonly metadata: { readonly name?: string } }[] };
  assert.deepEqual(aggregated.items.map(({ metadata }) => metadata.name ?? ''), ['', ...stable.map(({ name }) => name)]);
});
