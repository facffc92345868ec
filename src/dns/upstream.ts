/** One question to one other name server. */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Clock } from '#base/clock.ts';

export interface UpstreamAddress {
  readonly host: string;
  readonly port: number;
}

export interface AskOptions {
  readonly clock: Pick<Clock, 'after'>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Whether a packet answers the question; others (late ones, forged ones) are not looked at. */
  readonly isAnswer: (packet: Buffer) => boolean;
}

/** What came back. Rejects when nothing did in time, or the system says that nothing will. */
export function askUdp({ host, port }: UpstreamAddress, question: Buffer, options: AskOptions): Promise<Buffer> {
  // A socket for each question: its port is as hard to guess as the system makes it.
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  return exchange(`${host}:${port}/udp`, options, () => socket.close(), (answered, failed) => {
    socket.on('error', failed);
    socket.on('message', (packet) => {
      if (options.isAnswer(packet)) answered(packet);
    });
    // Connected, so that only packets from there come in, and that we hear when nobody listens.
    socket.connect(port, host, (error?: Error) => {
      if (error !== undefined) return failed(error);
      socket.send(question, (sendError) => { if (sendError !== null) failed(sendError); });
    });
  });
}

/** The same with room for long answers. */
export function askTcp({ host, port }: UpstreamAddress, question: Buffer, options: AskOptions): Promise<Buffer> {
  const socket = connect({ host, port });
  return exchange(`${host}:${port}/tcp`, options, () => socket.destroy(), (answered, failed) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(question.length);
    let received = Buffer.alloc(0);
    socket.on('error', failed);
    socket.on('close', () => failed(new Error('the connection was closed')));
    socket.on('connect', () => socket.write(Buffer.concat([length, question])));
    socket.on('data', (chunk: Buffer) => {
      // At most one message long: it is the only one that was asked for.
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const packet = received.subarray(2, 2 + received.readUInt16BE(0));
      if (options.isAnswer(packet)) answered(packet);
      else failed(new Error('what came back is no answer'));
    });
  });
}

function exchange(
  name: string,
  { clock, timeoutMs, signal }: AskOptions,
  close: () => void,
  run: (answered: (packet: Buffer) => void, failed: (error: Error) => void) => void,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const failed = (error: Error): void => reject(new Error(`${name}: ${error.message}`, { cause: error }));
  const onAbort = (): void => failed(new Error('closed'));
  const timer = clock.after(timeoutMs, () => failed(new Error(`no answer within ${timeoutMs} ms`)));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  run(resolve, failed);
  return promise.finally(() => {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
    close();
  });
}
