import protobuf from 'protobufjs/minimal.js';
import { messages, type Fields, type Given, type Message, type MessageName } from './wire-fields.ts';

type Reader = protobuf.Reader;
type Writer = protobuf.Writer;
type Plain = Readonly<Record<string, unknown>>;

export function encode<N extends MessageName>(name: N, value: Given<N>): Buffer {
  const writer = protobuf.Writer.create();
  write(writer, messages[name], value);
  return Buffer.from(writer.finish());
}

/** Fields that the list does not have are skipped. Throws `RangeError` on truncated input. */
export function decode<N extends MessageName>(name: N, bytes: Uint8Array): Message<N> {
  return read(protobuf.Reader.create(bytes), name, bytes.length) as Message<N>;
}

function write(writer: Writer, fields: Fields, value: Plain): void {
  for (const name in fields) {
    const field = fields[name];
    const content = value[name];
    if (field === undefined || content === undefined) continue;
    const [number, type, many] = field;
    if (many === undefined) writeOne(writer, number, type, content);
    else for (const item of content as readonly unknown[]) writeOne(writer, number, type, item);
  }
}

function writeOne(writer: Writer, number: number, type: string, value: unknown): void {
  switch (type) {
    case 'int': writer.uint32(number << 3).int64(value as number); break;
    case 'id': writer.uint32(number << 3).int64(longOf(value as bigint)); break;
    case 'bool': writer.uint32(number << 3).bool(value as boolean); break;
    case 'text': writer.uint32((number << 3) | 2).string(value as string); break;
    case 'bytes': writer.uint32((number << 3) | 2).bytes(value as Uint8Array); break;
    default:
      writer.uint32((number << 3) | 2).fork();
      write(writer, messages[type as MessageName], value as Plain);
      writer.ldelim();
  }
}

/** The fields of each message by number. */
const byNumber = new Map<MessageName, ReadonlyMap<number, readonly [string, string, boolean]>>();

function fieldsByNumber(name: MessageName): ReadonlyMap<number, readonly [string, string, boolean]> {
  let fields = byNumber.get(name);
  if (fields === undefined) {
    fields = new Map(Object.entries(messages[name] as Fields).map(([property, [number, type, many]]) => [number, [property, type, many !== undefined]]));
    byNumber.set(name, fields);
  }
  return fields;
}

function read(reader: Reader, name: MessageName, end: number): Plain {
  const fields = fieldsByNumber(name);
  const value: Record<string, unknown> = {};
  for (const [property, type, isMany] of fields.values()) {
    if (isMany) value[property] = [];
    else if (type in zeros) value[property] = zeros[type as keyof typeof zeros];
  }
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = fields.get(tag >>> 3);
    if (field === undefined) {
      reader.skipType(tag & 7);
      continue;
    }
    const [property, type, isMany] = field;
    const content = readOne(reader, type);
    if (isMany) (value[property] as unknown[]).push(content);
    else value[property] = content;
  }
  return value;
}

const zeros = { int: 0, id: 0n, bool: false, text: '', bytes: new Uint8Array() } as const;

function readOne(reader: Reader, type: string): unknown {
  switch (type) {
    case 'int': return Number(reader.int64());
    case 'id': return bigOf(reader.int64());
    case 'bool': return reader.bool();
    case 'text': return reader.string();
    case 'bytes': return reader.bytes();
    default: {
      const length = reader.uint32();
      return read(reader, type as MessageName, reader.pos + length);
    }
  }
}

/** protobufjs takes and gives a long as its two halves, or as a number where it has no class for longs. */
function longOf(value: bigint): protobuf.Long {
  const bits = BigInt.asUintN(64, value);
  return { low: Number(bits & 0xffff_ffffn) | 0, high: Number(bits >> 32n) | 0, unsigned: false };
}

function bigOf(value: number | protobuf.Long): bigint {
  if (typeof value === 'number') return BigInt(value);
  return BigInt.asIntN(64, (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0));
}
