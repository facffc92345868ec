import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { ClusterRoleBinding } from '#api/rbac/cluster-role-binding.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import type { RawAnswer, TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

interface Review { readonly status: { readonly userInfo: { readonly username: string; readonly groups: readonly string[]; readonly extra?: Readonly<Record<string, readonly string[]>> } } }

describe('acting as somebody else', () => {
  let api: TestApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api.close());

  const whoAmI = (headers: Record<string, string>): Promise<RawAnswer> =>
    api.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, headers });

  it('takes the name, the groups and the extras of the headers', async () => {
    const answer = await whoAmI({ 'Impersonate-User': 'anna', 'Impersonate-Group': 'developers', 'Impersonate-Extra-Scopes': 'view' });
    assert.equal(answer.code, 201, answer.text);
    assert.deepEqual(answer.json<Review>().status.userInfo, { username: 'anna', groups: ['developers', 'system:authenticated'], extra: { scopes: ['view'] } });
  });

  it('gives a service account the groups of its kind', async () => {
    const answer = await whoAmI({ 'Impersonate-User': 'system:serviceaccount:team:robot' });
    assert.deepEqual(answer.json<Review>().status.userInfo.groups, ['system:serviceaccounts', 'system:serviceaccounts:team', 'system:authenticated']);
  });

  it('has the rights of the other, not one\'s own', async () => {
    const answer = await api.request('GET', '/api/v1/namespaces/default/secrets', { headers: { 'Impersonate-User': 'anna' } });
    assert.equal(answer.code, 403);
    assert.equal(answer.json<{ message: string }>().message, 'secrets is forbidden: User "anna" cannot list resource "secrets" in API group "" in the namespace "default"');
  });

  it('needs the verb impersonate on the user, the group or the account', async () => {
    await api.client.create(ClusterRole, { metadata: { name: 'mask' }, rules: [{ verbs: ['impersonate'], apiGroups: [''], resources: ['users'], resourceNames: ['anna'] }] });
    await api.client.create(ClusterRoleBinding, {
      metadata: { name: 'mask' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'mask' }, subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'robot' }],
    });
    await api.client.create(ServiceAccount, { metadata: { namespace: 'default', name: 'robot' } });
    const token = await api.request('POST', '/api/v1/namespaces/default/serviceaccounts/robot/token', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} } });
    const robot = (headers: Record<string, string>): Promise<RawAnswer> =>
      api.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
        anonymous: true, body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
        headers: { authorization: `Bearer ${token.json<{ status: { token: string } }>().status.token}`, ...headers },
      });
    assert.equal((await robot({})).json<Review>().status.userInfo.username, 'system:serviceaccount:default:robot');
    assert.equal((await robot({ 'Impersonate-User': 'anna' })).json<Review>().status.userInfo.username, 'anna');
    const refused = await robot({ 'Impersonate-User': 'bob' });
    assert.equal(refused.code, 403);
    assert.equal(refused.json<{ message: string }>().message, 'users "bob" is forbidden: User "system:serviceaccount:default:robot" cannot impersonate resource "users" in API group "" at the cluster scope');
    assert.equal((await robot({ 'Impersonate-User': 'anna', 'Impersonate-Group': 'system:masters' })).code, 403);
  });

  it('may be allowed for certain requests only', async () => {
    const rules = [
      { verbs: ['impersonate:user-info'], apiGroups: ['authentication.k8s.io'], resources: ['users'], resourceNames: ['carol'] },
      { verbs: ['impersonate:arbitrary-node'], apiGroups: ['authentication.k8s.io'], resources: ['nodes'] },
      { verbs: ['impersonate-on:user-info:create', 'impersonate-on:arbitrary-node:create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
    ];
    await api.client.create(ClusterRole, { metadata: { name: 'narrow' }, rules });
    await api.client.create(ClusterRoleBinding, {
      metadata: { name: 'narrow' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'narrow' }, subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'narrow' }],
    });
    await api.client.create(ServiceAccount, { metadata: { namespace: 'default', name: 'narrow' } });
    const token = await api.request('POST', '/api/v1/namespaces/default/serviceaccounts/narrow/token', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} } });
    const authorization = `Bearer ${token.json<{ status: { token: string } }>().status.token}`;
    const review = (headers: Record<string, string>): Promise<RawAnswer> =>
      api.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { anonymous: true, body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, headers: { authorization, ...headers } });
    assert.deepEqual((await review({ 'Impersonate-User': 'carol' })).json<Review>().status.userInfo, { username: 'carol', groups: ['system:authenticated'] });
    assert.deepEqual((await review({ 'Impersonate-User': 'system:node:n1' })).json<Review>().status.userInfo, { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] });
    for (const headers of [{ 'Impersonate-User': 'dave' }, { 'Impersonate-User': 'carol', 'Impersonate-Group': 'team' }, { 'Impersonate-User': 'system:node:n1', 'Impersonate-Group': 'team' }, { 'Impersonate-User': 'system:serviceaccount:a:b' }]) {
      assert.equal((await review(headers)).code, 403, JSON.stringify(headers));
    }
    const other = await api.request('GET', '/version', { anonymous: true, headers: { authorization, 'Impersonate-User': 'carol' } });
    assert.equal(other.json<{ message: string }>().message, 'users "carol" is forbidden: User "system:serviceaccount:default:narrow" cannot impersonate resource "users" in API group "" at the cluster scope');
  });

  it('refuses groups without a user', async () => {
    assert.equal((await whoAmI({ 'Impersonate-Group': 'developers' })).code, 500);
  });
});
