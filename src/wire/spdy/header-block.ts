import { constants, createInflate } from 'node:zlib';
import type { Inflate } from 'node:zlib';
import { SpdyProtocolError } from './frames.ts';

/** Names in lower case. */
export type SpdyHeaders = Readonly<Record<string, string>>;

/** More than any exec or port-forward sends; a small block may inflate to a thousand times its size. */
const maxHeaderBytes = 256 * 1024;

/**
 * Writes header blocks as one connection-long zlib stream made of stored (uncompressed) deflate blocks: any inflater
 * reads it, no state is kept, and the few short headers of an exec are not worth compressing.
 */
export class HeaderWriter {
  #isFirst = true;

  encode(headers: SpdyHeaders): Buffer {
    const block = plainBlock(headers);
    const parts: Uint8Array[] = [];
    if (this.#isFirst) parts.push(Uint8Array.of(0x78, 0x01)); // deflate with a 32 KiB window, fastest, no dictionary
    this.#isFirst = false;
    for (let at = 0; at < block.length; at += 0xffff) {
      const stored = block.subarray(at, at + 0xffff);
      const head = Buffer.alloc(5); // not the final block, stored
      head.writeUInt16LE(stored.length, 1);
      head.writeUInt16LE(~stored.length & 0xffff, 3);
      parts.push(head, stored);
    }
    // An empty block, as zlib's sync flush leaves it: Go's inflater hands nothing over before it has seen one.
    parts.push(Uint8Array.of(0, 0, 0, 0xff, 0xff));
    return Buffer.concat(parts);
  }
}

/** Reads the header blocks of one direction of a connection, in the order they came. */
export class HeaderReader {
  readonly #inflate: Inflate = createInflate({ dictionary: Buffer.from(dictionary(), 'latin1') });
  #output: Buffer[] = [];
  #outputBytes = 0;
  #failure: Error | undefined;
  #onFailure: (() => void) | undefined;

  constructor() {
    this.#inflate.on('readable', () => this.#drain());
    this.#inflate.on('error', (error) => {
      this.#failure = error;
      this.#onFailure?.();
    });
  }

  /** Call for one block at a time. Throws `SpdyProtocolError` on anything malformed. */
  async decode(compressed: Buffer): Promise<SpdyHeaders> {
    await new Promise<void>((resolve) => {
      // On malformed input zlib calls no callback, it only emits 'error'.
      this.#onFailure = resolve;
      if (this.#failure !== undefined) resolve();
      this.#inflate.write(compressed);
      this.#inflate.flush(constants.Z_SYNC_FLUSH, resolve);
    });
    this.#drain();
    if (this.#failure !== undefined) throw new SpdyProtocolError('a header block cannot be decompressed', { cause: this.#failure });
    const block = Buffer.concat(this.#output);
    this.#output = [];
    this.#outputBytes = 0;
    return headersOf(block);
  }

  close(): void {
    this.#inflate.destroy();
  }

  #drain(): void {
    for (let part: unknown = this.#inflate.read(); part instanceof Buffer; part = this.#inflate.read()) {
      this.#outputBytes += part.length;
      if (this.#outputBytes > maxHeaderBytes) this.#failure ??= new SpdyProtocolError('a header block is too long');
      else this.#output.push(part);
    }
  }
}

/** The block before compression: a count, then each name and value with its length before it. */
export function plainBlock(headers: SpdyHeaders): Buffer {
  const entries = Object.entries(headers);
  const parts = [uint32(entries.length)];
  for (const [name, value] of entries) {
    for (const text of [name.toLowerCase(), value]) {
      const bytes = Buffer.from(text);
      parts.push(uint32(bytes.length), bytes);
    }
  }
  return Buffer.concat(parts);
}

/** The opposite of `plainBlock`. Throws `SpdyProtocolError` when a length does not fit. */
export function headersOf(block: Buffer): SpdyHeaders {
  let at = 0;
  const length = (): number => {
    if (at + 4 > block.length) throw new SpdyProtocolError('a header block ends early');
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const bytes = length();
    if (at + bytes > block.length) throw new SpdyProtocolError('a header block ends early');
    at += bytes;
    return block.toString('utf8', at - bytes, at);
  };
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let left = length(); left > 0; left--) {
    const name = text();
    headers[name] = text();
  }
  return headers;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

/**
 * The text both ends of SPDY/3 prime their compression with: names and values with their lengths before them, then
 * things often seen in values, run together. Latin-1; its Adler-32 is e3c6a7c2.
 */
export function dictionary(): string {
  const words = 'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age '
    + 'allow authorization cache-control connection content-base content-encoding content-language content-length '
    + 'content-location content-md5 content-range content-type date etag expect expires from host if-match '
    + 'if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma '
    + 'proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade '
    + 'user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie '
    + 'keep-alive origin';
  return words.split(' ').map((word) => `\0\0\0${String.fromCharCode(word.length)}${word.replace('_', ' ')}`).join('')
    + '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505'
    + '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized'
    + '403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable'
    + 'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT'
    + 'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,public'
    + 'privatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';
}
