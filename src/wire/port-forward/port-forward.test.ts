import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { systemClock } from '#base/clock.ts';
import { loopbackServer } from '#wire/loopback.ts';
import { acceptPortForward } from './accept.ts';
import { portsIn } from './accept-channels.ts';
import type { ForwardedConnection } from './accept.ts';
import { openPortForward } from './open.ts';
import { tunnelPortForward } from './tunnel.ts';

/** Port 80 answers what it is asked; port 81 is closed. */
function onConnection({ port, readable, writable, finish }: ForwardedConnection): void {
  if (port !== 80) {
    finish(`dial tcp 127.0.0.1:${port}: connect: connection refused`);
    return;
  }
  void text(readable).then((question) => {
    writable.write(`you said ${question}`);
    finish();
  });
}

test('connections go through side by side, directly and through a tunnel', async (t) => {
  const direct = await loopbackServer(t, (request) => acceptPortForward(request, { clock: systemClock, onConnection }));
  const tunnelled = await loopbackServer(t, (request) => tunnelPortForward(request, { url: new URL(direct) }));
  for (const url of [direct, tunnelled]) {
    const session = await openPortForward({ url: new URL(url) });
    const answers = await Promise.all(Array.from({ length: 50 }, async (_, index) => {
      const connection = await session.connect(80);
      connection.writable.end(`hello ${index}`);
      return text(connection.readable);
    }));
    assert.deepEqual(answers, Array.from({ length: 50 }, (_, index) => `you said hello ${index}`));
    session.close();
    await session.closed;
  }
});

test('a connection that fails says why, and the others go on', async (t) => {
  const url = await loopbackServer(t, (request) => acceptPortForward(request, { clock: systemClock, onConnection }));
  const session = await openPortForward({ url: new URL(url) });
  const failed = await session.connect(81);
  assert.equal(await failed.failure, 'dial tcp 127.0.0.1:81: connect: connection refused');
  assert.equal(await text(failed.readable), '');
  const good = await session.connect(80);
  good.writable.end('hi');
  assert.equal(await text(good.readable), 'you said hi');
  assert.equal(await good.failure, '');
  session.close();
});

test('channels of a WebSocket begin with their port, and carry data and failures', async (t) => {
  const url = await loopbackServer(t, (request) => acceptPortForward(request, { clock: systemClock, ports: portsIn(new URLSearchParams('ports=82,81')), onConnection: echoing }));
  const socket = new WebSocket(url.replace('http', 'ws'), ['v4.channel.k8s.io']);
  const received = new Map<number, Buffer[]>();
  socket.on('message', (data: Buffer) => received.set(data[0] ?? 0, [...(received.get(data[0] ?? 0) ?? []), data.subarray(1)]));
  await once(socket, 'open');
  socket.send(Buffer.concat([Buffer.of(0), Buffer.from('hello')]));
  while (Buffer.concat(received.get(0) ?? []).length < 7 || Buffer.concat(received.get(3) ?? []).length < 3) await once(socket, 'message');
  assert.deepEqual((received.get(0) ?? [])[0], Buffer.of(82, 0));
  assert.equal(Buffer.concat((received.get(0) ?? []).slice(1)).toString(), 'hello');
  assert.equal(Buffer.concat((received.get(3) ?? []).slice(1)).toString(), 'dial tcp 127.0.0.1:81: connect: connection refused');
  socket.close();
  await once(socket, 'close');
});

test('a port-forward over channels without a port is refused', async (t) => {
  const url = await loopbackServer(t, (request) => acceptPortForward(request, { clock: systemClock, onConnection }));
  const socket = new WebSocket(url.replace('http', 'ws'), ['v4.channel.k8s.io']);
  const [error] = (await once(socket, 'error')) as [Error];
  assert.match(error.message, /400/);
  assert.throws(() => portsIn(new URLSearchParams('ports=http')), /unable to parse "http" as a port/);
});

/** Port 82 sends back what it gets. */
function echoing(connection: ForwardedConnection): void {
  if (connection.port === 82) connection.readable.pipe(connection.writable);
  else onConnection(connection);
}
