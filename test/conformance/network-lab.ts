/** A real cluster for the network tests, of two nodes on this machine: `./skiff up`, containers in network namespaces, nftables, the DNS server. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import dnsPacket from 'dns-packet';
import type { Answer, RecordType } from 'dns-packet';
import { WebSocket } from 'ws';
import { systemClock } from '#base/clock.ts';
import { Namespace } from '#api/core/namespace.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { ReplicationController } from '#api/core/replication-controller.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import type { Service as ServiceObject } from '#api/core/service.ts';
import { Service } from '#api/core/service.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Given, ResourceKind } from '#apimachinery/resource.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import type { ConnectionConfig } from '#client/connection.ts';
import { createClient } from '#client/create-client.ts';
import { createHttpsTransport } from '#client/https-transport.ts';
import { connectionFrom, parseKubeconfig } from '#client/kubeconfig.ts';
import type { Transport } from '#client/transport.ts';
import { clusterLayout } from '#cluster/layout.ts';
import { noContainersHere, run } from '../e2e/machine-cluster.ts';
import { conformance } from './conformance.ts';
import { buildNetexecImage, netexecImage, noNetexecImage } from './network-image.ts';

/** Why there can be no such cluster here; false when there can. For `skip`. */
export const noNetwork: string | false = noContainersHere() || noNetexecImage();

const skiff = join(import.meta.dirname, '../../skiff');
/** For what another process does; everybody else may be at work as well. */
const patienceMs = 45_000;
const pauseMs = 50;

/** Asks until the answer satisfies; throws with the last one. A question that fails has no answer yet. */
export async function eventually<T>(what: string, ask: () => Promise<T>, satisfies: (answer: T) => boolean): Promise<T> {
  const end = systemClock.monotonicMs() + patienceMs;
  let last: unknown = 'nothing yet';
  while (systemClock.monotonicMs() < end) {
    const answer = await ask().catch((error: unknown) => {
      last = error;
      return undefined;
    });
    if (answer !== undefined) {
      if (satisfies(answer)) return answer;
      last = answer;
    }
    await systemClock.sleep(pauseMs);
  }
  throw new Error(`${what}: not after ${patienceMs / 1000} s; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`, { cause: last });
}

export interface NetworkLab {
  readonly client: Client;
  readonly transport: Transport;
  readonly connection: ConnectionConfig;
  readonly nodeName: string;
  readonly nodeAddress: string;
  /** Of kube-system/kube-dns. */
  readonly dnsAddress: string;
  close(): Promise<void>;
}

export async function startNetworkLab(): Promise<NetworkLab> {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-network-'));
  const name = `net-${process.pid}`;
  const layout = clusterLayout({ name, stateDir: join(directory, 'state') });
  const command = async (verb: string, ...flags: readonly string[]): Promise<void> => {
    const { code, stderr, stdout } = await run(skiff, [...verb.split(' '), '--name', name, '--state-dir', layout.stateDir, ...flags]);
    if (code !== 0) throw new Error(`skiff ${verb}: ${stderr}${stdout}`);
  };
  const remove = async (): Promise<void> => {
    await command('down', '--purge');
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const archive = join(directory, 'netexec.tar');
    await Promise.all([command('up', '--nodes', '2'), buildNetexecImage().then((image) => writeFile(archive, image))]);
    await command('image load', archive);
    const connection = connectionFrom(parseKubeconfig(await readFile(layout.adminKubeconfig, 'utf8'), layout.adminKubeconfig));
    const transport = createHttpsTransport(connection);
    const client = createClient(transport);
    const [node] = (await client.list(Node)).items;
    const dns = await eventually('the DNS service is there', () => client.get(Service, { namespace: 'kube-system', name: 'kube-dns' }), () => true);
    return {
      client, transport, connection,
      nodeName: node?.metadata.name ?? '',
      nodeAddress: node?.status.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
      dnsAddress: dns.spec.clusterIP ?? '',
      async close() {
        await transport.close();
        await remove();
      },
    };
  } catch (error) {
    await remove().catch(() => undefined);
    throw error;
  }
}

/** A test of one behaviour in a namespace of its own. The lab is asked for when the test runs. */
export function onNetwork(codename: string, lab: () => NetworkLab, check: (space: NetworkSpace) => Promise<void>): void {
  conformance(codename, async () => {
    const space = await new NetworkSpace(lab()).open();
    try {
      await check(space);
    } finally {
      await space.close();
    }
  });
}

let serial = 0;

type Spec = Given<Pod['spec']>;
export interface PodTraits {
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: Spec;
}

/** One namespace: its pods, what they say, and what they find out about each other. */
export class NetworkSpace {
  readonly lab: NetworkLab;
  readonly namespace = `network-${++serial}`;

  constructor(lab: NetworkLab) {
    this.lab = lab;
  }

  async open(): Promise<this> {
    const { client } = this.lab;
    await client.create(Namespace, { metadata: { name: this.namespace } });
    await this.until(ServiceAccount, 'default', () => true);
    return this;
  }

  /** Pods end at once; the rest goes on behind the next test's back. */
  async close(): Promise<void> {
    await this.lab.client.deleteCollection(Pod, { namespace: this.namespace, gracePeriodSeconds: 0 });
    await this.lab.client.delete(Namespace, { name: this.namespace });
  }

  key(name: string): { readonly namespace: string; readonly name: string } {
    return { namespace: this.namespace, name };
  }

  until<T extends KubeObject>(kind: ResourceKind<T>, name: string, condition: (object: T) => boolean): Promise<T> {
    return eventually(`${kind.kind} ${name}`, () => this.lab.client.get(kind, this.key(name)), condition);
  }

  async untilGone(kind: ResourceKind, name: string): Promise<void> {
    await eventually(`${kind.kind} ${name} is gone`, () => this.lab.client.get(kind, this.key(name)).then(() => false, (error: unknown) => error instanceof StatusError && error.code === 404), (isGone) => isGone);
  }

  /** A pod of one container: a server of names when it has a port, else one that waits for commands. Resolves when it is ready. */
  async pod(name: string, { tcp, udp, labels = { name }, spec }: PodTraits & { readonly tcp?: number; readonly udp?: number } = {}): Promise<Pod> {
    await this.lab.client.create(Pod, { metadata: { ...this.key(name), labels }, spec: { ...podSpec([{ name: 'c', ...(tcp !== undefined && { tcp }), ...(udp !== undefined && { udp }) }]), ...spec } });
    return this.until(Pod, name, isReady);
  }

  /** So many pods of a ReplicationController, behind the label `app`; their names as soon as each answers. */
  async replicas(app: string, replicas: number, { tcp = 9376 }: { readonly tcp?: number } = {}): Promise<readonly string[]> {
    const { client } = this.lab;
    await client.create(ReplicationController, { metadata: this.key(app), spec: { replicas, selector: { app }, template: { metadata: { labels: { app } }, spec: podSpec([{ name: 'c', tcp }]) } } });
    return this.answering(`app=${app}`, replicas, tcp);
  }

  /** The names of so many pods as soon as each answers with its own through the API server. */
  async answering(labelSelector: string, count: number, port: number): Promise<readonly string[]> {
    const pods = await eventually(`${count} ready pods ${labelSelector}`, async () => (await this.lab.client.list(Pod, { namespace: this.namespace, labelSelector })).items.filter(isReady), ({ length }) => length === count);
    const names = pods.map(({ metadata }) => metadata.name);
    for (const name of names) await eventually(`${name} answers`, () => this.lab.transport.request({ method: 'GET', path: `/api/v1/namespaces/${this.namespace}/pods/${name}:${port}/proxy/hostname` }), (text) => text === name);
    return names;
  }

  service(name: string, spec: Given<ServiceObject['spec']>): Promise<ServiceObject> {
    return this.lab.client.create(Service, { metadata: this.key(name), spec });
  }

  /** Reads the Service and writes what `change` makes of it. */
  async changeService(name: string, change: (spec: ServiceObject['spec']) => ServiceObject['spec']): Promise<ServiceObject> {
    const service = await this.lab.client.get(Service, this.key(name));
    return this.lab.client.update(Service, { ...service, spec: change(service.spec) });
  }

  /** What a command in a container says; throws when it fails. */
  async exec(pod: string, ...command: readonly string[]): Promise<string> {
    const { server, ca, certificate, key } = this.lab.connection;
    const query = new URLSearchParams([['container', 'c'], ['stdout', '1'], ['stderr', '1'], ...command.map((word): [string, string] => ['command', word])]);
    const socket = new WebSocket(`${server.replace('https', 'wss')}/api/v1/namespaces/${this.namespace}/pods/${pod}/exec?${query.toString()}`, ['v5.channel.k8s.io'], { ca: pemOf(ca), cert: pemOf(certificate), key: pemOf(key) });
    const channels = new Map<number, string>();
    const closed = Promise.withResolvers<void>();
    socket.on('message', (message: Buffer) => channels.set(message[0] ?? 0, (channels.get(message[0] ?? 0) ?? '') + message.subarray(1).toString()));
    socket.on('close', () => closed.resolve());
    socket.on('error', (error) => closed.reject(error));
    await closed.promise;
    const outcome = JSON.parse(channels.get(3) ?? '{}') as { readonly status?: string; readonly message?: string };
    if (outcome.status !== 'Success') throw new Error(`${pod}: ${command.join(' ')}: ${outcome.message ?? 'no outcome'} ${channels.get(2) ?? ''}`);
    return channels.get(1) ?? '';
  }

  /** What so many requests from a pod to `host:port` are answered, each over a connection of its own; empty where none is. */
  async ask(from: string, to: string, { protocol = 'http', what = 'hostname', times = 1 }: { readonly protocol?: 'http' | 'udp'; readonly what?: string; readonly times?: number } = {}): Promise<readonly string[]> {
    const colon = to.lastIndexOf(':');
    return (await this.exec(from, '/netexec', protocol, to.slice(0, colon), to.slice(colon + 1), what, String(times))).split('\n').slice(0, times);
  }

  /** Waits until a pod gets exactly these names from an address; an empty one means that nothing answers. */
  async reaches(from: string, to: string, names: readonly string[], protocol: 'http' | 'udp' = 'http'): Promise<void> {
    const expected = [...names].sort().join();
    await eventually(`${from} reaches ${expected || 'nobody'} at ${to}`, () => this.ask(from, to, { protocol, times: names.length <= 1 ? 2 : 12 * names.length }), (seen) => [...new Set(seen)].sort().join() === expected);
  }

  /** What the cluster's DNS server answers to a pod. `name` is fully qualified. */
  async dig(from: string, name: string, type: RecordType, { protocol = 'udp' }: { readonly protocol?: 'udp' | 'tcp' } = {}): Promise<{ readonly rcode: string; readonly answers: readonly Answer[] }> {
    const query = dnsPacket.encode({ type: 'query', id: 7, flags: dnsPacket.RECURSION_DESIRED, questions: [{ name, type }] });
    const reply = Buffer.from((await this.exec(from, '/netexec', 'raw', protocol, this.lab.dnsAddress, '53', query.toString('hex'))).trim(), 'hex');
    assert.ok(reply.length > 0, `no answer to ${name} ${type} over ${protocol}`);
    // The rcode is the last four bits of the flags; its type lacks it.
    const { answers = [], flags = 0 } = dnsPacket.decode(reply);
    return { rcode: rcodes[flags & 0xf] ?? String(flags & 0xf), answers };
  }

  /** What the C library makes of a name in a pod: the addresses, each once. `RES_OPTIONS` may say `use-vc` for TCP. */
  async resolve(from: string, name: string, options = ''): Promise<readonly string[]> {
    const text = await this.exec(from, 'sh', '-c', `RES_OPTIONS='${options}' getent ahostsv4 '${name}' || true`);
    return [...new Set(text.split('\n').filter((line) => line !== '').map((line) => line.split(/\s/)[0] ?? ''))];
  }
}

const rcodes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

/** The spec of pods that run `netexec`: servers where a port is given. */
export function podSpec(containers: readonly { readonly name: string; readonly tcp?: number; readonly udp?: number }[]): NonNullable<Spec> {
  return {
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    containers: containers.map(({ name, tcp, udp }) => ({
      name, image: netexecImage, imagePullPolicy: 'Never',
      command: tcp === undefined && udp === undefined ? ['/netexec', 'pause'] : ['/netexec', 'serve', String(tcp ?? 0), String(udp ?? 0)],
      ports: [...(tcp === undefined ? [] : [{ containerPort: tcp }]), ...(udp === undefined ? [] : [{ containerPort: udp, protocol: 'UDP' as const }])],
    })),
  };
}

function isReady({ status }: Pod): boolean {
  return status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
}

function pemOf(source: ConnectionConfig['ca']): string {
  assert.ok(source !== undefined && 'pem' in source);
  return source.pem;
}
