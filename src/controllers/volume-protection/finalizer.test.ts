import assert from 'node:assert/strict';
import test from 'node:test';
import type { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import type { Pod } from '#api/core/pod.ts';
import { claimsOf } from './claim-protection-controller.ts';
import { claimFinalizer, planFinalizer } from './finalizer.ts';

function claim(finalizers: readonly string[], deletionTimestamp?: string): PersistentVolumeClaim {
  return { metadata: { name: 'c', namespace: 'n', finalizers, ...(deletionTimestamp !== undefined && { deletionTimestamp }) } } as unknown as PersistentVolumeClaim;
}
const finalizersAfter = (object: PersistentVolumeClaim, isInUse: boolean): unknown => planFinalizer(object, claimFinalizer, () => isInUse)?.metadata.finalizers;

test('a claim is protected while it lives, and until nobody uses it', () => {
  assert.deepEqual(finalizersAfter(claim(['other']), false), ['other', claimFinalizer]);
  assert.equal(finalizersAfter(claim([claimFinalizer]), false), undefined);
  assert.equal(finalizersAfter(claim([claimFinalizer], '2026-01-01T00:00:00Z'), true), undefined);
  assert.deepEqual(finalizersAfter(claim([claimFinalizer, 'other'], '2026-01-01T00:00:00Z'), false), ['other']);
});

test('pods that have a node use the claims of their volumes', () => {
  const spec = { volumes: [{ name: 'a', persistentVolumeClaim: { claimName: 'data' } }, { name: 'b', ephemeral: {} }, { name: 'c', emptyDir: {} }] };
  const pod = (nodeName?: string): Pod => ({ metadata: { name: 'p', namespace: 'n' }, spec: { ...spec, ...(nodeName !== undefined && { nodeName }) } }) as unknown as Pod;
  assert.deepEqual(claimsOf(pod('node')), ['n/data', 'n/p-b']);
  assert.deepEqual(claimsOf(pod()), []);
});
