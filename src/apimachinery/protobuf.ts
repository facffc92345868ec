/**
 * Kubernetes' protobuf encoding of objects, driven by the field numbers of the declarations.
 *
 * Presence is proto2's as Kubernetes uses it: what is held by value is always written, zero or not; pointers, lists and
 * maps only when set. Decoding yields JSON that still has to go through `decodeDraft`, which drops zero values and
 * fills in defaults, so that both encodings end in the same object.
 *
 * Source: Kubernetes documentation, "API concepts: Kubernetes Protobuf encoding"; protobuf wire format.
 */
import { decodeDraft } from './decode.ts';
import { durationText } from './go-duration.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { unsetValue } from './protobuf-encode.ts';
import { ProtobufReader, ProtobufWriter, wireTypes } from './protobuf-wire.ts';
import type { AnyStruct, Field, FieldType, ScalarName, SchemaUnion } from './schema.ts';

export { encodeProtobuf } from './protobuf-encode.ts';

/** What cannot be decoded as the struct says. Becomes a 400. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

const magic = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);

/** An object in its envelope: what bodies of application/vnd.kubernetes.protobuf are. */
export interface Unknown {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

/** Opens the envelope. Throws `ProtobufError` when `bytes` are none. */
export function openEnvelope(bytes: Uint8Array): Unknown {
  if (!magic.every((byte, index) => bytes[index] === byte)) throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = new Uint8Array();
  const reader = new ProtobufReader(bytes.subarray(magic.length));
  while (!reader.isAtEnd) {
    const { number, wireType } = reader.tag();
    if (number === 1) {
      const typeMeta = new ProtobufReader(reader.bytes());
      while (!typeMeta.isAtEnd) {
        const tag = typeMeta.tag();
        if (tag.number === 1) apiVersion = typeMeta.text();
        else if (tag.number === 2) kind = typeMeta.text();
        else typeMeta.skip(tag.wireType);
      }
    } else if (number === 2) raw = reader.bytes();
    else reader.skip(wireType);
  }
  return { apiVersion, kind, raw };
}

/** Puts an encoded object into its envelope. */
export function sealEnvelope({ apiVersion, kind, raw }: Unknown): Uint8Array {
  const typeMeta = new ProtobufWriter();
  typeMeta.text(1, apiVersion);
  typeMeta.text(2, kind);
  const writer = new ProtobufWriter();
  writer.append(magic);
  writer.bytes(1, typeMeta.finish());
  writer.bytes(2, raw);
  writer.text(3, '');
  writer.text(4, '');
  return writer.finish();
}

/** The JSON that the message stands for; unknown fields are skipped, as protobuf wants it. Throws `ProtobufError`. */
export function decodeProtobuf(struct: AnyStruct, bytes: Uint8Array): JsonObject {
  const output: Record<string, JsonValue> = {};
  decodeInto(struct, bytes, output);
  return output;
}

interface NumberedField {
  readonly key: string;
  readonly number: number;
  readonly field: Field;
}
interface MessagePlan {
  readonly byNumber: ReadonlyMap<number, NumberedField | AnyStruct>;
}
const plans = new WeakMap<AnyStruct, MessagePlan>();

function planOf(struct: AnyStruct): MessagePlan {
  let plan = plans.get(struct);
  if (plan !== undefined) return plan;
  const inlined = new Set(struct.inlines.flatMap((each) => [...each.struct.fields.keys()]));
  const own: NumberedField[] = [];
  for (const [key, field] of struct.fields) if (field.number > 0 && !inlined.has(key)) own.push({ key, number: field.number, field });
  const byNumber = new Map<number, NumberedField | AnyStruct>(own.map((each) => [each.number, each]));
  for (const each of struct.inlines) byNumber.set(each.number, each.struct);
  plan = { byNumber };
  plans.set(struct, plan);
  return plan;
}

function decodeInto(struct: AnyStruct, bytes: Uint8Array, output: Record<string, JsonValue>): void {
  const { byNumber } = planOf(struct);
  const reader = new ProtobufReader(bytes);
  while (!reader.isAtEnd) {
    const { number, wireType } = reader.tag();
    const found = byNumber.get(number);
    if (found === undefined) reader.skip(wireType);
    else if ('field' in found) decodeField(found, reader, wireType, output);
    else decodeInto(found, reader.bytes(), output);
  }
}

function decodeField({ key, field }: NumberedField, reader: ProtobufReader, wireType: number, output: Record<string, JsonValue>): void {
  const { type } = field;
  switch (type.is) {
    case 'list': {
      const items = (output[key] ??= []) as JsonValue[];
      const { element } = type;
      // Packed numbers are allowed wherever repeated ones are.
      if (wireType === wireTypes.lengthDelimited && element.is === 'scalar' && isNumeric(element.scalar)) {
        const packed = new ProtobufReader(reader.bytes());
        while (!packed.isAtEnd) items.push(decodeValue(element, packed));
      } else {
        items.push(decodeValue(element, reader));
      }
      return;
    }
    case 'map': {
      const map = (output[key] ??= {}) as Record<string, JsonValue>;
      const entry = new ProtobufReader(reader.bytes());
      let name = '';
      let value: JsonValue | undefined;
      while (!entry.isAtEnd) {
        const tag = entry.tag();
        if (tag.number === 1) name = entry.text();
        else if (tag.number === 2) value = type.element.is === 'list' ? decodeItems(type.element.element, entry.bytes()) : decodeValue(type.element, entry);
        else entry.skip(tag.wireType);
      }
      map[name] = value ?? emptyValue(type.element);
      return;
    }
    case 'scalar':
    case 'struct':
      output[key] = decodeValue(type, reader);
  }
}

/** A message that only wraps a list (`items`, 1), as the values of maps of lists are. */
function decodeItems(element: FieldType, bytes: Uint8Array): JsonValue[] {
  const items: JsonValue[] = [];
  const reader = new ProtobufReader(bytes);
  while (!reader.isAtEnd) {
    const tag = reader.tag();
    if (tag.number === 1) items.push(decodeValue(element, reader));
    else reader.skip(tag.wireType);
  }
  return items;
}

function emptyValue(type: FieldType): JsonValue {
  if (type.is === 'scalar') return unsetValue(type.scalar);
  return type.is === 'list' ? [] : {};
}

function isNumeric(scalar: ScalarName): boolean {
  return scalar === 'int32' || scalar === 'int64' || scalar === 'bool' || scalar === 'double';
}

function decodeValue(type: FieldType, reader: ProtobufReader): JsonValue {
  if (type.is === 'struct') {
    const output: Record<string, JsonValue> = {};
    decodeInto(type.struct(), reader.bytes(), output);
    return output;
  }
  if (type.is !== 'scalar') throw new ProtobufError('lists of lists have no protobuf form');
  if (type.union !== undefined) return decodeUnion(type.union, reader.bytes());
  switch (type.scalar) {
    case 'string':
      return reader.text();
    case 'int32': case 'int64':
      return reader.signed();
    case 'bool':
      return reader.signed() !== 0;
    case 'double':
      return reader.double();
    case 'bytes':
      return toBase64(reader.bytes());
    case 'quantity':
      return textField(reader.bytes(), 1) || '0';
    case 'intOrString':
      return decodeIntOrString(reader.bytes());
    case 'time': case 'microTime':
      return decodeTime(reader.bytes(), type.scalar);
    case 'duration':
      return durationText(numberField(reader.bytes(), 1));
    case 'raw': case 'json': case 'fieldsV1':
      return parseRaw(reader.bytes());
  }
}

function decodeUnion({ schema, other }: SchemaUnion, bytes: Uint8Array): JsonValue {
  const reader = new ProtobufReader(bytes);
  // JSON is taken as it is from here on: what is not set must not stand in it.
  const ofSchema = (): JsonValue => decodeDraft(schema(), decodeProtobuf(schema(), reader.bytes())) as JsonValue;
  let found: JsonValue | undefined;
  let allows = false;
  const list: JsonValue[] = [];
  while (!reader.isAtEnd) {
    const tag = reader.tag();
    if (other === 'bool' && tag.number === 1) allows = reader.signed() !== 0;
    else if (tag.number === (other === 'bool' ? 2 : 1)) found = ofSchema();
    else if (tag.number === 2) list.push(other === 'schemas' ? ofSchema() : reader.text());
    else reader.skip(tag.wireType);
  }
  return found ?? (other === 'bool' ? allows : list);
}

function decodeIntOrString(bytes: Uint8Array): JsonValue {
  return numberField(bytes, 1) === 1 ? textField(bytes, 3) : numberField(bytes, 2);
}

function decodeTime(bytes: Uint8Array, scalar: 'time' | 'microTime'): JsonValue {
  if (bytes.length === 0) return null;
  const seconds = numberField(bytes, 1);
  const micros = Math.floor(numberField(bytes, 2) / 1000);
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return scalar === 'time' ? `${text}Z` : `${text}.${String(micros).padStart(6, '0')}Z`;
}

function parseRaw(bytes: Uint8Array): JsonValue {
  const reader = new ProtobufReader(bytes);
  let text = '';
  while (!reader.isAtEnd) {
    const tag = reader.tag();
    if (tag.number === 1) text = reader.text();
    else reader.skip(tag.wireType);
  }
  if (text === '') return null;
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new ProtobufError('an embedded object is not JSON', { cause: error });
  }
}

function textField(bytes: Uint8Array, number: number): string {
  const reader = new ProtobufReader(bytes);
  let found = '';
  while (!reader.isAtEnd) {
    const tag = reader.tag();
    if (tag.number === number) found = reader.text();
    else reader.skip(tag.wireType);
  }
  return found;
}

function numberField(bytes: Uint8Array, number: number): number {
  const reader = new ProtobufReader(bytes);
  let found = 0;
  while (!reader.isAtEnd) {
    const tag = reader.tag();
    if (tag.number === number) found = reader.signed();
    else reader.skip(tag.wireType);
  }
  return found;
}

function toBase64(bytes: Uint8Array): string {
  return bytes.toBase64();
}
