import { WireReader, WireWriter } from './wire-bytes.ts';
import { enums, messages } from './wire-fields.ts';
import type { EnumName, Field, MessageName } from './wire-fields.ts';

/** A message as plain data: absent messages are absent properties, scalars have proto3's zero values, enums names. */
export type Plain = Readonly<Record<string, unknown>>;

const scalars = new Set<string>(['string', 'bool', 'int32', 'uint32', 'int64', 'uint64', 'bytes']);

/** The wire form of `value`; undefined properties and those CRI's field list does not have are left out. */
export function encodeMessage(name: MessageName, value: Plain): Uint8Array {
  const writer = new WireWriter();
  for (const [property, [number, type, many]] of Object.entries(fieldsOf(name))) {
    const content = value[property];
    if (content === undefined || content === null) continue;
    if (type === 'strings') {
      for (const [key, item] of Object.entries(content as Record<string, string>)) {
        writer.tag(number, 2).bytes(new WireWriter().tag(1, 2).string(key).tag(2, 2).string(item).finish());
      }
      continue;
    }
    for (const item of many === 'many' ? (content as readonly unknown[]) : [content]) writeValue(writer, number, type, item);
  }
  return writer.finish();
}

/** The plain form; fields that the list does not have are skipped. Throws `RangeError` on truncated input. */
export function decodeMessage(name: MessageName, bytes: Uint8Array): Plain {
  return readMessage(new WireReader(bytes), name, bytes.length);
}

function fieldsOf(name: MessageName): Readonly<Record<string, Field>> {
  return messages[name] as Readonly<Record<string, Field>>;
}

function writeValue(writer: WireWriter, number: number, type: Field[1], value: unknown): void {
  if (type === 'string') writer.tag(number, 2).string(value as string);
  else if (type === 'bytes') writer.tag(number, 2).bytes(value as Uint8Array);
  else if (type === 'number') writer.tag(number, 2).bytes(new WireWriter().tag(1, 0).varint(value as number).finish());
  else if (type === 'bool') writer.tag(number, 0).varint(value === true ? 1 : 0);
  else if (type in enums) writer.tag(number, 0).varint(Math.max(0, (enums[type as EnumName] as readonly string[]).indexOf(value as string)));
  else if (scalars.has(type)) writer.tag(number, 0).varint(value as number);
  else writer.tag(number, 2).bytes(encodeMessage(type as MessageName, value as Plain));
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

function readMessage(reader: WireReader, name: MessageName, end: number): Plain {
  const message: Record<string, unknown> = {};
  for (const [property, [, type, many]] of Object.entries(fieldsOf(name))) {
    const zero = many === 'many' ? [] : zeroOf(type);
    if (zero !== undefined) message[property] = zero;
  }
  const known = numbered(name);
  while (reader.position < end) {
    const tag = reader.varint();
    const field = known.get(Math.floor(tag / 8));
    const wireType = tag % 8;
    if (field === undefined) {
      reader.skip(wireType);
      continue;
    }
    const [property, [, type, many]] = field;
    if (type === 'strings') readEntry(reader, message[property] as Record<string, string>);
    else if (many !== 'many') message[property] = readValue(reader, type);
    else if (wireType === 2 && isNumeric(type)) {
      const packedEnd = reader.messageEnd();
      while (reader.position < packedEnd) (message[property] as unknown[]).push(readValue(reader, type));
    } else (message[property] as unknown[]).push(readValue(reader, type));
  }
  return message;
}

function isNumeric(type: Field[1]): boolean {
  return type in enums || (scalars.has(type) && type !== 'string' && type !== 'bytes');
}

function zeroOf(type: Field[1]): unknown {
  if (type === 'strings') return {};
  if (type === 'string') return '';
  if (type === 'bool') return false;
  if (type === 'bytes') return new Uint8Array(0);
  if (type in enums) return enums[type as EnumName][0];
  return scalars.has(type) ? 0 : undefined;
}

function readValue(reader: WireReader, type: Field[1]): unknown {
  if (type === 'string') return reader.string();
  if (type === 'bytes') return reader.bytes();
  if (type === 'bool') return reader.varint() !== 0;
  if (type === 'int32' || type === 'int64') return reader.signed();
  if (type === 'uint32' || type === 'uint64') return reader.varint();
  if (type in enums) {
    const index = reader.varint();
    return enums[type as EnumName][index] ?? `UNKNOWN_${index}`;
  }
  const end = reader.messageEnd();
  if (type !== 'number') return readMessage(reader, type as MessageName, end);
  let value = 0;
  while (reader.position < end) {
    const tag = reader.varint();
    if (tag === 8) value = reader.signed();
    else reader.skip(tag % 8);
  }
  return value;
}

function readEntry(reader: WireReader, entries: Record<string, string>): void {
  const end = reader.messageEnd();
  let key = '';
  let value = '';
  while (reader.position < end) {
    const tag = reader.varint();
    if (tag === 10) key = reader.string();
    else if (tag === 18) value = reader.string();
    else reader.skip(tag % 8);
  }
  // An assignment to `__proto__` would not make a property of that name.
  Object.defineProperty(entries, key, { value, enumerable: true, writable: true, configurable: true });
}
