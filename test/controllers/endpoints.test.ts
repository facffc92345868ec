import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeObject } from '#apimachinery/decode.ts';
import { Endpoints } from '#api/core/endpoints.ts';
import { Pod } from '#api/core/pod.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { startTestCluster } from './test-cluster.ts';
import { endpointSliceMirroringController } from '#controllers/endpoints/endpoint-slice-mirroring-controller.ts';
import { maxEndpointsPerSlice, planEndpointSlices } from '#controllers/endpoints/plan-endpoint-slices.ts';
import type { SlicesPlan } from '#controllers/endpoints/plan-endpoint-slices.ts';
import { changedPods, planEndpoints } from '#controllers/endpoints/plan-endpoints.ts';
import { triggerAnnotation } from '#controllers/endpoints/trigger-time.ts';

function serviceOf(spec: object = {}): Service {
  return decodeObject(Service, {
    metadata: { name: 'web', namespace: 'default', uid: 's1', labels: { team: 'a' } },
    spec: { clusterIP: '10.96.0.9', selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
  });
}

interface PodShape {
  readonly id: number;
  readonly ready: boolean;
  readonly going: boolean;
  readonly port: number;
}

function podOf({ id, ready, going, port }: PodShape): Pod {
  const ip = `10.0.${id >> 8}.${id & 255}`;
  return decodeObject(Pod, {
    metadata: { name: `web-${id}`, namespace: 'default', uid: `p${id}`, labels: { app: 'web' }, ...(going && { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
    spec: { nodeName: 'a', containers: [{ name: 'c', image: 'i', ports: [{ name: 'http', containerPort: port }] }] },
    status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });
}

const zoneOf = (): string => 'z1';

/** What the slices are after the plan. */
function carriedOut(slices: readonly EndpointSlice[], plan: SlicesPlan, round: number): readonly EndpointSlice[] {
  const kept = slices.filter((slice) => !plan.remove.includes(slice)).map((slice) => plan.update.find(({ metadata }) => metadata.name === slice.metadata.name) ?? slice);
  const made = plan.create.map((slice, index) => decodeObject(EndpointSlice, JSON.parse(JSON.stringify({ ...slice, metadata: { ...slice.metadata, name: `web-${round}-${index}`, uid: `${round}-${index}` } }))));
  return [...kept, ...made];
}

test('an endpoint says whether its pod is ready, serves, and goes', () => {
  const pods = [podOf({ id: 1, ready: true, going: false, port: 8080 }), podOf({ id: 2, ready: true, going: true, port: 8080 }), podOf({ id: 3, ready: false, going: false, port: 8080 })];
  const plan = planEndpointSlices({ service: serviceOf(), pods, slices: [], zoneOf });
  assert.deepEqual(plan.create[0]?.endpoints?.map(({ conditions }) => conditions), [
    { ready: true, serving: true, terminating: false },
    { ready: false, serving: true, terminating: true },
    { ready: false, serving: false, terminating: false },
  ]);
  assert.deepEqual(plan.create[0]?.metadata?.labels, { team: 'a', 'kubernetes.io/service-name': 'web', 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' });
  assert.equal(plan.create[0]?.endpoints?.[0]?.zone, 'z1');
});

test('what is written says since when it ought to be so', () => {
  const at = (seconds: number): string => `2026-01-01T00:00:0${seconds}Z`;
  const readyAt = (id: number, seconds: number, ready = true): Pod => {
    const pod = podOf({ id, ready, going: false, port: 8080 });
    return { ...pod, status: { ...pod.status, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at(seconds) }] } };
  };
  const service: Service = { ...serviceOf(), metadata: { ...serviceOf().metadata, creationTimestamp: at(9) } };
  const first = planEndpointSlices({ service, pods: [readyAt(1, 1)], slices: [], zoneOf });
  assert.equal(first.create[0]?.metadata?.annotations?.[triggerAnnotation], at(9));
  const slices = carriedOut([], first, 0);
  const trigger = (pods: readonly Pod[]): string | undefined => planEndpointSlices({ service, pods, slices, zoneOf }).update[0]?.metadata.annotations?.[triggerAnnotation];
  assert.equal(trigger([readyAt(1, 1), readyAt(2, 5), readyAt(3, 4)]), at(4), 'the first of those that changed');
  assert.equal(trigger([readyAt(1, 3, false)]), at(3));
  assert.equal(trigger([readyAt(2, 2)]), at(2));
  assert.deepEqual(planEndpointSlices({ service, pods: [], slices, zoneOf }).update[0]?.metadata.annotations, {}, 'a pod that went tells nothing');
  assert.deepEqual(planEndpointSlices({ service, pods: [readyAt(1, 1)], slices, zoneOf }).update, []);
  const subsets = (pods: readonly Pod[]) => planEndpoints(service, pods).subsets;
  assert.deepEqual([...changedPods(subsets([readyAt(1, 1), readyAt(2, 1)]), subsets([readyAt(1, 2, false), readyAt(2, 1), readyAt(3, 1)]))].sort(), ['p1', 'p3']);
});

test('without pods one empty slice remains', () => {
  const plan = planEndpointSlices({ service: serviceOf(), pods: [], slices: [], zoneOf });
  assert.equal(plan.create.length, 1);
  assert.deepEqual(plan.create[0]?.endpoints, []);
  const slices = carriedOut([], plan, 0);
  assert.deepEqual(planEndpointSlices({ service: serviceOf(), pods: [], slices, zoneOf }), { create: [], update: [], remove: [], isIncomplete: false });
});

test('slices always hold exactly the pods, are never too full, and settle at once', () => {
  const pod = fc.record({ id: fc.nat(400), ready: fc.boolean(), going: fc.boolean(), port: fc.constantFrom(80, 8080) });
  fc.assert(fc.property(fc.array(fc.uniqueArray(pod, { selector: ({ id }) => id, maxLength: 260 }), { minLength: 1, maxLength: 4 }), (rounds) => {
    let slices: readonly EndpointSlice[] = [];
    for (const [round, shapes] of rounds.entries()) {
      const pods = shapes.map(podOf);
      slices = carriedOut(slices, planEndpointSlices({ service: serviceOf(), pods, slices, zoneOf }), round);
      const named = slices.flatMap(({ endpoints }) => endpoints.map(({ targetRef }) => targetRef?.uid ?? '')).sort();
      assert.deepEqual(named, shapes.map(({ id }) => `p${id}`).sort());
      for (const { endpoints, ports } of slices) {
        assert.ok(endpoints.length <= maxEndpointsPerSlice);
        for (const { targetRef } of endpoints) assert.equal(shapes.find(({ id }) => `p${id}` === targetRef?.uid)?.port, ports[0]?.port);
      }
      const again = planEndpointSlices({ service: serviceOf(), pods, slices, zoneOf });
      assert.deepEqual([again.create.length, again.update.length, again.remove.length], [0, 0, 0]);
    }
  }), { numRuns: 60 });
});

test('classic Endpoints sort by readiness and leave out pods that go', () => {
  const pods = [podOf({ id: 2, ready: true, going: false, port: 8080 }), podOf({ id: 1, ready: true, going: false, port: 8080 }), podOf({ id: 3, ready: false, going: false, port: 8080 }), podOf({ id: 4, ready: true, going: true, port: 8080 })];
  const { subsets, labels } = planEndpoints(serviceOf(), pods);
  assert.deepEqual(subsets.map(({ addresses, notReadyAddresses, ports }) => ({ ready: addresses?.map(({ ip }) => ip), not: notReadyAddresses?.map(({ ip }) => ip), ports })), [
    { ready: ['10.0.0.1', '10.0.0.2'], not: ['10.0.0.3'], ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] },
  ]);
  assert.deepEqual(labels, { team: 'a', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' });
});

test('Endpoints written by hand are mirrored, followed and forgotten', async () => {
  const cluster = await startTestCluster([endpointSliceMirroringController]);
  const { client, until } = cluster;
  const slices = async () => (await client.list(EndpointSlice, { namespace: 'default', labelSelector: 'kubernetes.io/service-name=db' })).items;
  await client.create(Service, { metadata: { name: 'db', namespace: 'default' }, spec: { ports: [{ port: 5432 }] } });
  const made = await client.create(Endpoints, { metadata: { name: 'db', namespace: 'default' }, subsets: [{ addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }], ports: [{ port: 5432, protocol: 'TCP' }] }] });
  await until(async () => (await slices()).length === 2);
  await client.update(Endpoints, { ...made, subsets: [{ addresses: [{ ip: '192.0.2.7' }], ports: [{ port: 5432, protocol: 'TCP' }] }] });
  await until(async () => {
    const now = await slices();
    return now.length === 1 && now[0]?.endpoints[0]?.addresses[0] === '192.0.2.7';
  });
  await client.delete(Endpoints, made.metadata);
  await until(async () => (await slices()).length === 0);
  await cluster.close();
});
