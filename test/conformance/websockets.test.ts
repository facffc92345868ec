/** Streams to and from containers over WebSockets. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { WebSocket } from 'ws';
import { Pod } from '#api/core/pod.ts';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';
import { Workspace, isReady } from './cluster.ts';
import { conformance } from './conformance.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster({ nodes: 1, behaviour: () => ({ log: ['container is alive'], exec: (command) => ({ stdout: `${command.slice(1).join(' ')}\n` }) }) });
});
after(() => cluster.close());

/** What came on each channel until the other end closed; without channels all is on channel 0. */
async function receive(path: string, protocol: string | undefined): Promise<ReadonlyMap<number, string>> {
  const { url, caPem, clientCertificatePem, clientKeyPem } = await cluster.endpoint();
  const socket = new WebSocket(`${url.replace('https', 'wss')}${path}`, protocol === undefined ? [] : [protocol], { ca: caPem, cert: clientCertificatePem, key: clientKeyPem });
  const channels = new Map<number, string>();
  const closed = Promise.withResolvers<void>();
  socket.on('message', (message: Buffer) => {
    const hasChannels = protocol?.includes('channel') === true;
    const channel = hasChannels ? (message[0] ?? 0) : 0;
    channels.set(channel, (channels.get(channel) ?? '') + message.subarray(hasChannels ? 1 : 0).toString());
  });
  socket.on('close', () => closed.resolve());
  socket.on('error', (error) => closed.reject(error));
  await closed.promise;
  return channels;
}

async function withPod(check: (path: string) => Promise<void>): Promise<void> {
  const w = await new Workspace(cluster).open();
  await w.client.create(Pod, w.pod('p'));
  await w.until(Pod, 'p', isReady);
  await check(`/api/v1/namespaces/${w.namespace}/pods/p`);
  await w.close();
}

describe('conformance: WebSockets', { concurrency: false }, () => {
  conformance('[sig-node] Pods should support remote command execution over websockets [NodeConformance] [Conformance]', () =>
    withPod(async (path) => {
      for (const protocol of ['channel.k8s.io', 'v4.channel.k8s.io', 'v5.channel.k8s.io']) {
        const channels = await receive(`${path}/exec?stdout=1&stderr=1&container=c&command=echo&command=remote+execution+test`, protocol);
        assert.equal(channels.get(1), 'remote execution test\n', protocol);
      }
    }));
  conformance('[sig-node] Pods should support retrieving logs from the container over websockets [NodeConformance] [Conformance]', () =>
    withPod(async (path) => {
      for (const protocol of ['binary.k8s.io', undefined]) assert.equal((await receive(`${path}/log?container=c`, protocol)).get(0), 'container is alive\n');
    }));
});
