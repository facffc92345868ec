import { WebSocket } from 'ws';
import type { RawData } from 'ws';
import { CriError } from './cri.ts';
import type { ByteDuplex, CallOptions, ContainerStreams } from './cri.ts';

/** Channel numbers of `v4.channel.k8s.io`: the first byte of each message. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

/**
 * Carries the streams of an exec or attach session, which the runtime serves at `url`; resolves with the exit code.
 * The protocol has no half-close: the end of stdin closes nothing on the other side.
 *
 * Source: KEP-4006; the subprotocol `v4.channel.k8s.io`.
 */
export async function streamCommand(url: string, streams: ContainerStreams, options?: CallOptions): Promise<number> {
  const socket = await dial(url, options);
  let outcome = '';
  const finished = receive(socket, (channel, payload) => {
    if (channel === channels.stdout) return streams.stdout?.(payload);
    if (channel === channels.stderr) return streams.stderr?.(payload);
    if (channel === channels.error) outcome += Buffer.from(payload).toString('utf8');
    return undefined;
  });
  const input = pump(streams.stdin, (chunk) => send(socket, channels.stdin, chunk));
  const sizes = pump(streams.terminalSizes, ({ width, height }) =>
    send(socket, channels.resize, Buffer.from(JSON.stringify({ Width: width, Height: height }))));
  try {
    await finished;
  } finally {
    socket.terminate();
    input.stop();
    sizes.stop();
  }
  if (options?.signal?.aborted === true) throw new CriError('cancelled', 'the session was cancelled');
  return exitCodeOf(outcome);
}

/** Carries one connection to `port` in the sandbox. Source: the subprotocol `v4.channel.k8s.io` of port forwarding. */
export async function streamPort(url: string, port: number, connection: ByteDuplex, options?: CallOptions): Promise<void> {
  const target = new URL(url);
  target.searchParams.set('port', String(port));
  const socket = await dial(target.href, options);
  const headerSeen = [false, false];
  let failure = '';
  const finished = receive(socket, (channel, payload) => {
    // Each channel starts with the port number, two bytes.
    if (headerSeen[channel] === false) {
      headerSeen[channel] = true;
      if (payload.length <= 2) return undefined;
      payload = payload.subarray(2);
    }
    if (channel === 0) return connection.output(payload);
    failure += Buffer.from(payload).toString('utf8');
    socket.close();
    return undefined;
  });
  const input = pump(connection.input, (chunk) => send(socket, 0, chunk), () => socket.close());
  try {
    await finished;
  } finally {
    socket.terminate();
    input.stop();
  }
  if (failure !== '') throw new CriError('unknown', failure);
}

function dial(url: string, options?: CallOptions): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), ['v4.channel.k8s.io'], { perMessageDeflate: false });
    socket.once('open', () => resolve(socket));
    socket.once('error', (error) => reject(new CriError('unavailable', `stream to the runtime: ${error.message}`, { cause: error })));
    const onAbort = (): void => socket.terminate();
    options?.signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('close', () => options?.signal?.removeEventListener('abort', onAbort));
  });
}

/** Hands every message to `take`, one after another, holding the socket back meanwhile; resolves when it has closed. */
function receive(socket: WebSocket, take: (channel: number, payload: Uint8Array) => void | Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let last: Promise<void> = Promise.resolve();
    socket.on('message', (data: RawData) => {
      const bytes = Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
      if (bytes.length === 0) return;
      socket.pause();
      last = last
        .then(() => take(bytes[0] ?? 0, bytes.subarray(1)))
        .then(() => socket.resume());
      last.catch((error: unknown) => {
        socket.terminate();
        reject(error);
      });
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      last.then(resolve, reject);
    });
  });
}

function send(socket: WebSocket, channel: number, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const message = Buffer.allocUnsafe(chunk.length + 1);
    message[0] = channel;
    message.set(chunk, 1);
    // A closed socket ends the session elsewhere; what is left to send is of no use.
    socket.send(message, () => resolve());
  });
}

function pump<T>(source: AsyncIterable<T> | undefined, take: (item: T) => Promise<void>, atEnd?: () => void): { stop(): void } {
  const iterator = source?.[Symbol.asyncIterator]();
  const state = { isStopped: iterator === undefined };
  const run = async (): Promise<void> => {
    while (!state.isStopped) {
      const next = await iterator?.next();
      if (next === undefined || next.done === true) break;
      if (!state.isStopped) await take(next.value);
    }
    if (!state.isStopped) atEnd?.();
  };
  run().catch(() => atEnd?.());
  return {
    stop() {
      state.isStopped = true;
      iterator?.return?.().catch(() => undefined);
    },
  };
}

/** The exit code in the session's last word, a Status in JSON. */
function exitCodeOf(outcome: string): number {
  if (outcome === '') return 0;
  const status = JSON.parse(outcome) as {
    status?: string;
    reason?: string;
    message?: string;
    details?: { causes?: readonly { reason?: string; message?: string }[] };
  };
  if (status.status === 'Success') return 0;
  const cause = status.details?.causes?.find((candidate) => candidate.reason === 'ExitCode');
  if (status.reason === 'NonZeroExitCode' && cause !== undefined) return Number(cause.message);
  throw new CriError('unknown', status.message ?? outcome);
}

