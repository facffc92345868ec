import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestInfo } from '../request/request-info.ts';
import type { AuditPolicy } from './policy.ts';
import { decideLevel, parsePolicy } from './policy.ts';

const user = { name: 'anna', groups: ['dev', 'system:authenticated'] };
const levelOf = (policy: AuditPolicy, method: string, path: string): string => decideLevel(policy, requestInfo(method, path, false), user).level;

test('the first rule that covers a request decides; without one nothing is recorded', () => {
  const policy = parsePolicy(`
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [bert]
- level: RequestResponse
  resources: [{group: "", resources: [secrets], resourceNames: [a]}]
- level: Request
  verbs: [create]
  namespaces: [prod]
- level: Metadata
  resources: [{group: "", resources: ["pods/*"]}, {group: apps}]
- level: Metadata
  userGroups: [dev]
  nonResourceURLs: [/version, "/openapi*"]
`);
  assert.deepEqual([
    levelOf(policy, 'GET', '/api/v1/namespaces/x/secrets/a'), levelOf(policy, 'GET', '/api/v1/namespaces/x/secrets/b'),
    levelOf(policy, 'POST', '/api/v1/namespaces/prod/configmaps'), levelOf(policy, 'POST', '/api/v1/namespaces/x/configmaps'),
    levelOf(policy, 'GET', '/api/v1/namespaces/x/pods/a/log'), levelOf(policy, 'GET', '/api/v1/namespaces/x/pods/a'), levelOf(policy, 'GET', '/apis/apps/v1/deployments'),
    levelOf(policy, 'GET', '/openapi/v2'), levelOf(policy, 'GET', '/version/x'),
  ], ['RequestResponse', 'None', 'Request', 'None', 'Metadata', 'Metadata', 'Metadata', 'Metadata', 'None']);
  assert.ok(decideLevel(policy, requestInfo('GET', '/version', false), user).omits.has('RequestReceived'));
});

test('a rule can cover the resources of all groups', () => {
  const policy: AuditPolicy = { rules: [{ level: 'Request', resources: [{ group: '*', resources: ['*/status', 'secrets'] }] }] };
  assert.deepEqual(['/apis/apps/v1/namespaces/x/deployments/a/status', '/api/v1/namespaces/x/secrets', '/apis/apps/v1/deployments', '/version'].map((path) => levelOf(policy, 'GET', path)), ['Request', 'Request', 'None', 'None']);
});

test('a rule says for itself whether managed fields are left out', () => {
  const policy: AuditPolicy = { omitManagedFields: true, rules: [{ level: 'Request', verbs: ['get'], omitManagedFields: false }, { level: 'Request' }] };
  assert.equal(decideLevel(policy, requestInfo('GET', '/api/v1/nodes/a', false), user).omitManagedFields, false);
  assert.equal(decideLevel(policy, requestInfo('PUT', '/api/v1/nodes/a', false), user).omitManagedFields, true);
});

test('what is wrong with a policy is told by its field', () => {
  const of = (rules: unknown): string => JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules });
  for (const [text, expected] of [
    ['', /empty/], ['kind: Policy', /no kind "Policy" is registered for version ""/], [of([]), /rules: Required value/], [of([{}]), /rules\[0\]\.level: Required value/],
    [of([{ level: 'Much' }]), /rules\[0\]\.level: Unsupported value: "Much"/], [of([{ level: 'None', omitStages: ['X'] }]), /rules\[0\]\.omitStages\[0\]: Unsupported value/],
    [of([{ level: 'None', nonResourceURLs: ['a'] }]), /must begin with a '\/' character/], [of([{ level: 'None', nonResourceURLs: ['/a*b'] }]), /must be the final character/],
    [of([{ level: 'None', nonResourceURLs: ['/a'], namespaces: ['x'] }]), /cannot apply to both/], [of([{ level: 'None', resources: [{ group: 'apps/v1' }] }]), /must not contain a version|resources\[0\]\.group/],
    [of([{ level: 'None', resources: [{ resourceNames: ['a'] }] }]), /requires at least one resource/],
  ] as const) assert.throws(() => parsePolicy(text), expected, text);
});
