import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { SpdyConnection } from '#wire/spdy/connection.ts';
import type { SpdyStream } from '#wire/spdy/connection.ts';
import { dialUpgrade } from '#wire/upgrade/dial-upgrade.ts';
import type { UpgradeTarget } from '#wire/upgrade/dial-upgrade.ts';
import { dialWebSocket } from '#wire/upgrade/websocket.ts';
import { streamTypes } from './accept.ts';
import { ChannelSocket, channels } from './channel-socket.ts';
import { encodeSize, failureStatus, parseStatus } from './streams.ts';
import type { CommandStatus, RemoteCommandOptions, RemoteCommandSession } from './streams.ts';

/** Where to have a command run; the URL holds command and options as the server wants them. */
export type RemoteCommandTarget = Omit<UpgradeTarget, 'method'>;

/** How a command ended whose server hung up without a word. */
const lost = failureStatus('the connection closed before the status of the command came');

/** Exec or attach over SPDY/3.1, as containerd, CRI-O and every kubelet take it. Rejects as `dialUpgrade` does. */
export async function openRemoteCommand(target: RemoteCommandTarget, options: RemoteCommandOptions): Promise<RemoteCommandSession> {
  const { socket, head } = await dialUpgrade({ ...target, method: 'POST' }, {
    'connection': 'Upgrade', 'upgrade': 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io',
  });
  const connection = new SpdyConnection({ socket, head, role: 'client' });
  const streams = new Map<string, SpdyStream>();
  try {
    for (const type of streamTypes(options)) streams.set(type, await connection.open({ streamtype: type }));
  } catch (error) {
    connection.destroy();
    throw error;
  }
  const error = streams.get('error')?.readable;
  const resize = streams.get('resize')?.writable;
  return {
    ...streamsOf((type) => streams.get(type)),
    resize: (size) => { resize?.write(encodeSize(size)); },
    status: error === undefined ? Promise.resolve(lost) : statusFrom(error),
    close: () => connection.destroy(),
  };
}

function streamsOf(get: (type: string) => SpdyStream | undefined): {
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
} {
  return { stdin: get('stdin')?.writable, stdout: get('stdout')?.readable, stderr: get('stderr')?.readable };
}

/** Exec or attach over a WebSocket (v5). Rejects as `dialUpgrade` does. */
export async function openRemoteCommandOverWebSocket(target: RemoteCommandTarget, options: RemoteCommandOptions): Promise<RemoteCommandSession> {
  const socket = new ChannelSocket(await dialWebSocket(target, ['v5.channel.k8s.io']), { canHalfClose: true, isBase64: false });
  const error = socket.readable(channels.error);
  return {
    stdin: options.stdin ? socket.writable(channels.stdin) : undefined,
    stdout: options.stdout ? socket.readable(channels.stdout) : undefined,
    stderr: options.stderr ? socket.readable(channels.stderr) : undefined,
    resize(size) {
      if (options.tty) socket.send(channels.resize, Buffer.from(encodeSize(size)));
    },
    status: statusFrom(error),
    close: () => socket.destroy(),
  };
}

async function statusFrom(error: Readable): Promise<CommandStatus> {
  const received = await text(error).catch(() => '');
  return received === '' ? lost : parseStatus(received);
}
