import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FlowSchema } from '#api/flowcontrol/flow-schema.ts';
import type { UserInfo } from '../request/api-call.ts';
import { requestInfo } from '../request/request-info.ts';
import { flowControlObjects } from '../bootstrap/flow-control.ts';
import { schemaMatches } from './match-schema.ts';

const schemas = flowControlObjects('2026-01-01T00:00:00Z')
  .filter(({ kind }) => kind.kind === 'FlowSchema')
  .map(({ object }) => object as FlowSchema)
  .sort((left, right) => left.spec.matchingPrecedence - right.spec.matchingPrecedence);

function sorted(name: string, groups: readonly string[], method: string, path: string): string | undefined {
  const user: UserInfo = { name, groups: [...groups, 'system:authenticated'] };
  return schemas.find(({ spec }) => schemaMatches(spec, user, requestInfo(method, path, false)))?.metadata.name;
}

describe('the default flow schemas', () => {
  const pods = '/api/v1/namespaces/default/pods';
  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x';
  const account = (namespace: string, name: string): [string, string[]] => [`system:serviceaccount:${namespace}:${name}`, ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]];

  it('sort requests as Kubernetes does', () => {
    const nodes = ['system:nodes'];
    for (const [schema, name, groups, method, path] of [
      ['exempt', 'admin', ['system:masters'], 'GET', pods],
      ['probes', 'anybody', [], 'GET', '/readyz'],
      ['system-leader-election', 'system:kube-scheduler', [], 'PUT', leases],
      ['workload-leader-election', ...account('kube-system', 'operator'), 'PUT', leases],
      ['endpoint-controller', ...account('kube-system', 'endpoint-controller'), 'POST', '/api/v1/namespaces/default/endpoints'],
      ['system-node-high', 'system:node:n1', nodes, 'PATCH', '/api/v1/nodes/n1/status'],
      ['system-nodes', 'system:node:n1', nodes, 'GET', pods],
      ['kube-controller-manager', 'system:kube-controller-manager', [], 'GET', pods],
      ['kube-scheduler', 'system:kube-scheduler', [], 'GET', pods],
      ['kube-system-service-accounts', ...account('kube-system', 'dns'), 'GET', pods],
      ['service-accounts', ...account('default', 'app'), 'GET', pods],
      ['global-default', 'anna', [], 'GET', pods],
      ['global-default', 'anna', [], 'GET', '/apis'],
    ] as const) assert.equal(sorted(name, groups, method, path), schema, `${name} ${method} ${path}`);
  });
});
