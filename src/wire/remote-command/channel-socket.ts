import { Readable, Writable } from 'node:stream';
import type { RawData, WebSocket } from 'ws';

/** The channels of Kubernetes' WebSocket protocols: the first byte of every message. */
export const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

export interface ChannelSocketOptions {
  /** Whether either side may close a single channel (v5). */
  readonly canHalfClose: boolean;
  /** Whether payloads are base64 in text messages, the channel an ASCII digit. */
  readonly isBase64: boolean;
}

/** Bytes of a channel kept for a reader that is behind; then the whole connection waits. */
const readAheadBytes = 256 * 1024;

/** As kubectl sends them; servers have limits. */
const maxMessageBytes = 32 * 1024;

/**
 * Several byte streams over one WebSocket.
 *
 * Source: the `channel.k8s.io` protocols; v5 by KEP-4006.
 */
export class ChannelSocket {
  readonly #socket: WebSocket;
  readonly #options: ChannelSocketOptions;
  readonly #readers = new Map<number, Readable>();

  /** Lets a paused socket go on: the channels to be read must be named before the next turn of the event loop. */
  constructor(socket: WebSocket, options: ChannelSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('error', () => {}); // 'close' follows
    socket.once('close', () => {
      for (const reader of this.#readers.values()) endReading(reader);
    });
    socket.resume();
  }

  /** What the other side sends on `channel`. Ends when it closes the channel (v5) or the socket closes. */
  readable(channel: number): Readable {
    const reader = new Readable({ highWaterMark: readAheadBytes, read: () => this.#socket.resume() });
    // A reader that is no longer wanted must not keep the others waiting.
    reader.once('close', () => this.#socket.resume());
    this.#readers.set(channel, reader);
    return reader;
  }

  /** What is written goes out on `channel`. `end()` closes the channel where the protocol can (v5). */
  writable(channel: number): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, callback) => this.#sendPieces(channel, chunk, () => callback()),
      final: (callback) => {
        if (this.#options.canHalfClose) this.send(channels.close, Buffer.of(channel), () => callback());
        else callback();
      },
    });
  }

  /** `sent` is called when the bytes have left, or can never leave because the socket has closed. */
  send(channel: number, bytes: Uint8Array, sent: () => void = () => {}): void {
    if (this.#socket.readyState !== this.#socket.OPEN) {
      sent();
      return;
    }
    const message = this.#options.isBase64
      ? `${channel}${Buffer.from(bytes).toString('base64')}`
      : Buffer.concat([Uint8Array.of(channel), bytes]);
    this.#socket.send(message, () => sent());
  }

  #sendPieces(channel: number, bytes: Buffer, sent: () => void): void {
    let at = 0;
    for (; at + maxMessageBytes < bytes.length; at += maxMessageBytes) this.send(channel, bytes.subarray(at, at + maxMessageBytes));
    this.send(channel, bytes.subarray(at), sent);
  }

  /** Sends what is pending, then closes. */
  end(): void {
    this.#socket.close(1000);
  }

  destroy(): void {
    this.#socket.terminate();
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (!(data instanceof Buffer) || data.length === 0) return;
    const isText = this.#options.isBase64 && !isBinary;
    const channel = isText ? (data[0] ?? 0) - asciiZero : (data[0] ?? 0);
    const bytes = isText ? Buffer.from(data.toString('latin1', 1), 'base64') : data.subarray(1);
    if (channel === channels.close && this.#options.canHalfClose) {
      const closed = this.#readers.get(bytes[0] ?? -1);
      if (closed !== undefined) endReading(closed);
      return;
    }
    const reader = this.#readers.get(channel);
    if (reader === undefined || reader.destroyed || reader.readableEnded || bytes.length === 0) return;
    if (!reader.push(bytes)) this.#socket.pause();
  }
}

const asciiZero = 48;

/** Once only: pushing after the end is an error. */
function endReading(reader: Readable): void {
  if (ended.has(reader) || reader.destroyed) return;
  ended.add(reader);
  reader.push(null);
}

const ended = new WeakSet<Readable>();
