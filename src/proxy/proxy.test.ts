import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { ServiceCIDR } from '#api/networking/service-cidr.ts';
import { Node } from '#api/core/node.ts';
import { Service } from '#api/core/service.ts';
import { createClient } from '#client/create-client.ts';
import { MemoryTransport } from '#client/memory-transport.ts';
import { createEventRecorder } from '#client/recorder.ts';
import { createSharedInformers } from '#client/shared-informers.ts';
import { startProxy } from './proxy.ts';
import type { RunningProxy } from './proxy.ts';
import type { TableNames } from './table-names.ts';
import { endpoint, serviceOf, sliceOf } from './proxy.fixture.ts';

interface Lab {
  readonly clock: SimulatedClock;
  readonly proxy: RunningProxy;
  readonly scripts: string[];
  readonly flows: unknown[];
  readonly client: ReturnType<typeof createClient>;
  refuse: boolean;
  existing: readonly TableNames[];
  udpFlows: Readonly<Record<string, string>>;
}

async function withProxy(run: (lab: Lab) => Promise<void>): Promise<void> {
  const clock = new SimulatedClock();
  const client = createClient(new MemoryTransport());
  const shared = { client, clock, random: seededRandom(1), log: silentLog };
  const informers = createSharedInformers(shared);
  const scripts: string[] = [];
  const flows: unknown[] = [];
  const writer = {
    apply: async (script: string): Promise<void> => {
      if (lab.refuse) throw new Error('no');
      scripts.push(script);
    },
    list: async () => lab.existing,
    listUdpFlows: async (family: string) => lab.udpFlows[family] ?? '',
    forgetUdpFlows: async (stale: readonly unknown[]): Promise<boolean> => flows.push(...stale) > 0,
  };
  const context = { ...shared, informers, recorderFor: (component: string) => createEventRecorder(shared, component) };
  const proxy = startProxy(context, { nodeName: 'n1', clusterName: 't', clusterCidrs: ['10.244.0.0/16'], writer });
  const lab: Lab = { clock, proxy, scripts, flows, client, refuse: false, existing: [], udpFlows: {} };
  try {
    await clock.advance(1);
    await proxy.ready;
    await run(lab);
  } finally {
    await proxy.close();
    await informers.close();
  }
}

test('the first sync replaces whatever was there, later ones write only what changed', () =>
  withProxy(async ({ clock, scripts, client }) => {
    assert.match(scripts[0] ?? '', /delete table ip skiff-t/);
    await client.create(Service, serviceOf('web', {}));
    await client.create(EndpointSlice, sliceOf('web', [endpoint('10.244.1.1')]));
    await clock.advance(200);
    assert.doesNotMatch(scripts.slice(1).join(''), /delete table/);
    assert.match(scripts.slice(1).join(''), /dnat to 10\.244\.1\.1:8080/);
  }));

test('changes that come together are written together', () =>
  withProxy(async ({ clock, scripts, client }) => {
    await client.create(Service, serviceOf('web', {}));
    await clock.advance(200);
    const before = scripts.length;
    for (let n = 1; n < 9; n++) await client.create(Service, serviceOf(`s${n}`, { clusterIP: `10.96.0.${n}`, clusterIPs: [`10.96.0.${n}`] }));
    await clock.advance(200);
    assert.ok(scripts.length - before <= 2, `${scripts.length - before} transactions`);
  }));

test('the ranges of cluster addresses are followed', () =>
  withProxy(async ({ clock, scripts, client }) => {
    await client.create(ServiceCIDR, { metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/16', 'fd00:10:96::/112'] } });
    await clock.advance(200);
    assert.match(scripts.at(-1) ?? '', /filter-output ct state new ip daddr \{ 10\.96\.0\.0\/16 \} drop/);
    assert.match(scripts.at(-1) ?? '', /filter-forward ct state new ip6 daddr \{ fd00:10:96::\/112 \} drop/);
    const before = scripts.length;
    await client.create(Service, serviceOf('web', {}));
    await clock.advance(200);
    assert.doesNotMatch(scripts.slice(before).join(''), /drop/);
  }));

test('rules that are refused are written anew', () =>
  withProxy(async (lab) => {
    lab.refuse = true;
    await lab.client.create(Service, serviceOf('web', {}));
    await lab.clock.advance(500);
    lab.refuse = false;
    const before = lab.scripts.length;
    await lab.clock.advance(3000);
    assert.match(lab.scripts[before] ?? '', /delete table ip skiff-t/);
    assert.equal(lab.proxy.health.waitingSinceMs, undefined);
  }));

test('what is there already is renewed in place, and replaced when that is refused', () =>
  withProxy(async (lab) => {
    lab.existing = [{ family: 'ip', name: 'skiff-t', chains: ['service-gone'], sets: new Map([['service-ips', 'map'], ['affinity-gone', 'set']]) }];
    await lab.client.create(ServiceCIDR, { metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/16'] } });
    await lab.clock.advance(200);
    const renewal = lab.scripts.at(-1) ?? '';
    assert.doesNotMatch(renewal, /delete table ip skiff-t$/m);
    for (const line of ['flush table ip skiff-t', 'flush map ip skiff-t service-ips', 'delete set ip skiff-t affinity-gone', 'delete chain ip skiff-t service-gone']) assert.match(renewal, new RegExp(`^${line}$`, 'm'));
    // Nothing is known of the other family's table, so it is made anew.
    assert.match(renewal, /^delete table ip6 skiff-t$/m);
  }));

test('flows to a UDP endpoint that has gone are forgotten', () =>
  withProxy(async ({ clock, flows, client }) => {
    const ports = [{ name: 'dns', port: 53, protocol: 'UDP' as const }];
    await client.create(Service, serviceOf('dns', { ports }));
    const slice = await client.create(EndpointSlice, sliceOf('dns', [endpoint('10.244.1.1'), endpoint('10.244.1.2')], ports));
    await clock.advance(200);
    flows.length = 0;
    await client.update(EndpointSlice, { ...slice, endpoints: [endpoint('10.244.1.2')] });
    await clock.advance(200);
    assert.deepEqual(flows, [{ family: 'ip', address: '10.96.0.10', port: 53, target: '10.244.1.1' }]);
  }));

test('what the kernel remembers from an earlier time is compared with the endpoints', () =>
  withProxy(async (lab) => {
    const ports = [{ name: 'dns', port: 53, protocol: 'UDP' as const }];
    await lab.client.create(Service, serviceOf('dns', { ports }));
    await lab.client.create(EndpointSlice, sliceOf('dns', [endpoint('10.244.1.1')], ports));
    await lab.clock.advance(200);
    lab.flows.length = 0;
    lab.udpFlows = { ip: 'udp 17 9 src=10.0.0.1 dst=10.96.0.10 sport=4 dport=53 src=10.244.1.9 dst=10.0.0.1 sport=53 dport=4 mark=0 use=1\n' };
    // Everything is written anew.
    await lab.client.create(ServiceCIDR, { metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/16'] } });
    await lab.clock.advance(200);
    assert.deepEqual(lab.flows, [{ family: 'ip', address: '10.96.0.10', port: 53, target: '10.244.1.9' }]);
    assert.match(await lab.proxy.metrics.registry.metrics(), /^kubeproxy_conntrack_reconciler_deleted_entries_total\{ip_family="IPv4"\} 1$/m);
  }));

test('a node that an autoscaler takes away gets no traffic from load balancers', () =>
  withProxy(async ({ clock, client, proxy }) => {
    const node = await client.create(Node, { metadata: { name: 'n1' } });
    await clock.advance(1);
    assert.equal(proxy.health.isNodeEligible, true);
    await client.update(Node, { ...node, spec: { ...node.spec, taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } });
    await clock.advance(1);
    assert.equal(proxy.health.isNodeEligible, false);
  }));

test('what the proxy does is told under kube-proxy\'s names', () =>
  withProxy(async ({ clock, client, proxy }) => {
    await client.create(Service, serviceOf('web', { internalTrafficPolicy: 'Local' }));
    const slice = sliceOf('web', [endpoint('10.244.2.1', { nodeName: 'n2' })]);
    const earlier = sliceOf('web', [endpoint('10.244.2.2', { nodeName: 'n2' })]);
    const long = { 'endpoints.kubernetes.io/last-change-trigger-time': '1969-01-01T00:00:00Z' };
    await client.create(EndpointSlice, { ...earlier, metadata: { ...earlier.metadata, name: 'web-earlier', annotations: long } });
    await clock.advance(5000);
    const triggered = new Date(clock.nowMs() - 2500).toISOString();
    await client.create(EndpointSlice, { ...slice, metadata: { ...slice.metadata, annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': triggered } } });
    await clock.advance(200);
    const text = await proxy.metrics.registry.metrics();
    for (const line of [
      'kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family="IPv4"} 1',
      'kubeproxy_network_programming_duration_seconds_bucket{le="2",ip_family="IPv6"} 0',
      'kubeproxy_network_programming_duration_seconds_bucket{le="3",ip_family="IPv6"} 1',
      'kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family="IPv4",traffic_policy="internal"} 1',
      'kubeproxy_sync_proxy_rules_endpoint_changes_total 2',
      'kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"} 1',
      'kubeproxy_sync_proxy_rules_service_changes_pending 0',
    ]) assert.ok(text.includes(`${line}\n`), `${line}\n${text}`);
    assert.match(text, /kubeproxy_sync_partial_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} [1-9]/);
    await client.delete(Service, { namespace: 'default', name: 'web' });
    await clock.advance(200);
    assert.match(await proxy.metrics.registry.metrics(), /no_local_endpoints_total\{ip_family="IPv4",traffic_policy="internal"\} 0\n/);
  }));
