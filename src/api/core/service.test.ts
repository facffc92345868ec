import assert from 'node:assert/strict';
import { test } from 'node:test';
import { created, errorsOf, given, rowOf, updated, updateErrorsOf } from '../kind-probe.ts';
import type { Service as ServiceObject } from './service.ts';
import { Service } from './service.ts';

function serviceOf(spec: object): ServiceObject {
  return created(Service, { metadata: { name: 'web', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' }, spec });
}

test('a service gets its type, its policies and target ports', () => {
  const { spec } = serviceOf({ ports: [{ port: 80 }] });
  assert.equal(spec.type, 'ClusterIP');
  assert.equal(spec.sessionAffinity, 'None');
  assert.equal(spec.internalTrafficPolicy, 'Cluster');
  assert.equal(spec.externalTrafficPolicy, undefined);
  assert.deepEqual(spec.ports, [{ protocol: 'TCP', port: 80, targetPort: 80 }]);
  assert.equal(serviceOf({ type: 'NodePort', ports: [{ port: 80 }] }).spec.externalTrafficPolicy, 'Cluster');
  assert.deepEqual(serviceOf({ sessionAffinity: 'ClientIP', ports: [{ port: 80 }] }).spec.sessionAffinityConfig, { clientIP: { timeoutSeconds: 10800 } });
});

test('what is wrong with a service is said with its path', () => {
  const table: readonly (readonly [object, readonly string[]])[] = [
    [{}, ['spec.ports: Required value']],
    [{ clusterIP: 'None', clusterIPs: ['None'] }, []],
    [{ clusterIP: 'None' }, ['spec.clusterIPs: Required value']],
    [{ type: 'ExternalName', externalName: 'example.com' }, []],
    [{ type: 'ExternalName' }, ['spec.externalName: Required value']],
    [{ ports: [{ port: 0 }] }, ['spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive', 'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive']],
    [{ ports: [{ port: 80 }, { port: 81 }] }, ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value']],
    [{ ports: [{ port: 80, nodePort: 30000 }] }, ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]],
    [{ ports: [{ port: 80 }], clusterIP: 'x', clusterIPs: ['x'] }, ['spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    [{ ports: [{ port: 80 }], type: 'Odd' }, ['spec.type: Unsupported value: "Odd": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"']],
  ];
  for (const [spec, errors] of table) assert.deepEqual(errorsOf(Service, serviceOf(spec)), errors, JSON.stringify(spec));
});

test('an update keeps what was allocated and gives up what the new type lacks', () => {
  const old = serviceOf({ type: 'NodePort', clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ports: [{ port: 80, nodePort: 30000 }] });
  const same = updated(Service, old, { spec: { type: 'NodePort', ports: [{ port: 80 }] } });
  assert.equal(same.spec.clusterIP, '10.0.0.1');
  assert.equal(same.spec.ports?.[0]?.nodePort, 30000);
  const plain = updated(Service, old, { spec: { ...old.spec, type: 'ClusterIP' } });
  assert.equal(plain.spec.ports?.[0]?.nodePort, undefined);
  assert.equal(plain.spec.externalTrafficPolicy, undefined);
  assert.deepEqual(updateErrorsOf(Service, plain, old), []);
  const moved = updated(Service, old, { spec: { ...old.spec, clusterIP: '10.0.0.2', clusterIPs: ['10.0.0.2'] } });
  assert.deepEqual(updateErrorsOf(Service, moved, old), ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set']);
});

test('the columns say where a service can be reached', () => {
  const nowMs = Date.UTC(2026, 0, 1, 0, 5);
  assert.deepEqual(rowOf(Service, serviceOf({ type: 'NodePort', clusterIP: '10.0.0.1', selector: { b: '2', a: '1' }, ports: [{ port: 80, nodePort: 30000 }, { port: 53, protocol: 'UDP' }] }), nowMs), {
    Name: 'web', Type: 'NodePort', 'Cluster-IP': '10.0.0.1', 'External-IP': '<none>', 'Port(s)': '80:30000/TCP,53/UDP', Age: '5m', Selector: 'a=1,b=2',
  });
  assert.equal(rowOf(Service, serviceOf({ type: 'LoadBalancer', ports: [{ port: 80 }] }), nowMs)['External-IP'], '<pending>');
  assert.equal(rowOf(Service, serviceOf({ type: 'ExternalName', externalName: 'a.b' }), nowMs)['Cluster-IP'], '<none>');
});

test('defaults change nothing when they run a second time', () => {
  const once = serviceOf({ type: 'LoadBalancer', ports: [{ port: 80 }] });
  assert.deepEqual(given(Service, once), once);
});
