import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { systemClock } from '#base/clock.ts';
import type { Clock } from '#base/clock.ts';
import { SimulatedClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import type { ApiServerOptions } from '#apiserver/api-server-options.ts';
import type { ApiServer } from '#apiserver/api-server.ts';
import { createApiServer, inProcessAdmin } from '#apiserver/api-server.ts';
import { noNodes } from '#apiserver/request/node-gateway.ts';
import { Event } from '#api/core/event.ts';
import type { Service as ServiceObject } from '#api/core/service.ts';
import { Service } from '#api/core/service.ts';
import { IPAddress } from '#api/networking/ip-address.ts';
import { ServiceCIDR } from '#api/networking/service-cidr.ts';
import type { Given } from '#apimachinery/resource.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import { createClient } from '#client/create-client.ts';
import { createServiceAccountKey } from '#pki/service-account-key.ts';
import { openEtcdStore } from '#store/etcd.ts';
import type { EtcdCluster } from '#store/etcd/etcd-member.fixture.ts';
import { etcdMissing, startEtcdCluster } from '#store/etcd/etcd-member.fixture.ts';
import { openMemoryStore } from '#store/memory.ts';
import type { Store } from '#store/store.ts';

const namespace = 'default';
const serviceAccountKey = createServiceAccountKey();
const portClaims = '/registry/ranges/servicenodeports/';

interface Running {
  readonly server: ApiServer;
  readonly client: Client;
  readonly store: Store;
  close(): Promise<void>;
}

interface Setting extends Partial<Pick<ApiServerOptions, 'serviceClusterIpRanges' | 'serviceNodePortRange'>> {
  readonly clock?: Clock;
  readonly seed?: number;
}

async function serverOn(store: Store, { clock = systemClock, seed = 1, ...options }: Setting = {}): Promise<Running> {
  const server = await createApiServer({ store, clock, random: seededRandom(seed), log: silentLog, serviceAccountKey, nodes: noNodes, ...options });
  return { server, store, client: createClient(server.transport(inProcessAdmin, 'test')), close: () => server.close() };
}

function memory(clock: Clock = systemClock): Store {
  return openMemoryStore({ clock, random: seededRandom(9) });
}

const ports = [{ port: 80 }];
function create(client: Client, name: string, spec: Given<ServiceObject['spec']> = {}): Promise<ServiceObject> {
  return client.create(Service, { metadata: { namespace, name }, spec: { ports, ...spec } });
}
/** What is wrong, or '' when nothing is. */
function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(() => '', (error: unknown) => (error as Error).message);
}
async function addresses(client: Client): Promise<string[]> {
  return (await client.list(IPAddress)).items.map(({ metadata }) => metadata.name).toSorted();
}
async function claimedPorts(store: Store): Promise<string[]> {
  return (await store.range(portClaims)).entries.map(({ key }) => key.slice(portClaims.length));
}

describe('what a Service holds', () => {
  let api: Running;
  before(async () => {
    api = await serverOn(memory(), { serviceClusterIpRanges: ['10.96.0.0/16', 'fd00:10:96::/112'] });
  });
  after(() => api.close());

  it('is an IPAddress with its name, which comes and goes with it', async () => {
    const { spec, metadata } = await create(api.client, 'one');
    const address = await api.client.get(IPAddress, { name: spec.clusterIP ?? '' });
    assert.deepEqual(address.metadata.labels, { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' });
    assert.deepEqual(address.spec.parentRef, { resource: 'services', namespace, name: 'one' });
    assert.equal(address.metadata.resourceVersion, metadata.resourceVersion);
    await api.client.delete(Service, { namespace, name: 'one' });
    assert.deepEqual(await addresses(api.client), []);
  });

  it('is of both families where it asks for them, and of one where it does not', async () => {
    const families = async (name: string, spec: Given<ServiceObject['spec']>): Promise<unknown> => {
      const made = await create(api.client, name, spec);
      assert.equal(made.spec.clusterIP, made.spec.clusterIPs?.[0]);
      return [made.spec.ipFamilyPolicy, made.spec.ipFamilies, made.spec.clusterIPs?.map((each) => (each.includes(':') ? 6 : 4))];
    };
    assert.deepEqual(await families('single', {}), ['SingleStack', ['IPv4'], [4]]);
    assert.deepEqual(await families('prefer', { ipFamilyPolicy: 'PreferDualStack' }), ['PreferDualStack', ['IPv4', 'IPv6'], [4, 6]]);
    assert.deepEqual(await families('require', { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] }), ['RequireDualStack', ['IPv6', 'IPv4'], [6, 4]]);
    assert.deepEqual(await families('six', { ipFamilies: ['IPv6'] }), ['SingleStack', ['IPv6'], [6]]);
    assert.deepEqual(await families('named', { clusterIP: 'fd00:10:96::77', clusterIPs: ['fd00:10:96::77'] }), ['SingleStack', ['IPv6'], [6]]);
    for (const name of ['single', 'prefer', 'require', 'six', 'named']) await api.client.delete(Service, { namespace, name });
    assert.deepEqual(await addresses(api.client), []);
  });

  it('of no selector and no head names both families', async () => {
    const { spec } = await create(api.client, 'headless', { clusterIP: 'None' });
    assert.deepEqual([spec.clusterIPs, spec.ipFamilyPolicy, spec.ipFamilies], [['None'], 'RequireDualStack', ['IPv4', 'IPv6']]);
    assert.deepEqual(await addresses(api.client), []);
    await api.client.delete(Service, { namespace, name: 'headless' });
  });

  it('grows and shrinks with the policy', async () => {
    const first = await create(api.client, 'grows');
    const key = { namespace, name: 'grows' };
    const patch = (spec: object): Promise<ServiceObject> => api.client.patch(Service, key, { type: 'merge', patch: { spec } });
    const dual = await patch({ ipFamilyPolicy: 'PreferDualStack' });
    assert.deepEqual([dual.spec.clusterIPs?.length, dual.spec.clusterIPs?.[0], dual.spec.ipFamilies], [2, first.spec.clusterIP, ['IPv4', 'IPv6']]);
    assert.deepEqual(await addresses(api.client), dual.spec.clusterIPs?.toSorted());
    assert.match(await refusal(patch({ clusterIPs: [first.spec.clusterIP] })), /spec\.ipFamilyPolicy: Invalid value: "PreferDualStack": must be 'SingleStack' to release the secondary cluster IP/);
    const single = await patch({ ipFamilyPolicy: 'SingleStack' });
    assert.deepEqual([single.spec.clusterIPs, single.spec.ipFamilies], [[first.spec.clusterIP], ['IPv4']]);
    assert.deepEqual(await addresses(api.client), [first.spec.clusterIP]);
    assert.match(await refusal(patch({ clusterIP: '10.96.0.99' })), /spec\.clusterIPs\[0\]: Invalid value: \["10\.96\.0\.99"\]: may not change once set/);
    await patch({ type: 'ExternalName', externalName: 'example.com' });
    assert.deepEqual(await addresses(api.client), []);
    const back = await patch({ type: 'ClusterIP', externalName: null });
    assert.deepEqual(await addresses(api.client), back.spec.clusterIPs);
    await api.client.delete(Service, key);
  });

  it('is refused in the words of Kubernetes', async () => {
    await create(api.client, 'holder', { type: 'NodePort', clusterIP: '10.96.0.50', ports: [{ port: 80, nodePort: 30_005 }] });
    for (const [spec, message] of [
      [{ clusterIP: '10.96.0.50' }, /spec\.clusterIPs: Invalid value: \["10\.96\.0\.50"\]: failed to allocate IP 10\.96\.0\.50: provided IP is already allocated$/],
      [{ clusterIP: '10.96.0.0' }, /failed to allocate IP 10\.96\.0\.0: the provided network does not match the current range$/],
      [{ clusterIP: '10.0.0.1' }, /failed to allocate IP 10\.0\.0\.1: the provided network does not match the current range$/],
      [{ clusterIP: '10.96.0.51', ipFamilies: ['IPv6'] }, /spec\.clusterIPs\[0\]: Invalid value: "10\.96\.0\.51": expected an IPv6 value as indicated by `ipFamilies\[0\]`$/],
      [{ ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'SingleStack' }, /spec\.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified$/],
      [{ ipFamilies: ['IPv5'] }, /spec\.ipFamilies\[0\]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"$/],
      [{ clusterIPs: ['10.96.0.60'] }, /spec\.clusterIPs: Invalid value: \["10\.96\.0\.60"\]: must be empty when `clusterIP` is not specified$/],
      [{ clusterIP: '10.96.0.60', clusterIPs: ['10.96.0.60', '10.96.0.61'] }, /may specify no more than one IP for each IP family$/],
      [{ type: 'NodePort', ports: [{ port: 80, nodePort: 30_005 }] }, /spec\.ports\[0\]\.nodePort: Invalid value: 30005: provided port is already allocated$/],
      [{ type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }, /provided port is not in the valid range\. The range of valid ports is 30000-32767$/],
    ] as const) assert.match(await refusal(create(api.client, 'refused', spec)), message);
    assert.deepEqual(await addresses(api.client), ['10.96.0.50']);
    assert.deepEqual(await claimedPorts(api.store), ['30005']);
    await api.client.delete(Service, { namespace, name: 'holder' });
    assert.deepEqual(await claimedPorts(api.store), []);
  });

  it('is nothing after a dry run or a write that was refused later', async () => {
    const dry = await api.client.create(Service, { metadata: { namespace, name: 'dry' }, spec: { type: 'NodePort', ports } }, { dryRun: true });
    assert.match(dry.spec.clusterIP ?? '', /^10\.96\./);
    assert.ok((dry.spec.ports?.[0]?.nodePort ?? 0) >= 30_000);
    assert.notEqual(await refusal(create(api.client, 'bad', { type: 'NodePort', ports: [{ port: 0 }] })), '');
    const { spec } = await create(api.client, 'same-as-dry', { clusterIP: dry.spec.clusterIP });
    assert.equal(spec.clusterIP, dry.spec.clusterIP);
    await api.client.delete(Service, { namespace, name: 'same-as-dry' });
    assert.deepEqual([await addresses(api.client), await claimedPorts(api.store)], [[], []]);
  });

  it('has one node port for the same port of several protocols, and one for health checks', async () => {
    const { spec } = await create(api.client, 'dns', {
      type: 'LoadBalancer', externalTrafficPolicy: 'Local',
      ports: [{ name: 'udp', port: 53, protocol: 'UDP' }, { name: 'tcp', port: 53, protocol: 'TCP' }, { name: 'web', port: 80 }],
    });
    const [udp, tcp, web] = spec.ports?.map(({ nodePort }) => nodePort) ?? [];
    assert.equal(udp, tcp);
    assert.equal(new Set([udp, web, spec.healthCheckNodePort]).size, 3);
    assert.deepEqual(await claimedPorts(api.store), [udp, web, spec.healthCheckNodePort].map(String).toSorted());
    const key = { namespace, name: 'dns' };
    const cluster = await api.client.patch(Service, key, { type: 'merge', patch: { spec: { externalTrafficPolicy: 'Cluster' } } });
    assert.equal(cluster.spec.healthCheckNodePort, undefined);
    assert.deepEqual(await claimedPorts(api.store), [udp, web].map(String).toSorted());
    await api.client.patch(Service, key, { type: 'merge', patch: { spec: { type: 'ClusterIP' } } });
    assert.deepEqual(await claimedPorts(api.store), []);
    await api.client.delete(Service, key);
  });

  it('belongs to no client', async () => {
    const { metadata } = await create(api.client, 'owned');
    const owned = JSON.stringify(metadata.managedFields);
    assert.doesNotMatch(owned, /f:clusterIP|f:ipFamil/);
    await api.client.delete(Service, { namespace, name: 'owned' });
  });
});

describe('the ranges of addresses', () => {
  it('are those of all ServiceCIDRs that are ready', async (t) => {
    const api = await serverOn(memory(), { serviceClusterIpRanges: ['10.96.0.0/30'] });
    t.after(() => api.close());
    const { client } = api;
    const { spec, status, metadata } = await client.get(ServiceCIDR, { name: 'kubernetes' });
    assert.deepEqual([spec.cidrs, status.conditions?.[0]?.type, status.conditions?.[0]?.status, metadata.finalizers], [['10.96.0.0/30'], 'Ready', 'True', ['networking.k8s.io/service-cidr-finalizer']]);
    assert.equal((await create(client, 'first')).spec.clusterIP, '10.96.0.2');
    const full = /failed to allocate a serviceIP: range is full/;
    assert.match(await refusal(create(client, 'second')), full);
    await client.create(ServiceCIDR, { metadata: { name: 'more', finalizers: ['test/hold'] }, spec: { cidrs: ['10.50.0.0/29'] } });
    assert.match((await create(client, 'second')).spec.clusterIP ?? '', /^10\.50\.0\.[1-6]$/);
    await client.delete(ServiceCIDR, { name: 'more' });
    assert.match(await refusal(create(client, 'third')), full);
    assert.match(await refusal(create(client, 'third', { clusterIP: '10.50.0.6' })), /does not match the current range/);
  });

  it('stay as they are, but a second family may come', async (t) => {
    const store = memory();
    const single = await serverOn(store, { serviceClusterIpRanges: ['10.96.0.0/16'] });
    const { client } = single;
    const cidrs = (name: string, given: readonly string[]): Promise<unknown> => client.create(ServiceCIDR, { metadata: { name }, spec: { cidrs: given } });
    for (const [given, message] of [
      [[], /spec\.cidrs: Required value: at least one CIDR required/],
      [['10.0.0.1/24'], /spec\.cidrs\[0\]: Invalid value: "10\.0\.0\.1\/24": must not have bits set beyond the prefix length/],
      [['nonsense'], /must be a valid CIDR value, \(e\.g\. 10\.9\.8\.0\/24 or 2001:db8::\/64\)/],
      [['FD00::/64'], /must be in canonical form \(\\?"fd00::\/64\\?"\)/],
      [['10.0.0.0/24', '10.0.1.0/24'], /may specify no more than one IP for each IP family, i\.e 192\.168\.0\.0\/24 and 2001:db8::\/64/],
    ] as const) assert.match(await refusal(cidrs('bad', given)), message);
    await cidrs('mine', ['10.1.0.0/24']);
    const change = (given: readonly string[]): Promise<string> => refusal(client.patch(ServiceCIDR, { name: 'mine' }, { type: 'merge', patch: { spec: { cidrs: given } } }));
    assert.match(await change(['10.2.0.0/24']), /spec\.cidrs\[0\]: Invalid value: "10\.2\.0\.0\/24": field is immutable/);
    assert.equal(await change(['10.1.0.0/24', 'fd00::/64']), '');
    assert.match(await change(['10.1.0.0/24']), /field is immutable/);
    await single.close();
    const dual = await serverOn(store, { serviceClusterIpRanges: ['10.96.0.0/16', 'fd00:10::/112'] });
    t.after(() => dual.close());
    assert.deepEqual((await dual.client.get(ServiceCIDR, { name: 'kubernetes' })).spec.cidrs, ['10.96.0.0/16', 'fd00:10::/112']);
    assert.equal((await create(dual.client, 'both', { ipFamilyPolicy: 'RequireDualStack' })).spec.clusterIPs?.length, 2);
  });
});

describe('what is amiss', () => {
  it('in a store of an older version is made right at the start', async (t) => {
    const store = memory();
    const old = await serverOn(store);
    const { spec } = await create(old.client, 'old', { type: 'NodePort' });
    await old.close();
    const port = String(spec.ports?.[0]?.nodePort);
    await store.delete(`${portClaims}${port}`, { any: true });
    await store.delete(`/registry/ipaddresses/${spec.clusterIP}`, { any: true });
    const api = await serverOn(store, { seed: 2 });
    t.after(() => api.close());
    assert.deepEqual(await addresses(api.client), [spec.clusterIP]);
    assert.deepEqual(await claimedPorts(store), [port]);
    assert.match(await refusal(create(api.client, 'new', { clusterIP: spec.clusterIP })), /already allocated/);
    await api.client.delete(Service, { namespace, name: 'old' });
    assert.deepEqual([await addresses(api.client), await claimedPorts(store)], [[], []]);
  });

  it('by somebody\'s doing is made right soon, and told', async (t) => {
    const clock = new SimulatedClock();
    const api = await serverOn(memory(clock), { clock });
    t.after(() => api.close());
    const { client, store } = api;
    const { spec } = await create(client, 'robbed');
    const port = (await create(client, 'robbed-of-port', { type: 'NodePort', clusterIP: '10.96.0.69' })).spec.ports?.[0]?.nodePort;
    const name = spec.clusterIP ?? '';
    await client.delete(IPAddress, { name });
    const labels = { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' };
    await client.create(IPAddress, { metadata: { name: '10.96.0.70', labels }, spec: { parentRef: { resource: 'services', namespace, name: 'never' } } });
    await client.create(IPAddress, { metadata: { name: '10.96.0.71', labels }, spec: { parentRef: { resource: 'services', namespace, name: 'robbed' } } });
    await client.create(IPAddress, { metadata: { name: '10.96.0.72' }, spec: { parentRef: { resource: 'gateways', group: 'gateway.networking.k8s.io', namespace, name: 'mine' } } });
    await store.delete(`${portClaims}${port}`, { any: true });
    const made = await settled(clock, 1100, async () => {
      const found = await client.get(IPAddress, { name }).catch(() => undefined);
      return found?.spec.parentRef?.name === 'robbed';
    });
    assert.ok(made);
    assert.ok(await settled(clock, 4 * 60_000, async () => (await addresses(client)).join() === ['10.96.0.69', '10.96.0.72', name].toSorted().join()));
    assert.deepEqual(await claimedPorts(store), [String(port)]);
    const reasons = async (): Promise<string[]> => [...new Set((await client.list(Event)).items.map(({ reason }) => reason ?? ''))].toSorted();
    assert.ok(await settled(clock, 1000, async () => (await reasons()).length >= 4));
    assert.deepEqual(await reasons(), ['ClusterIPNotAllocated', 'IPAddressNotAllocated', 'IPAddressWrongReference', 'PortNotAllocated']);
  });

  it('with the default ServiceCIDR is made right', async (t) => {
    const api = await serverOn(memory());
    t.after(() => api.close());
    const key = { name: 'kubernetes' };
    const { metadata } = await api.client.get(ServiceCIDR, key);
    await api.client.delete(ServiceCIDR, key);
    await api.client.patch(ServiceCIDR, key, { type: 'merge', patch: { metadata: { finalizers: null } } });
    for (;;) {
      const found = await api.client.get(ServiceCIDR, key).catch((error: unknown) => {
        assert.ok(hasReason(error, 'NotFound'));
      });
      if (found !== undefined && found.metadata.uid !== metadata.uid && found.status.conditions?.[0]?.status === 'True') break;
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  /** Moves the clock by `ms` and lets what follows happen. */
  async function settled(clock: SimulatedClock, ms: number, isSo: () => Promise<boolean>): Promise<boolean> {
    await clock.advance(ms);
    for (let turn = 0; turn < 200; turn++) {
      if (await isSo()) return true;
      await clock.advance(100);
    }
    return false;
  }
});

/** Two servers at once, on ranges that are nearly too small. */
async function race(first: Running, second: Running): Promise<void> {
  const servers = [first, second];
  const work = Array.from({ length: 80 }, (_, index) => create((index % 2 === 0 ? first : second).client, `race-${index}`, { type: 'NodePort' }));
  const outcomes = await Promise.allSettled(work);
  const made = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  for (const each of outcomes) if (each.status === 'rejected') assert.match(String(each.reason), /range is full/);
  assert.equal(made.length, 40);
  assert.equal(new Set(made.map(({ spec }) => spec.clusterIP)).size, made.length);
  assert.equal(new Set(made.map(({ spec }) => spec.ports?.[0]?.nodePort)).size, made.length);
  // One asks for a certain address and port at both: one gets it.
  const [gone] = made;
  assert.ok(gone !== undefined);
  await first.client.delete(Service, { namespace, name: gone.metadata.name });
  const same = await Promise.allSettled(servers.map(({ client }, index) => create(client, `same-${index}`, { type: 'NodePort', clusterIP: gone.spec.clusterIP, ports: [{ port: 80, nodePort: gone.spec.ports?.[0]?.nodePort }] })));
  assert.deepEqual(same.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  const left = (await second.client.list(Service, { namespace })).items;
  await Promise.all(left.map(({ metadata }, index) => (index % 2 === 0 ? first : second).client.delete(Service, { namespace, name: metadata.name })));
  assert.deepEqual([await addresses(first.client), await claimedPorts(first.store)], [[], []]);
}

describe('whatever is done to Services', { timeout: 60_000 }, () => {
  it('they hold what they say, and nobody else does', async (t) => {
    const store = memory();
    const setting = { serviceClusterIpRanges: ['10.96.0.0/27', 'fd00:10:96::/123'], serviceNodePortRange: { from: 30_000, to: 30_012 } };
    const servers = [await serverOn(store, { ...setting, seed: 1 }), await serverOn(store, { ...setting, seed: 2 })] as const;
    t.after(() => Promise.all(servers.map((server) => server.close())));
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const port = fc.record({
      name: fc.constantFrom('p', 'q', 'r'), port: fc.constantFrom(80, 81, 53), protocol: fc.constantFrom('TCP', 'UDP'), nodePort: fc.constantFrom(0, 30_001, 30_002, 30_003, 1),
    }, { requiredKeys: ['name', 'port'] });
    const spec = fc.record({
      type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
      externalName: fc.constantFrom('example.com'),
      clusterIP: fc.constantFrom('None', '10.96.0.5', '10.96.0.6', 'fd00:10:96::5', '', '10.1.1.1', 'x'),
      clusterIPs: fc.array(fc.constantFrom('None', '10.96.0.5', 'FD00:10:96::05', '10.96.0.7'), { maxLength: 2 }),
      ipFamilies: fc.array(fc.constantFrom('IPv4', 'IPv6'), { maxLength: 2 }),
      ipFamilyPolicy: fc.constantFrom('SingleStack', 'PreferDualStack', 'RequireDualStack'),
      externalTrafficPolicy: fc.constantFrom('Local', 'Cluster'),
      healthCheckNodePort: fc.constantFrom(30_004, 30_005),
      allocateLoadBalancerNodePorts: fc.boolean(),
      ports: fc.array(port, { minLength: 1, maxLength: 3 }),
    }, { requiredKeys: [] });
    const deed = fc.record({ server: fc.constantFrom(0 as const, 1 as const), name, what: fc.constantFrom('create' as const, 'create' as const, 'patch' as const, 'patch' as const, 'replace' as const, 'delete' as const), spec });
    await fc.assert(fc.asyncProperty(fc.array(deed, { minLength: 5, maxLength: 25 }), async (deeds) => {
      await Promise.all(deeds.map(async (each, index) => {
        // Some at once, some after others.
        for (let turn = 0; turn < index % 7; turn++) await new Promise((resolve) => setImmediate(resolve));
        const { client } = servers[each.server];
        const key = { namespace, name: each.name };
        const given = each.spec as Given<ServiceObject['spec']>;
        const work = {
          create: () => create(client, each.name, given),
          patch: () => client.patch(Service, key, { type: 'merge', patch: { spec: given } }),
          replace: async () => client.update(Service, { ...(await client.get(Service, key)), spec: { ports, ...given } as ServiceObject['spec'] }),
          delete: () => client.delete(Service, key),
        }[each.what];
        const refused = await refusal((async () => work())());
        assert.doesNotMatch(refused, /Internal error occurred(?!: failed to allocate)/, JSON.stringify(each));
      }));
      const services = (await servers[0].client.list(Service, { namespace })).items;
      const held = services.flatMap(({ spec: { clusterIPs = [] } }) => clusterIPs.filter((each) => each !== 'None').map((each) => (each.includes(':') ? each.toLowerCase().replace('::05', '::5') : each)));
      assert.deepEqual(await addresses(servers[1].client), held.toSorted());
      const nodePorts = services.flatMap(({ spec: { ports: own = [], healthCheckNodePort } }) => [...new Set([...own.map(({ nodePort }) => nodePort), healthCheckNodePort])].filter((each) => each !== undefined));
      assert.deepEqual((await claimedPorts(store)), nodePorts.map(String).toSorted());
      for (const { object } of (await servers[0].client.list(IPAddress)).items.map((each) => ({ object: each }))) {
        assert.ok(services.some(({ metadata }) => metadata.name === object.spec.parentRef?.name), object.metadata.name);
      }
      await Promise.all(services.map(({ metadata }) => servers[0].client.delete(Service, { namespace, name: metadata.name })));
    }), { numRuns: 150, seed: 3 });
  });
});

const narrow = { serviceClusterIpRanges: ['10.96.0.0/26'], serviceNodePortRange: { from: 30_000, to: 30_040 } };

describe('several API servers', { timeout: 60_000 }, () => {
  it('over one store never give out the same address or port', async (t) => {
    const store = memory();
    const [first, second] = [await serverOn(store, { ...narrow, seed: 1 }), await serverOn(store, { ...narrow, seed: 1 })];
    t.after(() => Promise.all([first.close(), second.close()]));
    await race(first, second);
  });

  describe('over one etcd', { skip: etcdMissing }, () => {
    let etcd: EtcdCluster;
    before(async () => {
      etcd = await startEtcdCluster({ members: 1, flags: ['--max-txn-ops', '128'] });
    });
    after(() => etcd.close());

    it('never give out the same address or port either', async (t) => {
      // The same chance at both: they try the same addresses.
      const open = async (): Promise<Running> => serverOn(await openEtcdStore({ endpoints: etcd.endpoints, keyPrefix: '/race', clock: systemClock, random: seededRandom(1) }), { ...narrow, seed: 1 });
      const [first, second] = [await open(), await open()];
      t.after(async () => {
        for (const { server, store } of [first, second]) {
          await server.close();
          await store.close();
        }
      });
      await race(first, second);
    });

    it('take more node ports than etcd writes at once', async (t) => {
      const store = await openEtcdStore({ endpoints: etcd.endpoints, keyPrefix: '/many', clock: systemClock, random: seededRandom(1) });
      const api = await serverOn(store);
      t.after(async () => {
        await api.close();
        await store.close();
      });
      const many = Array.from({ length: 250 }, (_, index) => ({ name: `p${index}`, port: index + 1 }));
      const { spec } = await create(api.client, 'many', { type: 'NodePort', ports: many });
      assert.equal(new Set(spec.ports?.map(({ nodePort }) => nodePort)).size, 250);
      assert.equal((await claimedPorts(store)).length, 250);
      await api.client.delete(Service, { namespace, name: 'many' });
      assert.deepEqual(await claimedPorts(store), []);
    });
  });
});
