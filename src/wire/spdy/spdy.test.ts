import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createDeflate, constants } from 'node:zlib';
import type { Deflate } from 'node:zlib';
import * as fc from 'fast-check';
import { SpdyConnection } from './connection.ts';
import type { SpdyStream } from './connection.ts';
import { FrameDecoder, encodeDataHead, encodeGoaway, encodePing, encodeReset, encodeSynReply, encodeSynStream } from './frames.ts';
import type { Frame } from './frames.ts';
import { HeaderReader, HeaderWriter, dictionary, headersOf, plainBlock } from './header-block.ts';

/** Frames with the pieces of DATA joined again, so that it does not matter where they were cut. */
function joined(frames: readonly Frame[]): Frame[] {
  const list: Frame[] = [];
  for (const frame of frames) {
    const last = list.at(-1);
    const isMore = last?.type === 'data' && frame.type === 'data' && last.streamId === frame.streamId && !last.isLast;
    if (isMore) list[list.length - 1] = { ...frame, bytes: Buffer.concat([last.bytes, frame.bytes]) };
    else list.push(frame);
  }
  return list;
}

const streamId = fc.integer({ min: 1, max: 0x7fff_ffff });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const encodedFrame = fc.oneof(
  fc.record({ streamId, headerBlock: bytes }).map((frame) => ({ frame: { type: 'syn-stream', isLast: false, ...frame }, encoded: encodeSynStream(frame.streamId, frame.headerBlock) })),
  fc.record({ streamId, headerBlock: bytes }).map((frame) => ({ frame: { type: 'syn-reply', isLast: false, ...frame }, encoded: encodeSynReply(frame.streamId, frame.headerBlock) })),
  fc.record({ streamId, status: streamId }).map((frame) => ({ frame: { type: 'rst-stream', ...frame }, encoded: encodeReset(frame.streamId, frame.status) })),
  fc.record({ id: streamId }).map((frame) => ({ frame: { type: 'ping', ...frame }, encoded: encodePing(frame.id) })),
  fc.record({ lastStreamId: streamId }).map((frame) => ({ frame: { type: 'goaway', ...frame }, encoded: encodeGoaway(frame.lastStreamId) })),
  fc.record({ streamId, bytes }).map((frame) => ({ frame: { type: 'data', isLast: true, ...frame }, encoded: Buffer.concat([encodeDataHead(frame.streamId, frame.bytes.length, { isLast: true }), frame.bytes]) })),
);

test('frames come out as they went in, however the bytes were cut on the way', () => {
  fc.assert(fc.property(fc.array(encodedFrame, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (list, cuts) => {
    const wire = Buffer.concat(list.map(({ encoded }) => encoded));
    const decoder = new FrameDecoder();
    const frames: Frame[] = [];
    for (let at = 0, turn = 0; at < wire.length; turn++) {
      const size = cuts[turn % cuts.length] ?? 1;
      frames.push(...decoder.push(wire.subarray(at, at + size)));
      at += size;
    }
    assert.deepEqual(joined(frames), list.map(({ frame }) => frame));
  }));
});

test('what is no SPDY is an error, and so is a control frame without end', () => {
  assert.throws(() => [...new FrameDecoder().push(Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0]))], /not a SPDY/);
  assert.throws(() => [...new FrameDecoder().push(Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]))], /too long/);
  assert.throws(() => [...new FrameDecoder().push(Buffer.from([0x80, 3, 0, 3, 0, 0, 0, 4, 0, 0, 0, 1]))], /too short/);
});

const headers = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/), fc.string({ unit: 'binary', maxLength: 50 }), { maxKeys: 8 });

test('header blocks survive their compression, in the order they came', async () => {
  await fc.assert(fc.asyncProperty(fc.array(headers, { maxLength: 5 }), async (blocks) => {
    const writer = new HeaderWriter();
    const reader = new HeaderReader();
    for (const block of blocks) assert.deepEqual({ ...await reader.decode(writer.encode(block)) }, { ...block });
    reader.close();
  }), { numRuns: 50 });
});

test('blocks compressed with the dictionary, as Go writes them, are read', async () => {
  const deflate = createDeflate({ dictionary: Buffer.from(dictionary(), 'latin1'), level: 9 });
  const reader = new HeaderReader();
  for (const block of [{ streamtype: 'stdin' }, { streamtype: 'stdout', port: '80' }, { 'x-stream-protocol-version': 'v4.channel.k8s.io' }]) {
    deflate.write(plainBlock(block));
    await new Promise<void>((resolve) => { deflate.flush(constants.Z_SYNC_FLUSH, resolve); });
    assert.deepEqual({ ...await reader.decode(outputOf(deflate)) }, block);
  }
  reader.close();
});

/** All that is there to read; one `read` may return less. */
function outputOf(stream: Deflate): Buffer {
  const parts: Buffer[] = [];
  for (let part: unknown = stream.read(); part instanceof Buffer; part = stream.read()) parts.push(part);
  return Buffer.concat(parts);
}

test('a header block that lies about its lengths or inflates without end is an error', async () => {
  assert.throws(() => headersOf(Buffer.from([0, 0, 0, 1, 0, 0, 0, 9, 1])), /ends early/);
  assert.throws(() => headersOf(Buffer.from([0xff, 0xff, 0xff, 0xff])), /ends early/);
  const bomb = createDeflate();
  bomb.write(Buffer.alloc(1 << 20));
  await new Promise<void>((resolve) => { bomb.flush(constants.Z_SYNC_FLUSH, resolve); });
  await assert.rejects(new HeaderReader().decode(outputOf(bomb)), /cannot be decompressed/);
  await assert.rejects(new HeaderReader().decode(Buffer.from('no zlib at all')), /cannot be decompressed/);
});

/** Two connections over one TCP connection. */
async function pair(t: TestContext, onStream?: (stream: SpdyStream) => void): Promise<{ client: SpdyConnection; server: SpdyConnection }> {
  const listener = createServer({ allowHalfOpen: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const clientSocket = connect({ port: (listener.address() as AddressInfo).port, host: '127.0.0.1' });
  const [serverSocket] = await once(listener, 'connection') as [Socket];
  listener.close();
  const server = new SpdyConnection({ socket: serverSocket, role: 'server', ...(onStream === undefined ? {} : { onStream }) });
  const client = new SpdyConnection({ socket: clientSocket, role: 'client' });
  t.after(() => {
    client.destroy();
    server.destroy();
  });
  return { client, server };
}

test('a stream carries bytes both ways, and each way closes by itself', async (t) => {
  const { client } = await pair(t, ({ readable, writable, headers: received }) => {
    void text(readable).then((all) => writable.end(`${received['streamtype'] ?? ''}: ${all.length}`));
  });
  const stream = await client.open({ streamtype: 'stdin' });
  for (let index = 0; index < 40; index++) stream.writable.write(Buffer.alloc(10_000, 'x'));
  stream.writable.end();
  assert.equal(await text(stream.readable), 'stdin: 400000');
});

test('a thousand streams share a connection', async (t) => {
  const { client } = await pair(t, ({ readable, writable }) => readable.pipe(writable));
  const answers = await Promise.all(Array.from({ length: 1000 }, async (_, index) => {
    const { readable, writable } = await client.open({ requestid: String(index) });
    writable.end(`hello ${index}`);
    return text(readable);
  }));
  assert.deepEqual(answers, Array.from({ length: 1000 }, (_, index) => `hello ${index}`));
});

test('a slow reader holds up the writer, and loses nothing', async (t) => {
  const opened = Promise.withResolvers<SpdyStream>();
  const { client } = await pair(t, opened.resolve);
  const { writable } = await client.open({});
  const received = await opened.promise;
  const total = 32 << 20;
  let sent = 0;
  while (sent < total && writable.write(Buffer.alloc(64 * 1024, 'y'))) sent += 64 * 1024;
  assert.ok(sent < total, 'the writer is told to wait');
  const writing = (async () => {
    while (sent < total) {
      if (!writable.write(Buffer.alloc(64 * 1024, 'y'))) await once(writable, 'drain');
      sent += 64 * 1024;
    }
    writable.end();
  })();
  let got = 0;
  for await (const chunk of received.readable) got += (chunk as Buffer).length;
  await writing;
  assert.ok(got >= total);
});

test('what was sent before a reset is still read', async (t) => {
  const { client } = await pair(t, ({ writable, reset }) => {
    writable.write('last words');
    setImmediate(reset);
  });
  const { readable } = await client.open({});
  assert.equal(await text(readable), 'last words');
});

test('streams are refused where nobody takes them, and end when the connection breaks', async (t) => {
  const { client, server } = await pair(t);
  await assert.rejects(client.open({}), /refused/);
  const other = await pair(t, () => {});
  const { readable } = await other.client.open({});
  other.server.destroy();
  assert.equal(await text(readable), '');
  await other.client.closed;
  await assert.rejects(other.client.open({}), /closing/);
  server.end();
  await client.closed;
});

test('what came before the other side hung up is still read', async () => {
  const socket = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
  const client = new SpdyConnection({ socket, role: 'client' });
  const opening = client.open({ streamtype: 'error' });
  socket.push(Buffer.concat([encodeSynReply(1, new HeaderWriter().encode({ a: 'b' })), encodeDataHead(1, 5, { isLast: false }), Buffer.from('hello'), encodeReset(1, 5)]));
  // Reading headers takes a turn of the event loop or more: by then the socket is long closed.
  socket.push(null);
  socket.end();
  await once(socket, 'close');
  const { readable } = await opening;
  assert.equal(await text(readable), 'hello');
  await client.closed;
});
