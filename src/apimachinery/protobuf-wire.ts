/** Reading and writing of the protobuf wire format: tags, varints, lengths. It knows no messages. */

export const wireTypes = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** What the wire format does not allow. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** Reads a message from front to end. Throws `WireError` when it is cut off or malformed. */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  tag(): { readonly number: number; readonly wireType: number } {
    const tag = this.#unsigned();
    const number = Math.floor(tag / 8);
    if (number === 0) throw new WireError('field number 0');
    return { number, wireType: tag % 8 };
  }

  /** A varint as a signed 64-bit number; exact up to 2^53. */
  signed(): number {
    let low = 0;
    let shift = 1;
    for (let count = 0; count < 4; count++) {
      const byte = this.#byte();
      low += (byte & 0x7f) * shift;
      if (byte < 0x80) return low;
      shift *= 128;
    }
    let big = BigInt(low);
    for (let bits = 28n; bits < 70n; bits += 7n) {
      const byte = this.#byte();
      big |= BigInt(byte & 0x7f) << bits;
      if (byte < 0x80) return Number(BigInt.asIntN(64, big));
    }
    throw new WireError('a number is too long');
  }

  double(): number {
    const at = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8).getFloat64(0, true);
  }

  /** A length-delimited value; shares memory with the message. */
  bytes(): Uint8Array {
    const length = this.#unsigned();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(): string {
    return decoder.decode(this.bytes());
  }

  /** Passes over a value that is not known. */
  skip(wireType: number): void {
    switch (wireType) {
      case wireTypes.varint:
        this.signed();
        return;
      case wireTypes.fixed64:
        this.#take(8);
        return;
      case wireTypes.lengthDelimited:
        this.bytes();
        return;
      case wireTypes.fixed32:
        this.#take(4);
        return;
      default:
        throw new WireError(`unknown wire type ${wireType}`);
    }
  }

  #unsigned(): number {
    const value = this.signed();
    if (value < 0) throw new WireError('a length is negative');
    return value;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new WireError('unexpected end of message');
    return byte;
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw new WireError('unexpected end of message');
    this.#at += length;
    return at;
  }
}

/** Writes a message from front to end. */
export class ProtobufWriter {
  #bytes = new Uint8Array(64);
  #length = 0;

  /** The message so far; shares memory with the writer. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Bytes as they are, without a tag. */
  append(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  signed(number: number, value: number): void {
    this.#varint(number * 8 + wireTypes.varint);
    if (value >= 0) this.#varint(value);
    else this.#bigVarint(BigInt.asUintN(64, BigInt(value)));
  }

  double(number: number, value: number): void {
    this.#varint(number * 8 + wireTypes.fixed64);
    this.#room(8);
    new DataView(this.#bytes.buffer, this.#bytes.byteOffset).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  bytes(number: number, value: Uint8Array): void {
    this.#varint(number * 8 + wireTypes.lengthDelimited);
    this.#varint(value.length);
    this.append(value);
  }

  text(number: number, value: string): void {
    this.bytes(number, encoder.encode(value));
  }

  #varint(value: number): void {
    this.#room(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #bigVarint(value: bigint): void {
    this.#room(10);
    let rest = value;
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
