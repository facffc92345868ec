import { wireTypes } from './protobuf-wire.ts';

const encoder = new TextEncoder();
const firstRoom = 16 * 1024;

/**
 * Writes a message from back to front: what is nested is finished before its length has to be written, so that nothing
 * is copied from one buffer into another. Values of one message are written last field first.
 */
export class BackwardWriter {
  #bytes = new Uint8Array(firstRoom);
  /** Where what is written begins. */
  #at = firstRoom;

  /** How much is written; the difference of two marks is the length of what was written between them. */
  get mark(): number {
    return this.#bytes.length - this.#at;
  }

  /** A copy of what is written since `start`, or since `reset`. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(this.#at);
  }

  reset(): void {
    this.#at = this.#bytes.length;
  }

  /** Bytes as they are, without a tag. */
  prepend(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#at -= bytes.length;
    this.#bytes.set(bytes, this.#at);
  }

  signed(number: number, value: number): void {
    if (value >= 0) this.varint(value);
    else this.#bigVarint(BigInt.asUintN(64, BigInt(value)));
    this.varint(number * 8 + wireTypes.varint);
  }

  double(number: number, value: number): void {
    this.#room(8);
    this.#at -= 8;
    new DataView(this.#bytes.buffer, this.#bytes.byteOffset).setFloat64(this.#at, value, true);
    this.varint(number * 8 + wireTypes.fixed64);
  }

  bytes(number: number, value: Uint8Array): void {
    this.prepend(value);
    this.varint(value.length);
    this.varint(number * 8 + wireTypes.lengthDelimited);
  }

  text(number: number, value: string): void {
    const { length } = value;
    this.#room(length * 3);
    const bytes = this.#bytes;
    const start = this.#at - length;
    let index = 0;
    // Nearly all of it is ASCII; short texts are quicker copied here than handed to the encoder.
    if (length < 128) {
      while (index < length) {
        const code = value.charCodeAt(index);
        if (code > 0x7f) break;
        bytes[start + index++] = code;
      }
    }
    if (index === length) {
      this.#at = start;
      this.varint(length);
    } else {
      const encoded = encoder.encode(value);
      this.prepend(encoded);
      this.varint(encoded.length);
    }
    this.varint(number * 8 + wireTypes.lengthDelimited);
  }

  /** The length and tag of what was written since `mark`. */
  close(number: number, mark: number): void {
    this.varint(this.mark - mark);
    this.varint(number * 8 + wireTypes.lengthDelimited);
  }

  /** A number without a tag. */
  varint(value: number): void {
    this.#room(10);
    if (value < 0x80) {
      this.#bytes[--this.#at] = value;
      return;
    }
    let length = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) length++;
    this.#at -= length;
    let at = this.#at;
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[at] = rest;
  }

  #bigVarint(value: bigint): void {
    const groups: number[] = [];
    for (let rest = value; ; rest >>= 7n) {
      if (rest < 0x80n) {
        groups.push(Number(rest));
        break;
      }
      groups.push(Number(rest & 0x7fn) | 0x80);
    }
    this.prepend(Uint8Array.from(groups));
  }

  #room(more: number): void {
    if (this.#at >= more) return;
    const written = this.mark;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, written + more));
    larger.set(this.#bytes.subarray(this.#at), larger.length - written);
    this.#bytes = larger;
    this.#at = larger.length - written;
  }
}
