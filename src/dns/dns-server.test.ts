import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import type { Answer, DecodedPacket, Packet } from 'dns-packet';
import { SimulatedClock, systemClock } from '#base/clock.ts';
import type { Clock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import { Namespace } from '#api/core/namespace.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { Client } from '#client/client.ts';
import { createClient } from '#client/create-client.ts';
import { MemoryTransport } from '#client/memory-transport.ts';
import { createEventRecorder } from '#client/recorder.ts';
import { createSharedInformers } from '#client/shared-informers.ts';
import { allowedClients } from './allowed-clients.ts';
import { endpointOf, serviceOf, sliceOf } from './dns.fixture.ts';
import { createDnsServer } from './dns-server.ts';
import type { DnsServerOptions, RunningDnsServer } from './dns-server.ts';

interface Lab {
  readonly client: Client;
  readonly server: RunningDnsServer;
  readonly port: number;
}

const loopback = '127.0.0.1';

async function withDns(options: Partial<DnsServerOptions> & { readonly clock?: Clock }, run: (lab: Lab) => Promise<void>): Promise<void> {
  const { clock = systemClock, ...rest } = options;
  const client = createClient(new MemoryTransport());
  const shared = { client, clock, random: seededRandom(1), log: silentLog };
  const informers = createSharedInformers(shared);
  await client.create(Namespace, { metadata: { name: 'default' } });
  await client.create(Service, serviceOf('default', 'hello', { clusterIP: '10.96.0.5' }));
  await client.create(Service, serviceOf('default', 'web', { clusterIP: 'None' }));
  await client.create(Service, serviceOf('default', 'outside', { type: 'ExternalName', externalName: 'example.com' }));
  await client.create(EndpointSlice, sliceOf('default', 'web', Array.from({ length: 100 }, (_, index) => endpointOf(`10.244.0.${index}`))));
  const server = createDnsServer({ ...shared, informers, recorderFor: (component: string) => createEventRecorder(shared, component) }, { listen: { host: loopback, port: 0 }, upstreams: [], ...rest });
  try {
    await server.ready;
    await run({ client, server, port: server.port ?? 0 });
  } finally {
    await server.close();
    await informers.close();
  }
}

const questionOf = (name: string, type: 'A' | 'AAAA' | 'SRV' = 'A', more: Packet = {}): Buffer =>
  dnsPacket.encode({ type: 'query', id: 1, flags: dnsPacket.RECURSION_DESIRED, questions: [{ name, type }], ...more });

/** One question over UDP. */
async function ask(port: number, name: string, type?: 'A' | 'AAAA' | 'SRV', more?: Packet, host = loopback): Promise<DecodedPacket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    const answered = once(socket, 'message');
    socket.send(questionOf(name, type, more), port, host);
    const [reply] = (await answered) as [Buffer];
    return dnsPacket.decode(reply);
  } finally {
    socket.close();
  }
}

/** Several questions on one connection, which is closed for writing after them. */
async function askTcp(port: number, packets: readonly Buffer[], host = loopback): Promise<readonly DecodedPacket[]> {
  const socket = connect(port, host);
  for (const packet of packets) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(packet.length);
    socket.write(length);
    socket.write(packet);
  }
  socket.end();
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) bytes = Buffer.concat([bytes, chunk]);
  const replies: DecodedPacket[] = [];
  while (bytes.length > 2) {
    const end = 2 + bytes.readUInt16BE(0);
    replies.push(dnsPacket.decode(bytes.subarray(2, end)));
    bytes = bytes.subarray(end);
  }
  return replies;
}

const rcodeOf = ({ flags = 0 }: DecodedPacket): number => flags & 0xf;
const addressesIn = ({ answers = [] }: DecodedPacket): readonly unknown[] => answers.map((answer) => ('data' in answer ? answer.data : undefined));

interface FakeUpstream {
  readonly address: { readonly host: string; readonly port: number };
  /** Names it was asked, but for probes. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** A name server that answers as it is told; undefined for silence. Over TCP the same, without truncation. */
async function startUpstream(answer: (name: string, protocol: 'udp' | 'tcp') => Packet | undefined): Promise<FakeUpstream> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  const reply = (bytes: Buffer, protocol: 'udp' | 'tcp'): Buffer | undefined => {
    const packet = dnsPacket.decode(bytes);
    const [question] = packet.questions ?? [];
    if (question === undefined || question.name.endsWith('.skiff-loop')) return undefined;
    asked.push(`${question.name} ${protocol}`);
    const said = answer(question.name.toLowerCase(), protocol);
    return said === undefined ? undefined : dnsPacket.encode({ type: 'response', id: packet.id, questions: [question], ...said });
  };
  socket.on('message', (bytes, peer) => {
    const bytesBack = reply(bytes, 'udp');
    if (bytesBack !== undefined) socket.send(bytesBack, peer.port, peer.address);
  });
  socket.bind(0, loopback);
  await once(socket, 'listening');
  const { port } = socket.address();
  const tcp: Server = createServer((connection) => {
    connection.on('data', (bytes) => {
      const back = reply(Buffer.from(bytes).subarray(2), 'tcp');
      const length = Buffer.alloc(2);
      length.writeUInt16BE(back?.length ?? 0);
      connection.end(Buffer.concat([length, back ?? Buffer.alloc(0)]));
    });
  });
  tcp.listen(port, loopback);
  await once(tcp, 'listening');
  return {
    address: { host: loopback, port }, asked,
    async close() {
      socket.close();
      tcp.close();
      await once(tcp, 'close');
    },
  };
}

const found = (name: string, ttl = 60): Packet => ({ answers: [{ type: 'A', name, ttl, data: '192.0.2.1' }] });

test('services are answered over UDP and TCP, as they change', () => withDns({}, async ({ client, port }) => {
  assert.deepEqual(addressesIn(await ask(port, 'hello.default.svc.cluster.local')), ['10.96.0.5']);
  assert.equal(rcodeOf(await ask(port, 'gone.default.svc.cluster.local')), 3);
  await client.create(Service, serviceOf('default', 'gone', { clusterIP: '10.96.0.6' }));
  let reply = await ask(port, 'gone.default.svc.cluster.local');
  while (rcodeOf(reply) === 3) reply = await ask(port, 'gone.default.svc.cluster.local');
  assert.deepEqual(addressesIn(reply), ['10.96.0.6']);
  const replies = await askTcp(port, [questionOf('hello.default.svc.cluster.local'), questionOf('hello.default.svc.cluster.local', 'AAAA'), questionOf('gone.default.svc.cluster.local')]);
  assert.deepEqual(replies.map((each) => [rcodeOf(each), ...addressesIn(each)]), [[0, '10.96.0.5'], [0], [0, '10.96.0.6']]);
}));

test('many endpoints are cut short over UDP and whole over TCP, each time from another one on', () => withDns({}, async ({ port }) => {
  const short = await ask(port, 'web.default.svc.cluster.local');
  assert.equal(short.flag_tc, true);
  const [one, two] = await askTcp(port, [questionOf('web.default.svc.cluster.local'), questionOf('web.default.svc.cluster.local')]);
  assert.ok(one !== undefined && two !== undefined);
  assert.deepEqual([one.flag_tc, one.answers?.length, two.answers?.length], [false, 100, 100]);
  assert.notDeepEqual(addressesIn(one), addressesIn(two));
}));

test('what is no question is not answered, and does no harm', () => withDns({}, async ({ port }) => {
  const socket = createSocket('udp4');
  for (const length of [0, 1, 11, 12, 40]) socket.send(Buffer.alloc(length, 0xff), port, loopback);
  assert.deepEqual(await askTcp(port, [Buffer.alloc(5)]), []);
  assert.deepEqual((await askTcp(port, [Buffer.from('GET / HTTP/1.1\r\n\r\n')])).map(rcodeOf), [4]);
  assert.equal(rcodeOf(await ask(port, 'hello.default.svc.cluster.local')), 0);
  socket.close();
}));

test('other names are asked of the node\'s resolvers, once while the answer holds', async () => {
  const upstream = await startUpstream((name) => (name === 'example.com' ? found(name) : { flags: 3 }));
  await withDns({ upstreams: [upstream.address] }, async ({ port, server }) => {
    assert.deepEqual(addressesIn(await ask(port, 'example.com')), ['192.0.2.1']);
    const again = await ask(port, 'EXAMPLE.com', 'A', { id: 77 });
    assert.deepEqual([again.id, again.questions?.[0]?.name, ...addressesIn(again)], [77, 'EXAMPLE.com', '192.0.2.1']);
    assert.equal(rcodeOf(await ask(port, 'gone.example.com')), 3);
    assert.equal(rcodeOf(await ask(port, 'gone.example.com')), 3);
    assert.deepEqual(upstream.asked, ['example.com udp', 'gone.example.com udp']);
    const outside = await ask(port, 'outside.default.svc.cluster.local');
    assert.deepEqual(addressesIn(outside), ['example.com', '192.0.2.1']);
    assert.match(await server.metrics.registry.metrics(), /coredns_cache_hits_total\{[^}]*type="denial"[^}]*\} 1/);
  });
  await upstream.close();
});

test('an answer that was cut short is fetched over TCP', async () => {
  const answers = (name: string): Answer[] => Array.from({ length: 60 }, (_, index) => ({ type: 'A', name, ttl: 60, data: `192.0.2.${index}` }));
  const upstream = await startUpstream((name, protocol) => (protocol === 'udp' ? { flags: dnsPacket.TRUNCATED_RESPONSE } : { answers: answers(name) }));
  await withDns({ upstreams: [upstream.address] }, async ({ port }) => {
    const short = await ask(port, 'long.example.com');
    assert.deepEqual([short.flag_tc, short.answers?.length], [true, 0]);
    const [whole] = await askTcp(port, [questionOf('long.example.com')]);
    assert.deepEqual([whole?.flag_tc, whole?.answers?.length], [false, 60]);
    assert.deepEqual(upstream.asked, ['long.example.com udp', 'long.example.com tcp']);
  });
  await upstream.close();
});

test('without resolvers, or with none that listens, failure is told at once', async () => {
  await withDns({}, async ({ port }) => assert.equal(rcodeOf(await ask(port, 'example.com')), 2));
  const upstream = await startUpstream(() => undefined);
  await upstream.close();
  // The clock stands still: nobody waits for a time-out.
  await withDns({ upstreams: [upstream.address], clock: new SimulatedClock() }, async ({ port }) => {
    assert.equal(rcodeOf(await ask(port, 'example.com')), 2);
    const alias = await ask(port, 'outside.default.svc.cluster.local');
    assert.deepEqual([rcodeOf(alias), ...addressesIn(alias)], [0, 'example.com']);
  });
});

test('a silent resolver is given up, the next one asked, and the silent one left alone for a while', async () => {
  const clock = new SimulatedClock();
  const silent = await startUpstream(() => undefined);
  const good = await startUpstream((name) => found(name));
  await withDns({ upstreams: [silent.address, good.address], clock }, async ({ port }) => {
    const asking = ask(port, 'a.example.com');
    await until(() => silent.asked.length === 1);
    await clock.advance(2000);
    assert.deepEqual(addressesIn(await asking), ['192.0.2.1']);
    assert.deepEqual(addressesIn(await ask(port, 'b.example.com')), ['192.0.2.1']);
    assert.deepEqual([silent.asked.length, good.asked], [1, ['a.example.com udp', 'b.example.com udp']]);
  });
  await Promise.all([silent.close(), good.close()]);
});

test('when all are silent only one question in a while waits for them', async () => {
  const clock = new SimulatedClock();
  const silent = await startUpstream(() => undefined);
  await withDns({ upstreams: [silent.address], clock }, async ({ port }) => {
    const asking = ask(port, 'a.example.com');
    for (const attempt of [1, 2]) {
      await until(() => silent.asked.length === attempt);
      await clock.advance(2000);
    }
    assert.equal(rcodeOf(await asking), 2);
    assert.equal(rcodeOf(await ask(port, 'b.example.com')), 2);
    assert.equal(silent.asked.length, 2);
  });
  await silent.close();
});

test('a resolver that asks us is found out and not asked again', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, loopback);
  await once(socket, 'listening');
  let ourPort = 0;
  let passedOn = 0;
  const clients = new Map<number, { readonly port: number; readonly address: string }>();
  socket.on('message', (bytes, peer) => {
    // A stub that hands everything to us, and hands back what we say.
    if (peer.port === ourPort) {
      const client = clients.get(bytes.readUInt16BE(0));
      if (client !== undefined) socket.send(bytes, client.port, client.address);
      return;
    }
    passedOn++;
    clients.set(bytes.readUInt16BE(0), peer);
    socket.send(bytes, ourPort, loopback);
  });
  const clock = new SimulatedClock();
  await withDns({ upstreams: [{ host: loopback, port: socket.address().port }], clock }, async ({ port }) => {
    ourPort = port;
    const asking = ask(port, 'example.com');
    await until(() => passedOn >= 2);
    const outcome = { isKnown: false };
    asking.then(() => { outcome.isKnown = true; }, () => undefined);
    while (!outcome.isKnown) await clock.advance(500);
    assert.equal(rcodeOf(await asking), 2);
    const before = passedOn;
    assert.equal(rcodeOf(await ask(port, 'other.example.com')), 2);
    assert.equal(passedOn, before, 'it is no longer asked');
    assert.ok(before <= 4, `${before} packets went round`);
  });
  socket.close();
});

test('the list of resolvers is read anew when it changes, without ourselves in it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-dns-'));
  const resolvConf = join(directory, 'resolv.conf');
  await writeFile(resolvConf, '# none yet\nnameserver 10.96.0.10\n');
  const { resolverFile, upstreamsOf } = await import('./resolv-conf.ts');
  const file = resolverFile(resolvConf);
  assert.deepEqual(upstreamsOf((await file.read()) ?? [], [{ host: '10.96.0.10', port: 53 }]), []);
  assert.equal(await file.read(), undefined);
  await writeFile(resolvConf, 'search x\nnameserver 192.0.2.53 # ours\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\n');
  assert.deepEqual(upstreamsOf((await file.read()) ?? [], []), [{ host: '192.0.2.53', port: 53 }, { host: 'fe80::1%eth0', port: 53 }]);
  assert.deepEqual(upstreamsOf(['127.0.0.1', '127.0.0.53'], [{ host: '0.0.0.0', port: 53 }]), []);
  assert.deepEqual(upstreamsOf(['127.0.0.53'], [{ host: '0.0.0.0', port: 10_053 }]), [{ host: '127.0.0.53', port: 53 }]);
  await rm(directory, { recursive: true });
});

test('strangers are refused; the machine itself and the ranges that are named are not', async () => {
  await withDns({ clients: ['10.244.0.0/16'] }, async ({ port }) => assert.equal(rcodeOf(await ask(port, 'hello.default.svc.cluster.local')), 0));
  const clock = new SimulatedClock();
  const mayAsk = allowedClients(['10.244.0.0/16', 'fd00:10:244::/56'], clock);
  assert.deepEqual(['10.244.3.4', 'fd00:10:244::9', '127.0.0.1', '::ffff:127.0.0.1', '::ffff:10.244.3.4', '10.245.0.1', '::ffff:203.0.113.9', '203.0.113.9', '2001:db8::1'].map(mayAsk), [true, true, true, true, true, false, false, false, false]);
  await clock.advance(10_000);
  assert.equal(mayAsk('203.0.113.9'), false);
});

test('a server of both families answers the node and pods of either', () => withDns({ listen: { host: '::', port: 0 }, clients: ['10.244.0.0/16'] }, async ({ client, port }) => {
  await client.create(Service, serviceOf('default', 'dual', { clusterIP: 'fd00:10:96::7', clusterIPs: ['fd00:10:96::7', '10.96.0.7'] }));
  for (const host of [loopback, '::1']) {
    const name = 'dual.default.svc.cluster.local';
    assert.deepEqual(addressesIn(await ask(port, name, 'AAAA', {}, host)), ['fd00:10:96::7'], host);
    const replies = await askTcp(port, [questionOf(name), questionOf(name, 'AAAA')], host);
    assert.deepEqual(replies.map(addressesIn), [['10.96.0.7'], ['fd00:10:96::7']], host);
  }
}));

const outer = Object.values(networkInterfaces()).flatMap((each) => each ?? []).find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

test('who asks one of many addresses is answered from that one', { skip: outer === undefined && 'needs an address besides the loopback one' }, () => withDns({ listen: { host: '0.0.0.0', port: 0 } }, async ({ port }) => {
  const socket = createSocket('udp4');
  // From the loopback address to another: the way back suggests the loopback address as the sender.
  socket.bind(0, loopback);
  await once(socket, 'listening');
  socket.connect(port, outer);
  await once(socket, 'connect');
  const answered = once(socket, 'message');
  socket.send(questionOf('hello.default.svc.cluster.local'));
  const [reply] = (await answered) as [Buffer];
  assert.deepEqual(addressesIn(dnsPacket.decode(reply)), ['10.96.0.5']);
  socket.close();
}));

test('two servers do not share a port, and say so', () => withDns({}, async ({ port }) => {
  await assert.rejects(withDns({ listen: { host: loopback, port } }, async () => undefined), { code: 'EADDRINUSE' });
}));

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => { setImmediate(resolve); });
}
