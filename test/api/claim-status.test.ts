/** Who may write which part of a ResourceClaim's status. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import { ResourceClaim } from '#api/resource/resource-claim.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import { createClient } from '#client/create-client.ts';
import { shared } from '../support/shared.ts';
import { startApiServer } from '../support/api-server.ts';

const api = shared(() => startApiServer());
const group = 'resource.k8s.io';
const driver = 'gpu.example.com';
let serial = 0;

interface Right {
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}
const status: Right = { resources: ['resourceclaims/status'], verbs: ['get', 'update', 'patch'] };
const binding = (verb: string): Right => ({ resources: ['resourceclaims/binding'], verbs: [verb] });
const devices = (verb: string, name: string): Right => ({ resources: ['resourceclaims/driver'], verbs: [verb], resourceNames: [name] });

/** Somebody with these rights: a user, or the service account of a pod on `node`. */
async function somebody(rights: readonly Right[], { node }: { readonly node?: string } = {}): Promise<Client> {
  const role = `role-${++serial}`;
  const name = node === undefined ? `user-${serial}` : `system:serviceaccount:kube-system:driver-${serial}`;
  await api().client.create(ClusterRole, { metadata: { name: role }, rules: rights.map((right) => ({ apiGroups: [group], ...right })) });
  await api().client.create(ClusterRoleBinding, { metadata: { name: role }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name }] });
  return createClient(api().server.transport({ name, groups: ['system:authenticated'], ...(node !== undefined && { extra: { 'authentication.kubernetes.io/node-name': [node] } }) }, 'test'));
}

async function claimOn(node?: string): Promise<{ readonly namespace: string; readonly name: string }> {
  const key = { namespace: 'default', name: `claim-${++serial}` };
  await api().client.create(ResourceClaim, { metadata: key, spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } } });
  if (node !== undefined) await api().client.patch(ResourceClaim, key, { type: 'merge', patch: { status: { allocation: allocationOn(node) } } }, { subresource: 'status' });
  return key;
}
const allocationOn = (node: string): object => ({
  devices: { results: [{ request: 'r', driver, pool: 'p', device: 'd0' }] },
  nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }] },
});
const ready = { devices: [{ driver, pool: 'p', device: 'd0', conditions: [{ type: 'Ready', status: 'True', reason: 'Ok', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }] }] };

/** Undefined: it was allowed. */
async function refusal(client: Client, key: { readonly namespace: string; readonly name: string }, patch: object): Promise<string | undefined> {
  try {
    await client.patch(ResourceClaim, key, { type: 'merge', patch: { status: patch } }, { subresource: 'status' });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof StatusError);
    assert.equal(error.code, 422);
    return error.message;
  }
}

test('what is allocated is for those who may bind claims, with the verb of the request', async () => {
  const claim = await claimOn();
  const why = await refusal(await somebody([status, binding('update')]), claim, { allocation: allocationOn('n1') });
  assert.match(why ?? '', /status: Forbidden: changing status\.allocation or status\.reservedFor requires resource="resourceclaims\/binding", verb="patch" permission: .*User "user-\d+" cannot patch resource "resourceclaims\/binding" in API group "resource\.k8s\.io" at the cluster scope$/);
  assert.equal(await refusal(await somebody([status, binding('patch')]), claim, { allocation: allocationOn('n1') }), undefined);
});

test('what a driver says of its devices is for that driver', async () => {
  const claim = await claimOn('n1');
  const other = await refusal(await somebody([status, devices('arbitrary-node:patch', 'nic.example.com')]), claim, ready);
  assert.match(other ?? '', /status\.devices: Forbidden: changing status\.devices requires resource="resourceclaims\/driver", verb="\[arbitrary-node:patch\]" permission: /);
  assert.equal(await refusal(await somebody([status, devices('arbitrary-node:patch', driver)]), claim, ready), undefined);
});

test('a driver of one node writes of the claims of that node only', async () => {
  const rights = [status, devices('associated-node:patch', driver)];
  assert.equal(await refusal(await somebody(rights, { node: 'n1' }), await claimOn('n1'), ready), undefined);
  assert.match(await refusal(await somebody(rights, { node: 'n2' }), await claimOn('n1'), ready) ?? '', /verb="\[arbitrary-node:patch\]"/);
  assert.match(await refusal(await somebody(rights), await claimOn('n1'), ready) ?? '', /verb="\[arbitrary-node:patch\]"/);
  assert.match(await refusal(await somebody([status], { node: 'n1' }), await claimOn('n1'), ready) ?? '', /verb="\[associated-node:patch arbitrary-node:patch\]"/);
});

test('who changes nothing of it needs no more than the status', async () => {
  const claim = await claimOn('n1');
  assert.equal(await refusal(await somebody([status]), claim, { allocation: allocationOn('n1') }), undefined);
});
