import type { Readable, Writable } from 'node:stream';
import { openPortForward } from '#wire/port-forward/open.ts';
import { openRemoteCommand } from '#wire/remote-command/open.ts';
import { exitCodeOf } from '#wire/remote-command/streams.ts';
import { CriError } from './cri.ts';
import type { ByteDuplex, ByteSink, CallOptions, ContainerStreams } from './cri.ts';

/** Carries the streams of an exec or attach session, which the runtime serves at `url`; resolves with the exit code. */
export async function streamCommand(url: string, streams: ContainerStreams, tty: boolean, options?: CallOptions): Promise<number> {
  const session = await dial(openRemoteCommand(targetOf(url, options), {
    stdin: streams.stdin !== undefined, stdout: streams.stdout !== undefined, stderr: streams.stderr !== undefined && !tty, tty,
  }));
  const onAbort = (): void => session.close();
  options?.signal?.addEventListener('abort', onAbort, { once: true });
  const input = pump(streams.stdin, session.stdin);
  const sizes = each(streams.terminalSizes, (size) => session.resize(size));
  try {
    const [status] = await Promise.all([session.status, drain(session.stdout, streams.stdout), drain(session.stderr, streams.stderr)]);
    if (options?.signal?.aborted === true) throw new CriError('cancelled', 'the session was cancelled');
    const code = exitCodeOf(status);
    if (code === undefined) throw new CriError('unknown', status.message ?? 'the session failed');
    return code;
  } finally {
    options?.signal?.removeEventListener('abort', onAbort);
    input.stop();
    sizes.stop();
    session.close();
  }
}

/** Carries one connection to `port` in the sandbox. */
export async function streamPort(url: string, port: number, connection: ByteDuplex, options?: CallOptions): Promise<void> {
  const session = await dial(openPortForward(targetOf(url, options)));
  const onAbort = (): void => session.close();
  options?.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const opened = await session.connect(port);
    const input = pump(connection.input, opened.writable);
    await drain(opened.readable, connection.output);
    input.stop();
    opened.close();
    const failure = await opened.failure;
    if (failure !== '') throw new CriError('unknown', failure);
  } finally {
    options?.signal?.removeEventListener('abort', onAbort);
    session.close();
  }
}

function targetOf(url: string, options: CallOptions | undefined): { readonly url: URL; readonly signal?: AbortSignal } {
  return { url: new URL(url), ...(options?.signal === undefined ? {} : { signal: options.signal }) };
}

async function dial<T>(session: Promise<T>): Promise<T> {
  try {
    return await session;
  } catch (error) {
    throw new CriError('unavailable', `stream to the runtime: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Everything a stream has, into a sink; what fails at its end is told by the session's status. */
async function drain(source: Readable | undefined, sink: ByteSink | undefined): Promise<void> {
  if (source === undefined) return;
  try {
    for await (const chunk of source) await sink?.(chunk as Uint8Array);
  } catch {
    // Broken off.
  }
}

interface Running {
  stop(this: void): void;
}

/** Writes what comes, as fast as it is taken; its end closes stdin. */
function pump(source: AsyncIterable<Uint8Array> | undefined, target: Writable | undefined): Running {
  const running = each(source, async (chunk) => {
    if (target === undefined || target.destroyed || target.write(chunk)) return;
    await new Promise<void>((resolve) => {
      target.once('drain', resolve);
      target.once('close', resolve);
    });
  }, () => target?.end());
  return running;
}

function each<T>(source: AsyncIterable<T> | undefined, take: (item: T) => void | Promise<void>, atEnd?: () => void): Running {
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
