import { Readable } from 'node:stream';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Clock } from '#base/clock.ts';
import { SpdyConnection } from '#wire/spdy/connection.ts';
import type { SpdyStream } from '#wire/spdy/connection.ts';
import { UpgradeError, acceptSpdy, listHeader, negotiate } from '#wire/upgrade/upgrade-request.ts';
import type { UpgradeRequest } from '#wire/upgrade/upgrade-request.ts';
import { acceptWebSocket, offeredSubprotocols } from '#wire/upgrade/websocket.ts';
import { ChannelSocket, channels } from './channel-socket.ts';
import { terminalSizes } from './streams.ts';
import type { CommandStatus, RemoteCommandOptions, RemoteCommandStreams } from './streams.ts';

/** SPDY clients have as long as this to open the streams they asked for, and to hang up in the end. */
const patienceMs = { streams: 30_000, hangUp: 10_000 };

/**
 * Accepts a client's exec or attach, over WebSocket (v5, v4, or without a version) or SPDY/3.1 (v4). Throws `UpgradeError`
 * when the request cannot be upgraded; nothing has been answered then.
 */
export function acceptRemoteCommand(
  request: UpgradeRequest,
  options: RemoteCommandOptions,
  { clock }: { readonly clock: Clock },
): Promise<RemoteCommandStreams> {
  return request.upgrade?.protocol === 'websocket' ? acceptChannels(request, options) : acceptStreams(request, options, clock);
}

const webSocketProtocols = [
  'v5.channel.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io', 'channel.k8s.io', 'base64.channel.k8s.io', '',
] as const;

async function acceptChannels(request: UpgradeRequest, options: RemoteCommandOptions): Promise<RemoteCommandStreams> {
  const offered = offeredSubprotocols(request);
  const protocol = negotiate(offered.length === 0 ? [''] : offered, webSocketProtocols);
  const webSocket = await acceptWebSocket(request, protocol);
  const isBase64 = protocol.includes('base64');
  const socket = new ChannelSocket(webSocket, { canHalfClose: protocol.startsWith('v5'), isBase64 });
  const gone = new AbortController();
  let isOver = false;
  webSocket.once('close', () => {
    if (!isOver) gone.abort(new Error('the client has gone away'));
  });
  const stdout = options.stdout ? outputOf(socket, channels.stdout) : undefined;
  const stderr = options.stderr ? outputOf(socket, channels.stderr) : undefined;
  // An empty message on the lowest output tells the client that the connection stands.
  socket.send(options.stdout ? channels.stdout : options.stderr ? channels.stderr : channels.error, new Uint8Array());
  return {
    stdin: options.stdin ? socket.readable(channels.stdin) : undefined,
    stdout,
    stderr,
    resizes: terminalSizes(socket.readable(channels.resize)),
    signal: gone.signal,
    async writeStatus(status) {
      await endAll([stdout, stderr]);
      isOver = true;
      const text = statusText(status, { asJson: protocol.startsWith('v') });
      if (text !== '') await new Promise<void>((resolve) => { socket.send(channels.error, Buffer.from(text), resolve); });
      socket.end();
    },
    close: () => socket.destroy(),
  };
}

/** Outputs are not closed one by one: clients take the close of the socket as their end. */
function outputOf(socket: ChannelSocket, channel: number): Writable {
  const writable = socket.writable(channel);
  writable._final = (callback) => callback();
  return writable;
}

/** Protocols without a version send an error's text, and nothing for success. */
function statusText(status: CommandStatus, { asJson }: { readonly asJson: boolean }): string {
  if (asJson) return JSON.stringify(status);
  return status.status === 'Success' ? '' : (status.message ?? 'failed');
}

async function acceptStreams(request: UpgradeRequest, options: RemoteCommandOptions, clock: Clock): Promise<RemoteCommandStreams> {
  const protocol = negotiate(listHeader(request, 'x-stream-protocol-version'), ['v4.channel.k8s.io']);
  const { socket, head } = acceptSpdy(request, protocol);
  const streams = new Map<string, SpdyStream>();
  const wanted = streamTypes(options);
  const complete = Promise.withResolvers<void>();
  const connection = new SpdyConnection({
    socket, head, role: 'server',
    onStream(stream) {
      const type = stream.headers['streamtype'] ?? '';
      if (!wanted.includes(type) || streams.has(type)) {
        stream.reset();
        return;
      }
      streams.set(type, stream);
      if (streams.size === wanted.length) complete.resolve();
    },
  });
  const tooLate = clock.after(patienceMs.streams, () => connection.destroy());
  await Promise.race([complete.promise, connection.closed]);
  tooLate.cancel();
  if (streams.size < wanted.length) throw new UpgradeError(400, 'the client did not open the streams it asked for');
  return streamsOver(connection, streams, clock);
}

/** What the two sides of a SPDY connection open, in this order. */
export function streamTypes(options: RemoteCommandOptions): string[] {
  return ['error', ...(['stdin', 'stdout', 'stderr'] as const).filter((type) => options[type]), ...(options.tty ? ['resize'] : [])];
}

function streamsOver(connection: SpdyConnection, streams: ReadonlyMap<string, SpdyStream>, clock: Clock): RemoteCommandStreams {
  const gone = new AbortController();
  let isOver = false;
  void connection.closed.then(() => {
    if (!isOver) gone.abort(new Error('the client has gone away'));
  });
  const stdout = streams.get('stdout')?.writable;
  const stderr = streams.get('stderr')?.writable;
  const resize = streams.get('resize')?.readable;
  return {
    stdin: streams.get('stdin')?.readable,
    stdout,
    stderr,
    resizes: terminalSizes(resize ?? Readable.from([])),
    signal: gone.signal,
    async writeStatus(status) {
      await endAll([stdout, stderr]);
      isOver = true;
      streams.get('error')?.writable.end(JSON.stringify(status));
      for (const type of ['stdin', 'resize']) streams.get(type)?.writable.end();
      // The client hangs up: Go's side may lose what it has not read yet when we do.
      const hangUp = clock.after(patienceMs.hangUp, () => connection.destroy());
      await connection.closed;
      hangUp.cancel();
    },
    close: () => connection.destroy(),
  };
}

async function endAll(outputs: readonly (Writable | undefined)[]): Promise<void> {
  await Promise.all(outputs.map(async (output) => {
    if (output === undefined || output.destroyed) return;
    output.end();
    await finished(output).catch(() => {});
  }));
}
