import protobuf from 'protobufjs/minimal.js';
import { enums, messages } from './wire-fields.ts';
import type { EnumName, Field, MessageName, Scalar } from './wire-fields.ts';

/** A message as plain data: absent messages are absent properties, scalars have proto3's zero values, enums names. */
export type Plain = Readonly<Record<string, unknown>>;

const scalars = new Set<string>(['string', 'bool', 'int32', 'uint32', 'int64', 'uint64', 'bytes']);
const { Reader, Writer } = protobuf;
type Reader = protobuf.Reader;
type Writer = protobuf.Writer;

/** The wire form of `value`; undefined properties and those CRI's field list does not have are left out. */
export function encodeMessage(name: MessageName, value: Plain): Uint8Array {
  const writer = Writer.create();
  writeMessage(writer, name, value);
  return writer.finish();
}

/** The plain form; fields that the list does not have are skipped. Throws `RangeError` on truncated input. */
export function decodeMessage(name: MessageName, bytes: Uint8Array): Plain {
  return readMessage(Reader.create(bytes), name, bytes.length);
}

function fieldsOf(name: MessageName): Readonly<Record<string, Field>> {
  return messages[name] as Readonly<Record<string, Field>>;
}

function writeMessage(writer: Writer, name: MessageName, value: Plain): void {
  for (const [property, [number, type, many]] of Object.entries(fieldsOf(name))) {
    const content = value[property];
    if (content === undefined || content === null) continue;
    if (type === 'strings') {
      for (const [key, item] of Object.entries(content as Record<string, string>)) {
        writer.uint32((number << 3) | 2).fork().uint32(10).string(key).uint32(18).string(item).ldelim();
      }
      continue;
    }
    for (const item of many === 'many' ? (content as readonly unknown[]) : [content]) writeValue(writer, number, type, item);
  }
}

function writeValue(writer: Writer, number: number, type: Field[1], value: unknown): void {
  if (type === 'string' || type === 'bytes') {
    writer.uint32((number << 3) | 2);
    if (type === 'string') writer.string(value as string);
    else writer.bytes(value as Uint8Array);
  } else if (type === 'number') {
    writer.uint32((number << 3) | 2).fork().uint32(8).int64(value as number).ldelim();
  } else if (type in enums) {
    writer.uint32(number << 3).int32(Math.max(0, (enums[type as EnumName] as readonly string[]).indexOf(value as string)));
  } else if (scalars.has(type)) {
    writer.uint32(number << 3);
    if (type === 'bool') writer.bool(value as boolean);
    else writer[type as 'int32' | 'uint32' | 'int64' | 'uint64'](value as number);
  } else {
    writer.uint32((number << 3) | 2).fork();
    writeMessage(writer, type as MessageName, value as Plain);
    writer.ldelim();
  }
}

const fieldsByNumber = new Map<MessageName, ReadonlyMap<number, readonly [property: string, field: Field]>>();

function numbered(name: MessageName): ReadonlyMap<number, readonly [property: string, field: Field]> {
  let known = fieldsByNumber.get(name);
  if (known === undefined) {
    known = new Map(Object.entries(fieldsOf(name)).map(([property, field]) => [field[0], [property, field]]));
    fieldsByNumber.set(name, known);
  }
  return known;
}

function readMessage(reader: Reader, name: MessageName, end: number): Plain {
  const message: Record<string, unknown> = {};
  for (const [property, [, type, many]] of Object.entries(fieldsOf(name))) {
    const zero = many === 'many' ? [] : zeroOf(type);
    if (zero !== undefined) message[property] = zero;
  }
  const known = numbered(name);
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = known.get(tag >>> 3);
    if (field === undefined) {
      reader.skipType(tag & 7);
      continue;
    }
    const [property, [, type, many]] = field;
    if (type === 'strings') readEntry(reader, message[property] as Record<string, string>);
    else if (many !== 'many') message[property] = readValue(reader, type);
    else if ((tag & 7) === 2 && scalars.has(type) && type !== 'string' && type !== 'bytes') {
      const packedEnd = reader.uint32() + reader.pos;
      while (reader.pos < packedEnd) (message[property] as unknown[]).push(readValue(reader, type));
    } else (message[property] as unknown[]).push(readValue(reader, type));
  }
  return message;
}

function zeroOf(type: Field[1]): unknown {
  if (type === 'strings') return {};
  if (type === 'string') return '';
  if (type === 'bool') return false;
  if (type === 'bytes') return new Uint8Array(0);
  if (type in enums) return enums[type as EnumName][0];
  return scalars.has(type) ? 0 : undefined;
}

function readValue(reader: Reader, type: Field[1]): unknown {
  if (scalars.has(type)) {
    const value: unknown = reader[type as Scalar]();
    return type === 'int64' || type === 'uint64' ? Number(value) : value;
  }
  if (type in enums) {
    const index = reader.int32();
    return enums[type as EnumName][index] ?? `UNKNOWN_${index}`;
  }
  const end = reader.uint32() + reader.pos;
  if (type !== 'number') return readMessage(reader, type as MessageName, end);
  let value = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === 8) value = Number(reader.int64());
    else reader.skipType(tag & 7);
  }
  return value;
}

function readEntry(reader: Reader, entries: Record<string, string>): void {
  const end = reader.uint32() + reader.pos;
  let key = '';
  let value = '';
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === 10) key = reader.string();
    else if (tag === 18) value = reader.string();
    else reader.skipType(tag & 7);
  }
  entries[key] = value;
}
