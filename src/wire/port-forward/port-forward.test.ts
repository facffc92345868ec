import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { loopbackServer } from '#wire/loopback.ts';
import { acceptPortForward } from './accept.ts';
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
