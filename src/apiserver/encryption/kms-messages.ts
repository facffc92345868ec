/** The few protobuf messages of KMS v2. Source: k8s.io/kms apis/v2; k8s.io/apiserver EncryptedObject. */
interface Field {
  readonly number: number;
  readonly value: Uint8Array | number;
}

/** Bytes and texts as they are, numbers as varints; empty ones are left out. */
export function encodeMessage(fields: readonly (readonly [number: number, value: Uint8Array | string | number | undefined])[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const [number, value] of fields) {
    if (value === undefined || value === 0 || (typeof value !== 'number' && value.length === 0)) continue;
    if (typeof value === 'number') {
      parts.push(varint(number << 3), varint(value));
      continue;
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    parts.push(varint((number << 3) | 2), varint(bytes.length), bytes);
  }
  return Buffer.concat(parts);
}

/** Throws when the bytes are no message. */
export function decodeMessage(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 35) throw new Error('the message is cut off');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = next();
    const [number, wire] = [tag >>> 3, tag & 7];
    if (wire === 0) {
      fields.push({ number, value: next() });
    } else if (wire === 2) {
      const length = next();
      if (at + length > bytes.length) throw new Error('the message is cut off');
      fields.push({ number, value: bytes.subarray(at, at + length) });
      at += length;
    } else {
      throw new Error(`the message has a field of wire type ${wire}`);
    }
  }
  return fields;
}

export function bytesOf(fields: readonly Field[], number: number): Uint8Array {
  const value = fields.findLast((each) => each.number === number)?.value;
  return value instanceof Uint8Array ? value : new Uint8Array();
}

export function textOf(fields: readonly Field[], number: number): string {
  return Buffer.from(bytesOf(fields, number)).toString();
}

export function numberOf(fields: readonly Field[], number: number): number {
  const value = fields.findLast((each) => each.number === number)?.value;
  return typeof value === 'number' ? value : 0;
}

export type Annotations = ReadonlyMap<string, Uint8Array>;

/** A map of bytes: each entry a message of key (1) and value (2), in the order of the keys. */
export function annotationFields(number: number, annotations: Annotations): (readonly [number, Uint8Array])[] {
  return [...annotations].sort(([left], [right]) => (left < right ? -1 : 1)).map(([key, value]) => [number, encodeMessage([[1, key], [2, value]])]);
}

export function annotationsOf(fields: readonly Field[], number: number): Annotations {
  return new Map(fields.filter((each) => each.number === number).map(({ value }) => {
    const entry = decodeMessage(value instanceof Uint8Array ? value : new Uint8Array());
    return [textOf(entry, 1), bytesOf(entry, 2)];
  }));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
