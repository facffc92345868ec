/**
 * OpenAPI documents in protobuf: JSON written as the messages that `openapi-v2-messages.ts` and `openapi-v3-messages.ts`
 * name. In pieces, for a document is megabytes: the generators yield where others may get their turn.
 *
 * Source: google/gnostic-models (openapiv2, openapiv3).
 */
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import { BackwardWriter } from '#apimachinery/protobuf-writer.ts';

/** The fields of a message by their keys in JSON. */
export interface Message {
  readonly fields: Readonly<Record<string, readonly [number, Form]>>;
  /** Where keys that begin with `x-` go, as pairs of a name and YAML. */
  readonly extensions?: number;
  /** Where all other keys go, each with its name. */
  readonly named?: readonly [number, Form];
}

export type Form =
  | 'text' | 'texts' | 'flag' | 'number' | 'integer'
  /** Any JSON, as YAML. */
  | 'any' | 'anys'
  | { readonly is: 'message' | 'list'; readonly of: () => Message }
  /** One of several messages or values, as what stands there tells: the number of the field and the form. */
  | { readonly is: 'choice' | 'choices'; readonly of: (value: JsonValue) => readonly [number, Form] }
  /** A message around a list, or around one value, in a field 1. */
  | { readonly is: 'wrapped'; readonly form: Form };

export function message(of: () => Message): Form {
  return { is: 'message', of };
}
export function list(of: () => Message): Form {
  return { is: 'list', of };
}
export function choice(of: (value: JsonValue) => readonly [number, Form]): Form {
  return { is: 'choice', of };
}
export function choices(of: (value: JsonValue) => readonly [number, Form]): Form {
  return { is: 'choices', of };
}
export function wrapped(form: Form): Form {
  return { is: 'wrapped', form };
}
/** A map: pairs of a name and a value. */
export function named(form: Form): Form {
  return { is: 'message', of: () => ({ fields: {}, named: [1, form] }) };
}

/**
 * The message in pieces that follow each other. Maps down to `depth` messages below it come apart; what is below them is
 * small enough to be written in one go.
 */
export function* protobufPieces(of: Message, value: JsonObject, depth = 3): Generator<undefined, Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  const writer = new BackwardWriter();
  for (const [key, each] of Object.entries(value)) {
    const [number, form] = fieldOf(of, key) ?? [];
    if (number === undefined || form === undefined) continue;
    if (depth > 0 && typeof form === 'object' && form.is === 'message' && isJsonObject(each) && of.named === undefined) {
      const below = yield* protobufPieces(form.of(), each, depth - 1);
      writer.reset();
      writer.varint(below.reduce((sum, { length }) => sum + length, 0));
      writer.varint(number * 8 + 2);
      pieces.push(writer.finish(), ...below);
    } else {
      writer.reset();
      writeEntry(writer, of, key, each);
      pieces.push(writer.finish());
      yield;
    }
  }
  return pieces;
}

function fieldOf(of: Message, key: string): readonly [number, Form] | undefined {
  const field = Object.hasOwn(of.fields, key) ? of.fields[key] : undefined;
  if (field !== undefined) return field;
  if (of.extensions !== undefined && key.startsWith('x-')) return [of.extensions, 'any'];
  return of.named;
}

function writeMessage(writer: BackwardWriter, of: Message, value: JsonValue): void {
  if (!isJsonObject(value)) return;
  for (const [key, each] of Object.entries(value).reverse()) writeEntry(writer, of, key, each);
}

function writeEntry(writer: BackwardWriter, of: Message, key: string, value: JsonValue): void {
  const field = Object.hasOwn(of.fields, key) ? of.fields[key] : undefined;
  if (field !== undefined) return writeField(writer, field, value);
  const pair = fieldOf(of, key);
  if (pair === undefined) return undefined;
  const mark = writer.mark;
  writeField(writer, [2, pair[1]], value);
  writer.text(1, key);
  return writer.close(pair[0], mark);
}

function writeField(writer: BackwardWriter, [number, form]: readonly [number, Form], value: JsonValue): void {
  switch (form) {
    case 'text':
      if (typeof value === 'string') writer.text(number, value);
      return;
    case 'texts':
      return eachBackward(value, (item) => {
        if (typeof item === 'string') writer.text(number, item);
      });
    case 'flag':
      if (typeof value === 'boolean') writer.signed(number, value ? 1 : 0);
      return;
    case 'number':
      if (typeof value === 'number') writer.double(number, value);
      return;
    case 'integer':
      if (typeof value === 'number') writer.signed(number, value);
      return;
    case 'any':
      return writeAny(writer, number, value);
    case 'anys':
      return eachBackward(value, (item) => writeAny(writer, number, item));
    default:
  }
  const nested = (write: () => void): void => {
    const mark = writer.mark;
    write();
    writer.close(number, mark);
  };
  switch (form.is) {
    case 'message':
      return nested(() => writeMessage(writer, form.of(), value));
    case 'list':
      return eachBackward(value, (item) => nested(() => writeMessage(writer, form.of(), item)));
    case 'choice':
      return nested(() => writeField(writer, form.of(value), value));
    case 'choices':
      return eachBackward(value, (item) => nested(() => writeField(writer, form.of(item), item)));
    case 'wrapped':
      return nested(() => writeField(writer, [1, form.form], value));
  }
}

/** JSON is YAML. */
function writeAny(writer: BackwardWriter, number: number, value: JsonValue): void {
  const mark = writer.mark;
  writer.text(2, `${JSON.stringify(value)}\n`);
  writer.close(number, mark);
}

/** Lists where one value may stand for a list of one. */
function eachBackward(value: JsonValue, write: (item: JsonValue) => void): void {
  const items: readonly JsonValue[] = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  for (let index = items.length - 1; index >= 0; index--) write(items[index] ?? null);
}
