/** What `test/discovery.test.ts` does not compare with Kubernetes' own documents. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { apiGroup, apiResourceList, compareVersions } from '#apimachinery/discovery.ts';
import { kinds } from './kinds.ts';

test('what is not served is not listed', () => {
  assert.equal(apiGroup(kinds, 'example.com'), undefined);
  assert.equal(apiResourceList(kinds, 'apps/v1beta1'), undefined);
});

test('versions are preferred by stability, then by number', () => {
  const order = ['v1beta1', 'foo1', 'v10', 'v2', 'v11alpha2', 'v3beta1', 'foo10', 'v12alpha1', 'v11beta2', 'v1'];
  assert.deepEqual(order.toSorted(compareVersions), ['v10', 'v2', 'v1', 'v11beta2', 'v3beta1', 'v1beta1', 'v12alpha1', 'v11alpha2', 'foo1', 'foo10']);
});
