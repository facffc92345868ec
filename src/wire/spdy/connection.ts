import { Readable, Writable } from 'node:stream';
import type { Duplex } from 'node:stream';
import {
  FrameDecoder, SpdyProtocolError, encodeDataHead, encodeGoaway, encodePing, encodeReset, encodeSynReply, encodeSynStream,
  resetStatus,
} from './frames.ts';
import type { Frame } from './frames.ts';
import { HeaderReader, HeaderWriter } from './header-block.ts';
import type { SpdyHeaders } from './header-block.ts';

/**
 * One stream of a connection: what it was opened with, and its two directions. They are two objects because each ends by
 * itself, and Node destroys the writing half of a `Duplex` whose reading half was read to its end by `for await`.
 */
export interface SpdyStream {
  readonly id: number;
  readonly headers: SpdyHeaders;
  /** Ends when the other side closes its direction, resets the stream, or is gone. Destroyed, it drops what comes. */
  readonly readable: Readable;
  /** `end()` closes our direction alone. What is written when the other side is gone is dropped. */
  readonly writable: Writable;
  /** Ends both directions at once and tells the other side. */
  reset(this: void): void;
}

export interface SpdyConnectionOptions {
  readonly socket: Duplex;
  /** Bytes of the other side that were read with the upgrade. */
  readonly head?: Uint8Array;
  readonly role: 'client' | 'server';
  /** Called for each stream the other side opens, after it was accepted. Without it they are refused. */
  onStream?(stream: SpdyStream): void;
}

/** Streams open at once: an exec has 5, a port-forward 2 for each connection through it. */
const maxStreams = 2000;

/** A DATA frame no longer than this: Go's side reads each into one buffer. */
const maxDataBytes = 32 * 1024;

/** Bytes of one stream kept for a reader that is behind; then the whole connection waits. */
const readAheadBytes = 256 * 1024;

interface OpenStream {
  readonly stream: SpdyStream;
  /** Lets the connection read on, when it waits for this stream's reader. */
  onRead: (() => void) | undefined;
  /** Settles `open` when the other side has accepted or refused. */
  onReply: ((error?: Error) => void) | undefined;
  isOtherSideDone: boolean;
  isOurSideDone: boolean;
}

/**
 * SPDY/3.1 over one socket, as kubectl, the kubelet and containerd speak it. Flow control is TCP's: Go's implementation
 * (moby/spdystream) neither sends nor obeys WINDOW_UPDATE, so windows would stop us for ever after 64 KiB. A reader that
 * does not read one stream therefore holds up the others.
 */
export class SpdyConnection {
  /** Resolves when the socket is gone and all that came from it has been read. Never rejects. */
  readonly closed: Promise<void>;
  readonly #options: SpdyConnectionOptions;
  readonly #socket: Duplex;
  readonly #streams = new Map<number, OpenStream>();
  readonly #writer = new HeaderWriter();
  readonly #reader = new HeaderReader();
  #nextStreamId: number;
  #lastReceivedId = 0;
  #isGoingAway = false;

  constructor(options: SpdyConnectionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#nextStreamId = options.role === 'client' ? 1 : 2;
    // Every stream may wait for the socket to drain; that is no leak of listeners.
    this.#socket.setMaxListeners(0);
    this.#socket.on('error', () => {}); // 'close' follows, which ends everything
    // What came before the end is still being read when the socket closes; only a reader that is behind is not waited for.
    this.#socket.once('close', () => {
      for (const entry of this.#streams.values()) readOn(entry);
    });
    this.closed = this.#readFrames();
  }

  /** Opens a stream and resolves once the other side has accepted it; rejects when it refuses or the connection ends. */
  async open(headers: SpdyHeaders): Promise<SpdyStream> {
    if (this.#socket.destroyed || this.#isGoingAway) throw new SpdyProtocolError('the connection is closing');
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    const entry = this.#addStream(id, headers);
    const replied = new Promise<void>((resolve, reject) => {
      entry.onReply = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.#socket.write(encodeSynStream(id, this.#writer.encode(headers)));
    await replied;
    return entry.stream;
  }

  /**
   * Says that no more streams are taken and sends all that was written; the socket closes once the other side has
   * closed its end.
   */
  end(): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#isGoingAway = true;
    this.#socket.write(encodeGoaway(this.#lastReceivedId));
    this.#socket.end();
  }

  /** Ends everything at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  async #readFrames(): Promise<void> {
    const decoder = new FrameDecoder();
    const take = async (chunk: Buffer): Promise<void> => {
      for (const frame of decoder.push(chunk)) await this.#handle(frame);
    };
    try {
      const { head } = this.#options;
      if (head !== undefined && head.length > 0) await take(Buffer.from(head));
      for await (const chunk of this.#socket) await take(chunk as Buffer);
    } catch {
      // A broken socket or a peer that speaks no SPDY; whoever uses the streams sees them close.
    } finally {
      this.#reader.close();
      this.#socket.destroy();
      this.#dropStreams();
    }
  }

  #handle(frame: Frame): Promise<void> | void {
    switch (frame.type) {
      case 'syn-stream': return this.#onSynStream(frame.streamId, frame);
      case 'syn-reply':
      case 'headers': return this.#onHeaders(frame.streamId, frame);
      case 'data': return this.#onData(frame.streamId, frame);
      case 'rst-stream': return this.#onReset(frame.streamId, frame.status);
      case 'ping': return this.#onPing(frame.id);
      case 'goaway':
        this.#isGoingAway = true;
        return undefined;
      case 'settings':
      case 'window-update': return undefined;
    }
  }

  async #onSynStream(id: number, frame: { readonly isLast: boolean; readonly headerBlock: Buffer }): Promise<void> {
    // Also when it is refused: the blocks of a connection are one compressed stream.
    const headers = await this.#reader.decode(frame.headerBlock);
    const isTheirs = (id % 2 === 1) === (this.#options.role === 'server');
    if (!isTheirs || id <= this.#lastReceivedId) {
      this.#socket.write(encodeReset(id, resetStatus.protocolError));
      return;
    }
    if (this.#options.onStream === undefined || this.#isGoingAway || this.#streams.size >= maxStreams) {
      this.#socket.write(encodeReset(id, resetStatus.refusedStream));
      return;
    }
    this.#lastReceivedId = id;
    const entry = this.#addStream(id, headers);
    this.#socket.write(encodeSynReply(id, this.#writer.encode({})));
    if (frame.isLast) this.#finishReading(entry);
    this.#options.onStream(entry.stream);
  }

  async #onHeaders(id: number, frame: { readonly isLast: boolean; readonly headerBlock: Buffer }): Promise<void> {
    await this.#reader.decode(frame.headerBlock);
    const entry = this.#streams.get(id);
    if (entry === undefined) return;
    settleReply(entry);
    if (frame.isLast) this.#finishReading(entry);
  }

  #onData(id: number, frame: { readonly isLast: boolean; readonly bytes: Buffer }): Promise<void> | undefined {
    const entry = this.#streams.get(id);
    if (entry === undefined || entry.isOtherSideDone) return undefined;
    const { readable } = entry.stream;
    const hasRoom = frame.bytes.length === 0 || readable.destroyed || readable.push(frame.bytes);
    if (frame.isLast) this.#finishReading(entry);
    if (hasRoom || frame.isLast || readable.destroyed || this.#socket.destroyed) return undefined;
    return new Promise((resolve) => { entry.onRead = resolve; });
  }

  #onReset(id: number, status: number): void {
    const entry = this.#streams.get(id);
    if (entry === undefined) return;
    this.#streams.delete(id);
    settleReply(entry, new SpdyProtocolError(`the other side refused the stream (status ${status})`));
    // Servers reset their streams when a command is over: what came before must still be read.
    this.#finishReading(entry);
    this.#dropWriting(entry);
  }

  #onPing(id: number): void {
    const isTheirs = (id % 2 === 1) === (this.#options.role === 'server');
    if (isTheirs) this.#socket.write(encodePing(id));
  }

  #addStream(id: number, headers: SpdyHeaders): OpenStream {
    const readable = new Readable({
      highWaterMark: readAheadBytes,
      read: () => readOn(entry),
      destroy: (error, callback) => {
        readOn(entry);
        callback(error);
      },
    });
    const writable = new Writable({
      write: (chunk: Buffer, _encoding, callback) => this.#writeData(entry, chunk, callback),
      final: (callback) => {
        this.#finishWriting(entry);
        callback();
      },
      destroy: (error, callback) => {
        this.#finishWriting(entry);
        callback(error);
      },
    });
    const reset = (): void => this.#reset(entry);
    const entry: OpenStream = {
      stream: { id, headers, readable, writable, reset }, onRead: undefined, onReply: undefined, isOtherSideDone: false,
      isOurSideDone: false,
    };
    this.#streams.set(id, entry);
    return entry;
  }

  #writeData(entry: OpenStream, chunk: Buffer, callback: (error?: Error | null) => void): void {
    // After a reset nobody listens: the rest is dropped, as a closed pipe drops it once its reader is gone.
    if (entry.isOurSideDone || this.#socket.destroyed) return callback();
    let hasRoom = true;
    this.#socket.cork();
    for (let at = 0; at < chunk.length; at += maxDataBytes) {
      const piece = chunk.subarray(at, at + maxDataBytes);
      this.#socket.write(encodeDataHead(entry.stream.id, piece.length, { isLast: false }));
      hasRoom = this.#socket.write(piece);
    }
    this.#socket.uncork();
    if (hasRoom) return callback();
    const resume = (): void => {
      this.#socket.off('drain', resume);
      this.#socket.off('close', resume);
      callback();
    };
    this.#socket.on('drain', resume);
    this.#socket.on('close', resume);
  }

  #finishReading(entry: OpenStream): void {
    if (entry.isOtherSideDone) return;
    entry.isOtherSideDone = true;
    if (!entry.stream.readable.destroyed) entry.stream.readable.push(null);
    this.#forgetIfDone(entry);
  }

  #finishWriting(entry: OpenStream): void {
    if (entry.isOurSideDone) return;
    entry.isOurSideDone = true;
    if (!this.#socket.destroyed) this.#socket.write(encodeDataHead(entry.stream.id, 0, { isLast: true }));
    this.#forgetIfDone(entry);
  }

  /** What is still written goes nowhere. */
  #dropWriting(entry: OpenStream): void {
    entry.isOurSideDone = true;
    entry.stream.writable.end();
  }

  #reset(entry: OpenStream): void {
    if (this.#streams.delete(entry.stream.id) && !this.#socket.destroyed) {
      this.#socket.write(encodeReset(entry.stream.id, resetStatus.cancel));
    }
    settleReply(entry, new SpdyProtocolError('the stream was closed'));
    readOn(entry);
    this.#finishReading(entry);
    this.#dropWriting(entry);
  }

  #forgetIfDone(entry: OpenStream): void {
    if (entry.isOtherSideDone && entry.isOurSideDone) this.#streams.delete(entry.stream.id);
  }

  /** The socket is gone: what was received can still be read, then the streams end. */
  #dropStreams(): void {
    for (const entry of this.#streams.values()) {
      settleReply(entry, new SpdyProtocolError('the connection broke'));
      readOn(entry);
      this.#finishReading(entry);
      this.#dropWriting(entry);
    }
    this.#streams.clear();
  }
}

function readOn(entry: OpenStream): void {
  const resume = entry.onRead;
  entry.onRead = undefined;
  resume?.();
}

function settleReply(entry: OpenStream, error?: Error): void {
  const settle = entry.onReply;
  entry.onReply = undefined;
  settle?.(error);
}
