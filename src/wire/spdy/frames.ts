/**
 * SPDY/3.1 frames, as far as Kubernetes' streaming needs them. Header blocks stay compressed here.
 *
 * Source: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/ (2.2 and 2.6)
 */
export type Frame =
  | { readonly type: 'syn-stream'; readonly streamId: number; readonly isLast: boolean; readonly headerBlock: Buffer }
  | { readonly type: 'syn-reply'; readonly streamId: number; readonly isLast: boolean; readonly headerBlock: Buffer }
  | { readonly type: 'headers'; readonly streamId: number; readonly isLast: boolean; readonly headerBlock: Buffer }
  | { readonly type: 'rst-stream'; readonly streamId: number; readonly status: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goaway'; readonly lastStreamId: number }
  | { readonly type: 'settings' }
  | { readonly type: 'window-update'; readonly streamId: number; readonly delta: number }
  /** A piece of a DATA frame: the decoder hands over what has arrived. `isLast` only on the stream's very last piece. */
  | { readonly type: 'data'; readonly streamId: number; readonly isLast: boolean; readonly bytes: Buffer };

/** Status codes of RST_STREAM. */
export const resetStatus = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5 } as const;

/** The other side does not speak SPDY/3.1, or more of it at once than is allowed. */
export class SpdyProtocolError extends Error {
  override readonly name = 'SpdyProtocolError';
}

const frameTypes = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goaway: 7, headers: 8, windowUpdate: 9 } as const;
const headBytes = 8;
const lastFlag = 1;
const controlBit = 0x80;
const version = 3;

/** Control frames hold a few headers; more than this is no exec or port-forward. DATA is not kept and has no limit. */
const maxControlBytes = 64 * 1024;

export function encodeSynStream(streamId: number, headerBlock: Uint8Array): Buffer {
  const payload = Buffer.alloc(10);
  payload.writeUInt32BE(streamId, 0); // then: no associated stream, highest priority, no slot
  return controlFrame(frameTypes.synStream, payload, headerBlock);
}

export function encodeSynReply(streamId: number, headerBlock: Uint8Array): Buffer {
  return controlFrame(frameTypes.synReply, uint32(streamId), headerBlock);
}

export function encodeReset(streamId: number, status: number): Buffer {
  return controlFrame(frameTypes.rstStream, uint32(streamId), uint32(status));
}

export function encodePing(id: number): Buffer {
  return controlFrame(frameTypes.ping, uint32(id));
}

export function encodeGoaway(lastStreamId: number): Buffer {
  return controlFrame(frameTypes.goaway, uint32(lastStreamId), uint32(0));
}

/** What stands before `length` bytes of a stream; `length` below 2^24. */
export function encodeDataHead(streamId: number, length: number, { isLast }: { readonly isLast: boolean }): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(streamId, 0);
  head.writeUInt32BE(length, 4);
  head[4] = isLast ? lastFlag : 0;
  return head;
}

function controlFrame(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt16BE((controlBit << 8) | version, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(parts.reduce((sum, part) => sum + part.length, 0), 4); // flags: 0
  return Buffer.concat([head, ...parts]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0, 0);
  return bytes;
}

/** Cuts a byte stream into frames, however it was split on the way. */
export class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0);
  /** The DATA frame under way. */
  #data: { streamId: number; isLast: boolean; missing: number } | undefined;

  /** The frames that `chunk` completes, and the pieces of DATA in it. Throws `SpdyProtocolError`. */
  *push(chunk: Buffer): Generator<Frame, void, undefined> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const frame = this.#data === undefined ? this.#takeFrame() : this.#takeData(this.#data);
      if (frame === undefined) return;
      if (frame !== 'ignored') yield frame;
    }
  }

  #takeData(data: { streamId: number; isLast: boolean; missing: number }): Frame | undefined {
    if (this.#rest.length === 0 && data.missing > 0) return undefined;
    const bytes = this.#take(Math.min(data.missing, this.#rest.length));
    data.missing -= bytes.length;
    const isComplete = data.missing === 0;
    if (isComplete) this.#data = undefined;
    return { type: 'data', streamId: data.streamId, isLast: data.isLast && isComplete, bytes };
  }

  #takeFrame(): Frame | 'ignored' | undefined {
    if (this.#rest.length < headBytes) return undefined;
    const first = this.#rest.readUInt32BE(0);
    const length = this.#rest.readUIntBE(5, 3);
    const isLast = ((this.#rest[4] ?? 0) & lastFlag) !== 0;
    if (first < 0x8000_0000) {
      this.#take(headBytes);
      this.#data = { streamId: first, isLast, missing: length };
      return this.#takeData(this.#data);
    }
    if (length > maxControlBytes) throw new SpdyProtocolError(`a control frame of ${length} bytes is too long`);
    if (((first >>> 16) & 0x7fff) !== version) throw new SpdyProtocolError('not a SPDY/3 frame');
    if (this.#rest.length < headBytes + length) return undefined;
    this.#take(headBytes);
    return controlFrameOf(first & 0xffff, { isLast, payload: this.#take(length) });
  }

  #take(count: number): Buffer {
    const bytes = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return bytes;
  }
}

function controlFrameOf(type: number, { isLast, payload }: { readonly isLast: boolean; readonly payload: Buffer }): Frame | 'ignored' {
  const word = (offset: number): number => {
    if (payload.length < offset + 4) throw new SpdyProtocolError(`a control frame of type ${type} is too short`);
    return payload.readUInt32BE(offset);
  };
  const streamId = (): number => word(0) & 0x7fff_ffff;
  switch (type) {
    case frameTypes.synStream:
      return { type: 'syn-stream', streamId: streamId(), isLast, headerBlock: payload.subarray(10) };
    case frameTypes.synReply:
      return { type: 'syn-reply', streamId: streamId(), isLast, headerBlock: payload.subarray(4) };
    case frameTypes.headers:
      return { type: 'headers', streamId: streamId(), isLast, headerBlock: payload.subarray(4) };
    case frameTypes.rstStream: return { type: 'rst-stream', streamId: streamId(), status: word(4) };
    case frameTypes.ping: return { type: 'ping', id: word(0) };
    case frameTypes.goaway: return { type: 'goaway', lastStreamId: streamId() };
    case frameTypes.windowUpdate: return { type: 'window-update', streamId: streamId(), delta: word(4) & 0x7fff_ffff };
    case frameTypes.settings: return { type: 'settings' };
    default: return 'ignored'; // unknown control frames must be ignored (2.2.1)
  }
}
