import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import * as fc from 'fast-check';
import { WebSocket } from 'ws';
import { systemClock } from '#base/clock.ts';
import { loopbackServer } from '#wire/loopback.ts';
import { proxyUpgrade } from '#wire/upgrade/proxy-upgrade.ts';
import { UpgradeError } from '#wire/upgrade/upgrade-request.ts';
import { acceptRemoteCommand } from './accept.ts';
import { openRemoteCommand, openRemoteCommandOverWebSocket } from './open.ts';
import { relayRemoteCommand } from './relay.fixture.ts';
import { encodeSize, exitCodeOf, exitStatus, failureStatus, parseStatus, remoteCommandOptions, terminalSizes } from './streams.ts';
import type { RemoteCommandStreams } from './streams.ts';

type Run = (streams: RemoteCommandStreams, command: string) => Promise<void>;

const protocols = { 'SPDY': openRemoteCommand, 'WebSocket v5': openRemoteCommandOverWebSocket } as const;
const all = { stdin: true, stdout: true, stderr: true, tty: false } as const;

/** A server that runs `run`, directly and behind the two kinds of go-between. */
async function serve(t: TestContext, run: Run): Promise<{ direct: URL; relayed: URL; proxied: URL }> {
  const direct = await loopbackServer(t, async (request, url) => {
    const streams = await acceptRemoteCommand(request, remoteCommandOptions(url.searchParams), { clock: systemClock });
    await run(streams, url.searchParams.get('command') ?? '');
  });
  const relayed = await loopbackServer(t, async (request, url) => {
    const options = remoteCommandOptions(url.searchParams);
    const backend = await openRemoteCommand({ url: new URL(url.pathname + url.search, direct) }, options);
    await relayRemoteCommand(await acceptRemoteCommand(request, options, { clock: systemClock }), backend);
  });
  const proxied = await loopbackServer(t, (request, url) =>
    proxyUpgrade(request, { url: new URL(url.pathname + url.search, direct), method: 'GET' }));
  const path = '/exec?stdin=true&stdout=true&stderr=true';
  return { direct: new URL(path, direct), relayed: new URL(path, relayed), proxied: new URL(path, proxied) };
}

/** Copies stdin to stdout, tells its size on stderr, exits with 3. */
const echo: Run = async ({ stdin, stdout, stderr, writeStatus }) => {
  let size = 0;
  for await (const chunk of stdin ?? []) {
    size += (chunk as Buffer).length;
    if (stdout?.write(chunk) === false) await once(stdout, 'drain');
  }
  stderr?.write(`${size} bytes`);
  await writeStatus(exitStatus(3));
};

for (const [name, open] of Object.entries(protocols)) {
  for (const way of ['direct', 'relayed', 'proxied'] as const) {
    test(`${name}, ${way}: stdin, stdout, stderr, half-close and exit code come through whole`, async (t) => {
      const session = await open({ url: (await serve(t, echo))[way] }, all);
      const input = Buffer.alloc(3_000_000, 'abc');
      Readable.from([input.subarray(0, 5), input.subarray(5, 1_000_000), input.subarray(1_000_000)]).pipe(session.stdin ?? assert.fail());
      const [out, error, status] = await Promise.all([text(session.stdout ?? assert.fail()), text(session.stderr ?? assert.fail()), session.status]);
      assert.equal(out.length, input.length);
      assert.ok(out === input.toString());
      assert.equal(error, '3000000 bytes');
      assert.equal(exitCodeOf(status), 3);
    });
  }

  test(`${name}: a terminal tells its sizes`, async (t) => {
    const url = await loopbackServer(t, async (request) => {
      const { resizes, writeStatus, stdout } = await acceptRemoteCommand(request, { stdin: true, stdout: true, stderr: false, tty: true }, { clock: systemClock });
      for await (const { width, height } of resizes) {
        stdout?.write(`${width}x${height};`);
        if (width === 100) break;
      }
      await writeStatus(exitStatus(0));
    });
    const session = await open({ url: new URL(url) }, { stdin: true, stdout: true, stderr: false, tty: true });
    for (const width of [80, 90, 100]) session.resize({ width, height: 24 });
    assert.equal(await text(session.stdout ?? assert.fail()), '80x24;90x24;100x24;');
    assert.deepEqual(await session.status, { metadata: {}, status: 'Success' });
  });

  test(`${name}: the command is told when the client goes away`, async (t) => {
    const gone = Promise.withResolvers<void>();
    const { relayed } = await serve(t, async ({ signal }) => {
      await once(signal, 'abort');
      gone.resolve();
    });
    const session = await open({ url: relayed }, all);
    session.close();
    await gone.promise;
  });

  test(`${name}: a server that hangs up without a status is a failure`, async (t) => {
    const { direct } = await serve(t, async ({ stdin, close }) => {
      await once(stdin ?? assert.fail(), 'data');
      close();
    });
    const session = await open({ url: direct }, all);
    session.stdin?.write('x');
    assert.match((await session.status).message ?? '', /closed before the status/);
  });

  test(`${name}: a refusal carries the server's status and text`, async (t) => {
    const url = await loopbackServer(t, () => Promise.reject(new UpgradeError(404, 'no such container')));
    await assert.rejects(open({ url: new URL(url) }, all), { status: 404, message: 'no such container' });
    const proxied = await loopbackServer(t, (request) => proxyUpgrade(request, { url: new URL(url), method: 'GET' }));
    await assert.rejects(open({ url: new URL(proxied) }, all), { status: 404, message: 'no such container' });
  });
}

test('older WebSocket protocols: base64 messages, plain text errors', async (t) => {
  const { direct } = await serve(t, async ({ stdout, writeStatus }) => {
    stdout?.write('hello');
    await writeStatus(failureStatus('it broke'));
  });
  const messages = async (protocol: string | undefined): Promise<string[]> => {
    const socket = new WebSocket(direct, protocol);
    const list: string[] = [];
    socket.on('message', (data) => list.push((data as Buffer).toString('latin1')));
    await once(socket, 'close');
    return list;
  };
  assert.deepEqual(await messages(undefined), ['\u0001', '\u0001hello', '\u0003it broke']);
  assert.deepEqual(await messages('base64.channel.k8s.io'), ['1', '1aGVsbG8=', `3${btoa('it broke')}`]);
  assert.match((await messages('v4.channel.k8s.io')).at(-1) ?? '', /^.{"metadata":.*"status":"Failure"/s);
});

test('a protocol nobody knows is refused before anything is accepted', async (t) => {
  const { direct } = await serve(t, echo);
  const socket = new WebSocket(direct, 'v9.channel.k8s.io');
  const [, response] = await once(socket, 'unexpected-response') as [unknown, { statusCode: number }];
  assert.equal(response.statusCode, 403);
  socket.on('error', () => {});
  socket.terminate();
});

test('terminal sizes are read however their text was cut', async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.record({ width: fc.nat(500), height: fc.nat(500) }, { noNullPrototype: true }), { maxLength: 10 }),
    fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
    async (sizes, cuts) => {
      const wire = sizes.map(encodeSize).join('');
      const chunks: Buffer[] = [];
      for (let at = 0, turn = 0; at < wire.length; turn++) {
        const size = cuts[turn % cuts.length] ?? 1;
        chunks.push(Buffer.from(wire.slice(at, at + size)));
        at += size;
      }
      const read = [];
      for await (const size of terminalSizes(Readable.from(chunks))) read.push(size);
      assert.deepEqual(read, sizes);
    },
  ));
});

test('the query says what to connect, in the words of API server and kubelet', () => {
  const options = (query: string) => remoteCommandOptions(new URLSearchParams(query));
  assert.deepEqual(options('stdin=true&stdout=true&stderr=true&command=sh'), all);
  assert.deepEqual(options('input=1&output=1&tty=1&error=1'), { stdin: true, stdout: true, stderr: false, tty: true });
  assert.throws(() => options('stdin=false'), { status: 400, message: 'you must specify at least 1 of stdin, stdout, stderr' });
});

test('statuses tell the exit code, and plain text is a failure', () => {
  assert.equal(exitCodeOf(exitStatus(0)), 0);
  assert.equal(exitCodeOf(parseStatus(JSON.stringify(exitStatus(137)))), 137);
  assert.equal(exitCodeOf(parseStatus('OCI runtime exec failed')), undefined);
  assert.equal(parseStatus('OCI runtime exec failed').message, 'OCI runtime exec failed');
});
