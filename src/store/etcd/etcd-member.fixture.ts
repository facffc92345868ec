/** Debian's etcd as processes of a test or a measurement, on loopback, in directories of their own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';

export interface EtcdClusterOptions {
  readonly members: number;
  /** On a disk that writes through, as in earnest; else in memory where there is some. */
  readonly isDurable?: boolean;
  /** Further flags. */
  readonly flags?: readonly string[];
  /** Clients must come over TLS with a certificate of the authority. Files. */
  readonly tls?: { readonly caFile: string; readonly certificateFile: string; readonly keyFile: string };
}

export interface EtcdCluster {
  readonly endpoints: readonly string[];
  readonly pids: readonly number[];
  /** As a power cut: SIGKILL. */
  kill(member: number): Promise<void>;
  /** Starts a killed member on what it has on disk. */
  start(member: number): Promise<void>;
  /** Ends all members and removes their data. */
  close(): Promise<void>;
}

/** Why tests of etcd are skipped here; false: they are not. */
export const etcdMissing: string | false = (process.env['PATH'] ?? '').split(':').some((directory) => existsSync(join(directory, 'etcd'))) ? false : 'etcd is missing: apt-get install etcd-server';

/** Starts a cluster. Resolves when every member answers. */
export async function startEtcdCluster(options: EtcdClusterOptions): Promise<EtcdCluster> {
  const inMemory = options.isDurable !== true && existsSync('/dev/shm');
  const directory = await mkdtemp(join(inMemory ? '/dev/shm' : tmpdir(), 'skiff-etcd-'));
  const ports = await freePorts(options.members * 2);
  const scheme = options.tls === undefined ? 'http' : 'https';
  const members = Array.from({ length: options.members }, (_, index) => ({
    name: `m${index}`, client: `${scheme}://127.0.0.1:${ports[index * 2]}`, peer: `http://127.0.0.1:${ports[index * 2 + 1]}`,
  }));
  const initialCluster = members.map(({ name, peer }) => `${name}=${peer}`).join(',');
  const processes: (ChildProcess | undefined)[] = [];
  const launch = (index: number): void => {
    const member = members[index];
    if (member === undefined) throw new Error(`there is no member ${index}`);
    const child = spawn('etcd', [
      '--name', member.name, '--data-dir', join(directory, member.name), '--log-level', 'error',
      '--listen-client-urls', member.client, '--advertise-client-urls', member.client, '--listen-peer-urls', member.peer, '--initial-advertise-peer-urls', member.peer,
      '--initial-cluster', initialCluster, '--initial-cluster-token', directory, '--initial-cluster-state', 'new',
      '--heartbeat-interval', '20', '--election-timeout', '200', '--max-txn-ops', '10000', '--backend-batch-interval', '5ms', '--experimental-compaction-batch-limit', '1000',
      ...(options.tls === undefined ? [] : ['--client-cert-auth', '--trusted-ca-file', options.tls.caFile, '--cert-file', options.tls.certificateFile, '--key-file', options.tls.keyFile]),
      ...(options.flags ?? []),
    ], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.resume();
    processes[index] = child;
  };
  const kill = async (index: number): Promise<void> => {
    const child = processes[index];
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  const close = async (): Promise<void> => {
    await Promise.all(members.map((_, index) => kill(index)));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (const index of members.keys()) launch(index);
    await Promise.all(members.map(({ client }) => answers(client, options.tls !== undefined)));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    endpoints: members.map(({ client }) => client),
    get pids() {
      return processes.flatMap((child) => child?.pid ?? []);
    },
    kill,
    async start(index) {
      launch(index);
      await answers(members[index]?.client ?? '', options.tls !== undefined);
    },
    close,
  };
}

const patienceMs = 20_000;

/** Waits until a member takes part: it answers a read that needs the others. */
async function answers(endpoint: string, isSecure: boolean): Promise<void> {
  const address = endpoint.replace(/^https?:\/\//, '');
  if (isSecure) return accepts(Number(address.split(':')[1]));
  const client = new Client(address, credentials.createInsecure(), { 'grpc.initial_reconnect_backoff_ms': 20, 'grpc.max_reconnect_backoff_ms': 50, 'grpc.use_local_subchannel_pool': 1 });
  try {
    await new Promise<void>((resolve, reject) => client.waitForReady(Date.now() + patienceMs, (error) => (error === undefined ? resolve() : reject(error))));
    const until = Date.now() + patienceMs;
    // A Range of the key "a", as bytes.
    while (!(await isAnswered(client, Buffer.from([0x0a, 0x01, 0x61])))) if (Date.now() > until) throw new Error(`etcd on ${endpoint} does not answer`);
  } finally {
    client.close();
  }
}

function isAnswered(client: Client, request: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    client.makeUnaryRequest('/etcdserverpb.KV/Range', (value: Buffer) => value, (bytes: Buffer) => bytes, request, { deadline: Date.now() + 1_000 }, (error) => resolve(error === null));
  });
}

async function accepts(port: number): Promise<void> {
  const { connect } = await import('node:net');
  for (const until = Date.now() + patienceMs; ;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false)).on('close', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isOpen) return;
    if (Date.now() > until) throw new Error(`etcd does not listen on ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(async (server) => {
    server.close();
    await once(server, 'close');
  }));
  return ports;
}
