import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { kinds } from './kinds.ts';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, compareVersions } from '#apimachinery/discovery.ts';

const reference = new URL('../../../shared/spec/discovery/', import.meta.url);
const skip = existsSync(reference) ? false : 'the reference data ../shared/spec is not here';
const read = (name: string): Record<string, unknown> => JSON.parse(readFileSync(new URL(name, reference), 'utf8')) as Record<string, unknown>;
const hash = (text: string): string => createHash('sha256').update(text).digest().subarray(0, 8).toString('base64');
/** Stored in an older version by upstream, as the hash tells: here what is stored is what is served. */
const storedOlder = new Set(['horizontalpodautoscalers', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings', 'customresourcedefinitions']);
const versions = [...new Set(kinds.map((kind) => kind.apiVersion))];

for (const apiVersion of versions) {
  test(`the resources of ${apiVersion} are listed as upstream lists them`, { skip }, () => {
    const expected = read(apiVersion === 'v1' ? 'api__v1.json' : `apis__${apiVersion.replace('/', '__')}.json`);
    const served = apiResourceList(kinds, apiVersion, hash) as { resources: { name: string }[] };
    const sorted = (document: unknown): unknown[] => (document as { resources: Listed[] }).resources.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(comparable);
    assert.deepEqual(sorted(served), sorted(expected));
  });
}

test('the aggregated document says the same as upstream of every version that is served', { skip }, () => {
  const expected = read('aggregated_v2.json') as { items: AggregatedGroup[] };
  const served = aggregatedDiscovery(kinds.filter((kind) => kind.group !== '')) as { items: AggregatedGroup[] };
  for (const group of served.items) {
    const same = expected.items.find((each) => each.metadata.name === group.metadata.name);
    for (const version of group.versions) {
      const reference_ = same?.versions.find((each) => each.version === version.version);
      assert.deepEqual(normal(version), normal(reference_), `${group.metadata.name ?? ''}/${version.version}`);
    }
  }
});

test('a group names its preferred version, and the list names every group', () => {
  assert.deepEqual((apiGroup(kinds, 'autoscaling') as { preferredVersion: object }).preferredVersion, { groupVersion: 'autoscaling/v2', version: 'v2' });
  assert.equal(apiGroup(kinds, 'example.com'), undefined);
  assert.equal((apiGroupList(kinds) as { groups: object[] }).groups.length, versions.filter((each) => each !== 'v1' && each !== 'autoscaling/v1').length);
});

test('versions are preferred by stability, then by number', () => {
  const order = ['v1beta1', 'foo1', 'v10', 'v2', 'v11alpha2', 'v3beta1', 'foo10', 'v12alpha1', 'v11beta2', 'v1'];
  assert.deepEqual(order.toSorted(compareVersions), ['v10', 'v2', 'v1', 'v11beta2', 'v3beta1', 'v1beta1', 'v12alpha1', 'v11alpha2', 'foo1', 'foo10']);
});

interface Listed {
  readonly name: string;
  readonly storageVersionHash?: string;
}

function comparable(resource: Listed): unknown {
  const { storageVersionHash, ...rest } = resource;
  return normal(storedOlder.has(resource.name) ? rest : { ...rest, storageVersionHash });
}

interface AggregatedGroup {
  readonly metadata: { readonly name?: string };
  readonly versions: { readonly version: string }[];
}

/** Key order does not matter, nor does the order of short names. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, normal(each)]));
}
