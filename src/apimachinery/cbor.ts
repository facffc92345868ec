/**
 * CBOR as Kubernetes speaks it: documents begin with the self-described tag, text is sent as byte strings (Go's strings
 * need not be UTF-8) and taken in both forms; bytes that are meant to be base64 in JSON carry the tag that says so.
 *
 * Source: KEP-4222; RFC 8949.
 */
import { Token, Type, decodeFirst, encode } from 'cborg';
import type { DecodeOptions, EncodeOptions } from 'cborg/interface';
import { exactInteger } from './exact-json.ts';
import type { JsonValue } from './json.ts';
import { setOwn } from './json.ts';

/** Bytes that are no CBOR, or no document that could stand in JSON. Becomes a 400. */
export class CborError extends Error {
  override readonly name = 'CborError';
}

const selfDescribed = Uint8Array.of(0xd9, 0xd9, 0xf7);
/** As the JSON reader: what nests deeper is no object of Kubernetes. */
const maxDepth = 10_000;
const textEncoder = new TextEncoder();

const encodeOptions: EncodeOptions = {
  ignoreUndefinedProperties: true,
  typeEncoders: {
    string: (text: string) => new Token(Type.bytes, textEncoder.encode(text)),
  },
};

/** One document. */
export function encodeCbor(value: unknown): Uint8Array {
  const body = encode(value, encodeOptions);
  const output = new Uint8Array(selfDescribed.length + body.length);
  output.set(selfDescribed);
  output.set(body, selfDescribed.length);
  return output;
}

const decodeOptions: DecodeOptions = {
  useMaps: true,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  rejectDuplicateMapKeys: true,
  tags: {
    55799: (inner) => inner(),
    // Bytes that JSON has as base64 (22), base64url (21) or hexadecimal (23).
    21: (inner) => new EncodedBytes(asBytes(inner()).toBase64({ alphabet: 'base64url', omitPadding: true })),
    22: (inner) => new EncodedBytes(asBytes(inner()).toBase64()),
    23: (inner) => new EncodedBytes(asBytes(inner()).toHex()),
    0: (inner) => inner(),
  },
};

/** Bytes whose tag says how they are written as text. */
class EncodedBytes {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new CborError('a tag for bytes stands before something else');
}

/**
 * The JSON that a document stands for. `exact`: integers that a number cannot hold are bigints. Throws `CborError`, also for
 * a key that stands twice, as the original does.
 */
export function decodeCbor(bytes: Uint8Array, { exact = false }: { readonly exact?: boolean } = {}): JsonValue {
  let decoded: unknown;
  let rest: Uint8Array;
  try {
    [decoded, rest] = decodeFirst(bytes, decodeOptions) as [unknown, Uint8Array];
  } catch (error) {
    throw error instanceof CborError ? error : new CborError((error as Error).message, { cause: error });
  }
  if (rest.length > 0) throw new CborError(`${rest.length} bytes of extraneous data`);
  return toJson(decoded, 0, exact);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function toJson(value: unknown, depth: number, exact: boolean): JsonValue {
  if (depth > maxDepth) throw new CborError('it nests too deeply');
  if (value instanceof Uint8Array) return textOf(value);
  if (value instanceof EncodedBytes) return value.text;
  if (value instanceof Map) {
    const output: Record<string, JsonValue> = {};
    let index = 0;
    for (const [key, item] of value as Map<unknown, unknown>) {
      if (typeof key !== 'string' && !(key instanceof Uint8Array)) throw new CborError('a key is no text');
      const name = typeof key === 'string' ? key : textOf(key);
      if (Object.hasOwn(output, name)) throw new CborError(`found duplicate map key ${JSON.stringify(name)} at map element index ${index}`);
      setOwn(output, name, toJson(item, depth + 1, exact));
      index++;
    }
    return output;
  }
  if (Array.isArray(value)) return value.map((item) => toJson(item, depth + 1, exact));
  if (typeof value === 'bigint') return exact ? (exactInteger(value) as JsonValue) : Number(value);
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw new CborError('it holds what JSON cannot');
}

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new CborError('a text is not UTF-8', { cause: error });
  }
}
