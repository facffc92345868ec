/** Names as pods find them: the C library of a container, /etc/hosts and resolv.conf by the kubelet, the cluster's DNS server. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Pod } from '#api/core/pod.ts';
import type { Service } from '#api/core/service.ts';
import { Service as ServiceKind } from '#api/core/service.ts';
import type { NetworkSpace, PodTraits } from './network-lab.ts';
import { eventually, noNetwork, onNetwork, startNetworkLab } from './network-lab.ts';
import { shared } from '../support/shared.ts';

const lab = shared(startNetworkLab, noNetwork);
const dns = (what: string, check: (space: NetworkSpace) => Promise<void>): void => onNetwork(`[sig-network] DNS should ${what} [Conformance]`, lab, check);

const domain = 'cluster.local';
const labels = { 'dns-test': 'true' };
/** Names are asked for over both protocols. */
const protocols = ['udp', 'tcp'] as const;

/** The one that asks; both Services lead to it. */
function querier(w: NetworkSpace, traits: PodTraits = {}): Promise<Pod> {
  return w.pod('querier', { tcp: 80, labels, ...traits });
}

/** A headless Service and one with an address, with a named port each. */
async function twoServices(w: NetworkSpace): Promise<{ readonly headless: Service; readonly regular: Service }> {
  const ports = [{ name: 'http', port: 80, protocol: 'TCP' as const }];
  const [headless, regular] = await Promise.all([w.service('headless', { clusterIP: 'None', selector: labels, ports }), w.service('regular', { selector: labels, ports })]);
  return { headless, regular };
}

/** Waits until a name has exactly these addresses, by the C library and over both protocols. */
async function resolves(w: NetworkSpace, name: string, addresses: readonly string[]): Promise<void> {
  for (const options of ['', 'use-vc']) {
    await eventually(`${name} is ${addresses.join()} (${options || 'udp'})`, () => w.resolve('querier', name, options), (found) => [...found].sort().join() === [...addresses].sort().join());
  }
}

/** Waits until a name of a service port leads to these targets. */
async function leadsTo(w: NetworkSpace, name: string, targets: readonly string[]): Promise<void> {
  for (const protocol of protocols) {
    await eventually(`${name} leads to ${targets.join()} over ${protocol}`, () => w.dig('querier', name, 'SRV', { protocol }), ({ answers }) =>
      answers.flatMap((each) => (each.type === 'SRV' ? [`${each.data.target}:${each.data.port}`] : [])).sort().join() === [...targets].sort().join());
  }
}

/** The name of an endpoint without a hostname of its own: the address with dashes. */
function dashed(address: string): string {
  return address.replaceAll('.', '-');
}

/** `in-addr.arpa` of an address. */
function reverse(address: string): string {
  return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
}

/** The search list of a pod, as resolv.conf has it. */
async function searchList(w: NetworkSpace): Promise<readonly string[]> {
  return /^search (.*)$/m.exec(await w.exec('querier', 'cat', '/etc/resolv.conf'))?.[1]?.split(' ') ?? [];
}

describe('conformance: names', { skip: noNetwork, concurrency: 2 }, () => {
  dns('provide DNS for the cluster', async (w) => {
    const pod = await querier(w);
    const { spec: { clusterIP = '' } } = await w.lab.client.get(ServiceKind, { namespace: 'default', name: 'kubernetes' });
    await resolves(w, `kubernetes.default.svc.${domain}`, [clusterIP]);
    const address = pod.status.podIP ?? '';
    await resolves(w, `${dashed(address)}.${w.namespace}.pod.${domain}`, [address]);
    for (const protocol of protocols) assert.equal((await w.dig('querier', `nobody.default.svc.${domain}`, 'A', { protocol })).rcode, 'NXDOMAIN');
  });

  dns('provide /etc/hosts entries for the cluster', async (w) => {
    const pod = await querier(w, { spec: { hostname: 'dns-querier-1', subdomain: 'dns-test-service' } });
    const names = [`dns-querier-1.dns-test-service.${w.namespace}.svc.${domain}`, 'dns-querier-1'];
    // No Service of that name is there: only the file can tell.
    for (const name of names) assert.deepEqual(await w.resolve('querier', name), [pod.status.podIP]);
    assert.equal((await w.exec('querier', 'hostname')).trim(), 'dns-querier-1');
  });

  dns('provide DNS for services', async (w) => {
    const { regular } = await twoServices(w);
    const address = (await querier(w)).status.podIP ?? '';
    const clusterIp = regular.spec.clusterIP ?? '';
    const fqdn = (service: string): string => `${service}.${w.namespace}.svc.${domain}`;
    await resolves(w, fqdn('headless'), [address]);
    await resolves(w, fqdn('regular'), [clusterIp]);
    await leadsTo(w, `_http._tcp.${fqdn('headless')}`, [`${dashed(address)}.${fqdn('headless')}:80`]);
    await leadsTo(w, `_http._tcp.${fqdn('regular')}`, [`${fqdn('regular')}:80`]);
    for (const protocol of protocols) {
      const { answers } = await w.dig('querier', reverse(clusterIp), 'PTR', { protocol });
      assert.deepEqual(answers.map((each) => (each.type === 'PTR' ? each.data : each.type)), [fqdn('regular')]);
    }
  });

  dns('resolve DNS of partial qualified names for services [LinuxOnly]', async (w) => {
    const { regular } = await twoServices(w);
    const address = (await querier(w)).status.podIP ?? '';
    for (const [service, expected] of [['headless', address], ['regular', regular.spec.clusterIP ?? '']] as const) {
      for (const name of [service, `${service}.${w.namespace}`, `${service}.${w.namespace}.svc`]) await resolves(w, name, [expected]);
    }
    const search = await searchList(w);
    assert.deepEqual(search.slice(0, 3), [`${w.namespace}.svc.${domain}`, `svc.${domain}`, domain]);
    // What `dig +search` does: each of the list in turn, until a name is there.
    const searched = async (name: string): Promise<string> => {
      for (const suffix of search) if ((await w.dig('querier', `${name}.${suffix}`, 'SRV')).answers.length > 0) return `${name}.${suffix}`;
      return '';
    };
    for (const service of ['headless', 'regular']) {
      const name = `_http._tcp.${service}.${w.namespace}.svc`;
      assert.equal(await eventually(name, () => searched(name), (found) => found !== ''), `${name}.${domain}`);
    }
  });

  const named = { spec: { hostname: 'dns-querier-2', subdomain: 'headless' } };
  const hostFqdn = (w: NetworkSpace): string => `dns-querier-2.headless.${w.namespace}.svc.${domain}`;

  dns('provide DNS for pods for Hostname', async (w) => {
    await twoServices(w);
    const address = (await querier(w, named)).status.podIP ?? '';
    for (const name of [hostFqdn(w), 'dns-querier-2']) assert.deepEqual(await w.resolve('querier', name), [address]);
    // The server knows it as well, not only the pod's own file.
    await eventually('an A record', () => w.dig('querier', hostFqdn(w), 'A'), ({ answers }) => answers.some((each) => each.type === 'A' && each.data === address));
    assert.equal((await w.exec('querier', 'hostname', '-f')).trim(), hostFqdn(w));
  });

  dns('provide DNS for pods for Subdomain', async (w) => {
    await twoServices(w);
    const address = (await querier(w, named)).status.podIP ?? '';
    for (const name of [hostFqdn(w), `headless.${w.namespace}.svc.${domain}`]) {
      for (const protocol of protocols) {
        await eventually(`${name} over ${protocol}`, () => w.dig('querier', name, 'A', { protocol }), ({ answers }) => answers.some((each) => each.type === 'A' && each.data === address));
      }
    }
    await leadsTo(w, `_http._tcp.headless.${w.namespace}.svc.${domain}`, [`${hostFqdn(w)}:80`]);
  });

  dns('provide DNS for ExternalName services', async (w) => {
    const fqdn = `changing.${w.namespace}.svc.${domain}`;
    const isAlias = (target: string): Promise<unknown> =>
      eventually(`an alias of ${target}`, () => w.dig('querier', fqdn, 'CNAME'), ({ answers }) => answers.length === 1 && answers[0]?.type === 'CNAME' && answers[0].data === target);
    await Promise.all([querier(w), w.service('changing', { type: 'ExternalName', externalName: 'foo.example.com' })]);
    await isAlias('foo.example.com');
    await w.changeService('changing', (spec) => ({ ...spec, externalName: 'bar.example.com' }));
    await isAlias('bar.example.com');
    const { spec } = await w.changeService('changing', (old) => ({ ...old, type: 'ClusterIP', externalName: '', ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 80 }] }));
    await resolves(w, fqdn, [spec.clusterIP ?? '']);
  });
});
