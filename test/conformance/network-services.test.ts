/** Services as packets find them, on a real node: containers, the pod network, nftables, the DNS server. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import { Endpoints } from '#api/core/endpoints.ts';
import { Pod } from '#api/core/pod.ts';
import { Service } from '#api/core/service.ts';
import type { Service as ServiceObject } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { NetworkSpace, PodTraits } from './network-lab.ts';
import { eventually, noNetwork, onNetwork, podSpec, startNetworkLab } from './network-lab.ts';
import { shared } from '../support/shared.ts';

const lab = shared(startNetworkLab, noNetwork);
const services = (what: string, check: (space: NetworkSpace) => Promise<void>): void => onNetwork(`[sig-network] Services ${what} [Conformance]`, lab, check);

/** By its name, its cluster address and, where it has one, its node port: from a pod, all of its endpoints and nobody else. */
async function servedAs(w: NetworkSpace, client: string, name: string, endpoints: readonly string[]): Promise<ServiceObject> {
  const service = await w.lab.client.get(Service, w.key(name));
  const { port = 0, nodePort } = service.spec.ports?.[0] ?? {};
  await w.reaches(client, `${name}:${port}`, endpoints);
  await w.reaches(client, `${service.spec.clusterIP}:${port}`, endpoints);
  if (service.spec.type === 'NodePort') await w.reaches(client, `${w.lab.nodeAddress}:${nodePort}`, endpoints);
  return service;
}

/** The ports of each pod behind a Service, as its slices say. */
async function endpointsAre(w: NetworkSpace, service: string, expected: Readonly<Record<string, readonly number[]>>): Promise<void> {
  await eventually(`endpoints of ${service}`, async () => {
    const { items } = await w.lab.client.list(EndpointSlice, { namespace: w.namespace, labelSelector: `kubernetes.io/service-name=${service}` });
    return Object.fromEntries(items.flatMap(({ endpoints, ports }) => endpoints.map(({ targetRef }) => [targetRef?.name ?? '', ports.map(({ port }) => port ?? 0)])));
  }, (found) => {
    const sorted = (each: Readonly<Record<string, readonly number[]>>): string => JSON.stringify(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
    return sorted(found) === sorted(expected);
  });
}

const onHost = { spec: { ...podSpec([{ name: 'c' }]), hostNetwork: true } };
const toPods = (app: string): Pick<ServiceObject['spec'], 'selector' | 'ports'> => ({ selector: { app }, ports: [{ port: 80, protocol: 'TCP', targetPort: 9376 }] });

describe('conformance: services in the data path', { skip: noNetwork, concurrency: 2 }, () => {
  services('should serve a basic endpoint from pods', async (w) => {
    await w.service('two', { selector: { app: 'two' }, ports: [{ port: 80, targetPort: 80 }] });
    await endpointsAre(w, 'two', {});
    const serve = (name: string): Promise<Pod> => w.pod(name, { tcp: 80, labels: { app: 'two' } });
    await Promise.all([serve('pod1'), w.pod('client')]);
    await endpointsAre(w, 'two', { pod1: [80] });
    await servedAs(w, 'client', 'two', ['pod1']);
    await serve('pod2');
    await endpointsAre(w, 'two', { pod1: [80], pod2: [80] });
    await servedAs(w, 'client', 'two', ['pod1', 'pod2']);
    await w.lab.client.delete(Pod, w.key('pod1'));
    await endpointsAre(w, 'two', { pod2: [80] });
    await servedAs(w, 'client', 'two', ['pod2']);
    await w.lab.client.delete(Pod, w.key('pod2'));
    await endpointsAre(w, 'two', {});
    await servedAs(w, 'client', 'two', ['']);
  });

  // What the API shows of it is tested on simulated nodes, too; here it is whether packets find their way.
  services('should serve multiport endpoints from pods', async (w) => {
    await w.service('multi', { selector: { app: 'multi' }, ports: [{ name: 'portname1', port: 80, targetPort: 'svc1' }, { name: 'portname2', port: 81, targetPort: 'svc2' }] });
    const named = (name: string, tcp: number): NonNullable<PodTraits['spec']> => {
      const spec = podSpec([{ name: 'c', tcp }]);
      return { ...spec, containers: (spec.containers ?? []).map((each) => ({ ...each, ports: [{ name, containerPort: tcp }] })) };
    };
    const labels = { app: 'multi' };
    await Promise.all([w.pod('pod1', { labels, spec: named('svc1', 100) }), w.pod('client')]);
    const served = async (one: string, two: string): Promise<void> => {
      await w.reaches('client', 'multi:80', [one]);
      await w.reaches('client', 'multi:81', [two]);
    };
    await served('pod1', '');
    await w.pod('pod2', { labels, spec: named('svc2', 101) });
    await endpointsAre(w, 'multi', { pod1: [100], pod2: [101] });
    await served('pod1', 'pod2');
    await w.lab.client.delete(Pod, w.key('pod1'));
    await served('', 'pod2');
    await w.lab.client.delete(Pod, w.key('pod2'));
    await endpointsAre(w, 'multi', {});
    await served('', '');
  });

  services('should serve endpoints on same port and different protocols', async (w) => {
    const tcp = { name: 'tcp-port', port: 80, protocol: 'TCP', targetPort: 80 } as const;
    const udp = { ...tcp, name: 'udp-port', protocol: 'UDP' } as const;
    const { spec: { clusterIP = '' } } = await w.service('both', { selector: { app: 'both' }, ports: [tcp, udp] });
    await Promise.all([w.pod('server', { tcp: 80, udp: 80, labels: { app: 'both' } }), w.pod('client')]);
    const answers = async (what: { readonly tcp: string; readonly udp: string }): Promise<void> => {
      await w.reaches('client', `${clusterIP}:80`, [what.tcp]);
      await w.reaches('client', `${clusterIP}:80`, [what.udp], 'udp');
    };
    await answers({ tcp: 'server', udp: 'server' });
    await w.changeService('both', (spec) => ({ ...spec, ports: [tcp] }));
    await answers({ tcp: 'server', udp: '' });
    await w.changeService('both', (spec) => ({ ...spec, ports: [udp] }));
    await answers({ tcp: '', udp: 'server' });
  });

  services('should be able to create a functioning NodePort service', async (w) => {
    await w.service('nodeport', { ...toPods('nodeport'), type: 'NodePort' });
    const [names] = await Promise.all([w.replicas('nodeport', 2), w.pod('client')]);
    await servedAs(w, 'client', 'nodeport', names);
  });

  services('should be able to change the type from ExternalName to ClusterIP', async (w) => {
    const created = await w.service('changing', { type: 'ExternalName', externalName: 'foo.example.com' });
    assert.equal(created.spec.clusterIP ?? '', '');
    await w.changeService('changing', (spec) => ({ ...spec, ...toPods('changing'), externalName: '', type: 'ClusterIP' }));
    const [names] = await Promise.all([w.replicas('changing', 2), w.pod('client')]);
    await servedAs(w, 'client', 'changing', names);
  });

  services('should be able to change the type from ExternalName to NodePort', async (w) => {
    await w.service('changing', { type: 'ExternalName', externalName: 'foo.example.com' });
    const { spec } = await w.changeService('changing', (old) => ({ ...old, ...toPods('changing'), externalName: '', type: 'NodePort' }));
    assert.ok((spec.ports?.[0]?.nodePort ?? 0) > 0);
    const [names] = await Promise.all([w.replicas('changing', 2), w.pod('client')]);
    await servedAs(w, 'client', 'changing', names);
  });

  /** A Service that served itself becomes another name of a second one. */
  const toExternalName = async (w: NetworkSpace, type: 'ClusterIP' | 'NodePort'): Promise<void> => {
    await w.service('changing', { ...toPods('changing'), type });
    const target = await w.service('target', toPods('target'));
    const [names, targets] = await Promise.all([w.replicas('changing', 2), w.replicas('target', 2), w.pod('client')]);
    await servedAs(w, 'client', 'changing', names);
    const nodePort = (await w.lab.client.get(Service, w.key('changing'))).spec.ports?.[0]?.nodePort;
    const externalName = `target.${w.namespace}.svc.cluster.local`;
    const { spec } = await w.changeService('changing', (old) => ({ ...old, type: 'ExternalName', externalName }));
    assert.equal(spec.clusterIP ?? '', '');
    assert.equal(spec.ports?.[0]?.nodePort, undefined);
    // Whoever asks for the port that it had gets it.
    if (nodePort !== undefined) await w.service('next', { type: 'NodePort', ports: [{ port: 80, nodePort }] });
    await eventually('the name leads to the target', () => w.resolve('client', 'changing'), (addresses) => addresses.join() === target.spec.clusterIP);
    await w.reaches('client', 'changing:80', targets);
  };
  services('should be able to change the type from ClusterIP to ExternalName', (w) => toExternalName(w, 'ClusterIP'));
  services('should be able to change the type from NodePort to ExternalName', (w) => toExternalName(w, 'NodePort'));

  /** So many answers in a row tell whether clients stay with one endpoint. */
  const inARow = 15;
  const affine = async (w: NetworkSpace, type: 'ClusterIP' | 'NodePort', isSwitched: boolean): Promise<void> => {
    await w.service('affine', { ...toPods('affine'), type, sessionAffinity: 'ClientIP' });
    const [names] = await Promise.all([w.replicas('affine', 3), w.pod('client')]);
    const { spec: { clusterIP, ports } } = await w.lab.client.get(Service, w.key('affine'));
    const address = type === 'NodePort' ? `${w.lab.nodeAddress}:${ports?.[0]?.nodePort}` : `${clusterIP}:80`;
    const seen = async (): Promise<readonly string[]> => [...new Set(await w.ask('client', address, { times: inARow }))];
    const staysWithOne = async (): Promise<void> => {
      // Not before every endpoint is behind the rules: one that comes later must not take a client away.
      const [one] = await eventually('the client stays with one', seen, (each) => each.length === 1 && names.includes(each[0] ?? ''));
      for (let round = 0; round < 2; round++) assert.deepEqual(await seen(), [one]);
    };
    await staysWithOne();
    if (!isSwitched) return;
    await w.changeService('affine', (spec) => ({ ...spec, sessionAffinity: 'None' }));
    await w.reaches('client', address, names);
    await w.changeService('affine', (spec) => ({ ...spec, sessionAffinity: 'ClientIP' }));
    await staysWithOne();
  };
  services('should have session affinity work for service with type clusterIP [LinuxOnly]', (w) => affine(w, 'ClusterIP', false));
  services('should have session affinity work for NodePort service [LinuxOnly]', (w) => affine(w, 'NodePort', false));
  services('should be able to switch session affinity for service with type clusterIP [LinuxOnly]', (w) => affine(w, 'ClusterIP', true));
  services('should be able to switch session affinity for NodePort service [LinuxOnly]', (w) => affine(w, 'NodePort', true));

  onNetwork('[sig-network] Service endpoints latency should not be very high [Conformance]', lab, async (w) => {
    const { client } = w.lab;
    await w.pod('endpoint', { tcp: 80, labels: { app: 'latency' } });
    const stop = new AbortController();
    const { metadata: { resourceVersion } } = await client.list(EndpointSlice, { namespace: w.namespace });
    const seenMs = new Map<string, number>();
    const watching = (async () => {
      for await (const events of client.watch(EndpointSlice, { namespace: w.namespace, resourceVersion, signal: stop.signal })) {
        for (const { object: { metadata, endpoints } } of events) {
          const service = metadata.labels?.['kubernetes.io/service-name'];
          if (service !== undefined && endpoints.length > 0 && !seenMs.has(service)) seenMs.set(service, systemClock.monotonicMs());
        }
      }
    })();
    const createdMs = new Map<string, number>();
    const names = Array.from({ length: 100 }, (_, index) => `latency-${index}`);
    while (names.length > 0) {
      await Promise.all(names.splice(0, 15).map(async (name) => {
        createdMs.set(name, systemClock.monotonicMs());
        await w.service(name, { selector: { app: 'latency' }, ports: [{ port: 80 }] });
      }));
    }
    await eventually('every service has its endpoint', async () => seenMs.size, (size) => size === createdMs.size);
    stop.abort();
    await watching;
    const tookMs = [...createdMs].map(([name, ms]) => (seenMs.get(name) ?? Infinity) - ms).sort((a, b) => a - b);
    // The requirement's own, generous limits.
    assert.ok((tookMs[50] ?? Infinity) <= 20_000 && (tookMs[99] ?? Infinity) <= 50_000, tookMs.join());
  });
});

describe('conformance: endpoint slices in the data path', { skip: noNetwork, concurrency: 2 }, () => {
  const slices = (what: string, check: (space: NetworkSpace) => Promise<void>): void => onNetwork(`[sig-network] EndpointSlice should support a Service with ${what} specified in multiple EndpointSlices [Conformance]`, lab, check);
  const ports = [{ name: 'port80', port: 80, protocol: 'TCP' }, { name: 'port81', port: 81, protocol: 'TCP' }] as const;
  const slice = (w: NetworkSpace, name: string, address: string, port: number): Promise<EndpointSlice> =>
    w.lab.client.create(EndpointSlice, {
      metadata: { namespace: w.namespace, generateName: 'custom-slice', labels: { 'kubernetes.io/service-name': 'custom', 'endpointslice.kubernetes.io/managed-by': 'a-test' } },
      addressType: 'IPv4', endpoints: [{ addresses: [address], conditions: { ready: true } }], ports: [{ name, port, protocol: 'TCP' }],
    });

  slices('multiple ports', async (w) => {
    const { spec: { clusterIP } } = await w.service('custom', { ports: [...ports] });
    const [server] = await Promise.all([w.pod('server', { spec: podSpec([{ name: 'c', tcp: 8090 }, { name: 'd', tcp: 9090 }]) }), w.pod('client')]);
    const address = server.status.podIP ?? '';
    await slice(w, 'port80', address, 8090);
    await slice(w, 'port81', address, 9090);
    for (const { port } of ports) await w.reaches('client', `${clusterIP}:${port}`, ['server']);
  });

  slices('multiple endpoint IPs', async (w) => {
    const { spec: { clusterIP } } = await w.service('custom', { ports: [...ports] });
    const [one, two] = await Promise.all([w.pod('one', { tcp: 8090 }), w.pod('two', { tcp: 8090 }), w.pod('client')]);
    await slice(w, 'port80', one.status.podIP ?? '', 8090);
    await slice(w, 'port81', two.status.podIP ?? '', 8090);
    await w.reaches('client', `${clusterIP}:80`, ['one']);
    await w.reaches('client', `${clusterIP}:81`, ['two']);
  });
});

describe('conformance: host ports and mirrored endpoints in the data path', { skip: noNetwork, concurrency: 2 }, () => {
  onNetwork('[sig-network] HostPort validates that there is no conflict between pods with same hostPort but different hostIP and protocol [LinuxOnly] [Conformance]', lab, async (w) => {
    const { nodeAddress } = w.lab;
    const hostPort = 54_323;
    const at = (name: string, hostIP: string, protocol: 'TCP' | 'UDP'): Promise<Pod> => {
      const spec = podSpec([{ name: 'c', tcp: 8080, udp: 8080 }]);
      return w.pod(name, { spec: { ...spec, containers: (spec.containers ?? []).map((each) => ({ ...each, ports: [{ hostPort, containerPort: 8080, protocol, hostIP }] })) } });
    };
    await Promise.all([at('pod1', '127.0.0.1', 'TCP'), at('pod2', nodeAddress, 'TCP'), at('pod3', nodeAddress, 'UDP'), w.pod('host', onHost), w.pod('client')]);
    for (const from of ['host', 'client']) {
      await w.reaches(from, `${nodeAddress}:${hostPort}`, ['pod2']);
      await w.reaches(from, `${nodeAddress}:${hostPort}`, ['pod3'], 'udp');
    }
    await w.reaches('host', `127.0.0.1:${hostPort}`, ['pod1']);
  });

  onNetwork('[sig-network] EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete [Conformance]', lab, async (w) => {
    const { client } = w.lab;
    const { spec: { clusterIP } } = await w.service('custom', { ports: [{ name: 'example', port: 80, protocol: 'TCP' }] });
    const [one, two] = await Promise.all([w.pod('one', { tcp: 8090 }), w.pod('two', { tcp: 8090 }), w.pod('client')]);
    const subsets = (pod: Pod) => [{ addresses: [{ ip: pod.status.podIP ?? '' }], ports: [{ name: 'example', port: 8090, protocol: 'TCP' as const }] }];
    const endpoints = await client.create(Endpoints, { metadata: w.key('custom'), subsets: subsets(one) });
    await w.reaches('client', `${clusterIP}:80`, ['one']);
    await client.update(Endpoints, { ...endpoints, subsets: subsets(two) });
    await w.reaches('client', `${clusterIP}:80`, ['two']);
    await client.delete(Endpoints, w.key('custom'));
    await w.reaches('client', `${clusterIP}:80`, ['']);
  });
});

describe('conformance: pods reach pods', { skip: noNetwork, concurrency: 2 }, () => {
  const granular = (what: string, check: (space: NetworkSpace) => Promise<void>): void => onNetwork(`[sig-network] Networking Granular Checks: Pods should function for ${what} [Conformance]`, lab, check);
  const servers = ['netserver-0', 'netserver-1'] as const;
  const serve = async (w: NetworkSpace): Promise<ReadonlyMap<string, string>> =>
    new Map(await Promise.all(servers.map(async (name): Promise<[string, string]> => [name, (await w.pod(name, { tcp: 8083, udp: 8081 })).status.podIP ?? ''])));
  /** A pod on the host's network asks one pod to ask the others. */
  const betweenPods = async (w: NetworkSpace, protocol: 'http' | 'udp'): Promise<void> => {
    const [found, tester] = await Promise.all([serve(w), w.pod('tester', { tcp: 8080 }), w.pod('host', onHost)]);
    for (const [name, address] of found) {
      const what = `dial?request=hostname&protocol=${protocol}&host=${address}&port=${protocol === 'udp' ? 8081 : 8083}`;
      await eventually(`the tester reaches ${name}`, () => w.ask('host', `${tester.status.podIP}:8080`, { what }), ([said]) => said === name);
    }
  };
  granular('intra-pod communication: http [NodeConformance]', (w) => betweenPods(w, 'http'));
  granular('intra-pod communication: udp [NodeConformance]', (w) => betweenPods(w, 'udp'));

  granular('node-pod communication: http [LinuxOnly] [NodeConformance]', async (w) => {
    const [found] = await Promise.all([serve(w), w.pod('host', onHost)]);
    for (const [name, address] of found) await w.reaches('host', `${address}:8083`, [name]);
  });
  granular('node-pod communication: udp [LinuxOnly] [NodeConformance]', async (w) => {
    const [found] = await Promise.all([serve(w), w.pod('host', onHost)]);
    for (const [name, address] of found) await w.reaches('host', `${address}:8081`, [name], 'udp');
  });
});

describe('conformance: every replica serves', { skip: noNetwork, concurrency: 2 }, () => {
  const sameAsReplicas = 'should serve a basic image on each replica with a public image [Conformance]';
  onNetwork(`[sig-apps] ReplicaSet ${sameAsReplicas}`, lab, async (w) => {
    const labels = { app: 'basic' };
    await w.lab.client.create(ReplicaSet, { metadata: w.key('basic'), spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec([{ name: 'c', tcp: 9376 }]) } } });
    assert.equal(new Set(await w.answering('app=basic', 2, 9376)).size, 2);
  });
  onNetwork(`[sig-apps] ReplicationController ${sameAsReplicas}`, lab, async (w) => {
    assert.equal(new Set(await w.replicas('basic', 2)).size, 2);
  });
});
