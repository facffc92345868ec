/** A cluster of both address families: pods, Services and names in IPv4 and IPv6. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { demoImages } from '#kubelet/images/bundled-images.ts';
import { kubectlMissing } from '../kubectl/kubectl.ts';
import { noContainersHere } from './machine-cluster.ts';
import { ask, askUntil } from './request-loop.ts';
import { SeparateComponents, freePort, until } from './separate-components.ts';

/** The node's address of the second family: without one there is no such node. */
const nodeAddress = Object.values(networkInterfaces()).flatMap((each) => each ?? []).find(({ family, internal, address }) => family === 'IPv6' && !internal && !/^fe[89ab]/i.test(address))?.address;
const noIpv6 = nodeAddress === undefined || !existsSync('/proc/sys/net/ipv6') ? 'this machine has no IPv6 address' : false;

const dnsAddress = 'fd00:10:91::a';
const web = {
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' },
  spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: demoImages[0], env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }] } } },
};
const service = (name: string, more: object): object => ({
  apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6', 'IPv4'], selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }], ...more },
});

describe('a cluster of both address families', { skip: noContainersHere() || kubectlMissing || noIpv6 }, () => {
  const cluster = new SeparateComponents({
    name: `dual-${process.pid}`, podRanges: ['10.238.0.0/16', 'fd00:10:238::/56'], serviceRanges: ['10.91.0.0/16', 'fd00:10:91::/112'], nodePorts: '25000-25999', clusterDns: [dnsAddress],
  });
  const field = (what: string, path: string): Promise<string> => cluster.kubectl.out(`get ${what} -o`, { more: [`jsonpath={${path}}`] });
  /** In one of the pods. */
  const exec = (script: string): Promise<string> => cluster.kubectl.out('exec deploy/web -- sh -c', { more: [script] });

  before(async () => {
    await cluster.start();
    cluster.run('dns', '--kubeconfig', cluster.kubeconfig('admin'), '--bind-address', '::', '--port', String(await freePort()), '--metrics-port', '0',
      '--publish', dnsAddress, '--advertise-address', nodeAddress ?? '', '--client-cidr', '10.238.0.0/16,fd00:10:238::/56');
    for (const object of [web, service('web', { type: 'NodePort' }), service('headless', { clusterIP: 'None' })]) await cluster.kubectl.out('apply -f -', { input: object });
    const { code, stdout, stderr } = await cluster.kubectl.run('rollout status deployment/web --timeout=60s');
    assert.equal(code, 0, `${stdout}${stderr}\n${cluster.logs()}`);
  });
  after(async () => {
    await cluster.kubectl.run('delete deployment web --wait=false');
    await cluster.remove();
  });

  it('gives pods an address of each, and Services too', async () => {
    for (const address of (await field('pods', '.items[*].status.podIPs[1].ip')).split(' ')) assert.match(address, /^fd00:10:238:/);
    assert.match(await field('service web', '.spec.clusterIPs'), /^\["fd00:10:91::[0-9a-f]+","10\.91\.\d+\.\d+"\]$/);
    assert.match(await exec('cat /etc/hosts'), /^fd00:10:238::\S+\tweb-/m);
  });

  it('serves in both, from the node and from pods', async () => {
    const [v6, v4] = JSON.parse(await field('service web', '.spec.clusterIPs')) as [string, string];
    const nodePort = await field('service web', '.spec.ports[0].nodePort');
    for (const host of [`[${v6}]`, v4, `[${nodeAddress}]:${nodePort}`, `127.0.0.1:${nodePort}`]) {
      const url = `http://${host}/`;
      await askUntil(url, /pod web-/);
      const seen = new Set<string>();
      for (let count = 0; count < 40; count++) seen.add((await ask(url)).split('\n')[1] ?? '');
      assert.equal(seen.size, 2, `${url}: ${[...seen].join()}`);
      if (!host.startsWith('127.')) assert.match(await exec(`wget -q -O - ${url}`), /pod web-/);
    }
  });

  it('answers names over IPv6 with both, also where the name server listens everywhere', async () => {
    const addressesOf = async (name: string): Promise<string> => {
      const said = await exec(`nslookup ${name}.default.svc.cluster.local || true`);
      return [...said.matchAll(/^Address: (\S+)$/gm)].map(([, address = '']) => address).sort().join();
    };
    const ofService = (JSON.parse(await field('service web', '.spec.clusterIPs')) as string[]).sort().join();
    const ofPods = (await field('pods -l app=web', '.items[*].status.podIPs[*].ip')).split(' ').sort().join();
    await until('the Service has its addresses', async () => (await addressesOf('web')) === ofService);
    await until('the headless one has those of its pods', async () => (await addressesOf('headless')) === ofPods);
  });
});
