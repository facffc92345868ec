/**
 * From objects to protobuf messages. The way to write each struct is worked out once.
 *
 * Source: Kubernetes documentation, "API concepts: Kubernetes Protobuf encoding"; protobuf wire format.
 */
import { isJsonObject } from './json.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { durationNanos } from './go-duration.ts';
import { BackwardWriter } from './protobuf-writer.ts';
import type { AnyStruct, Field, FieldType, ScalarName, SchemaUnion } from './schema.ts';

/** The message of an object. `apiVersion` and `kind` are not part of it: they are the envelope's. */
export function encodeProtobuf(struct: AnyStruct, object: object): Uint8Array<ArrayBuffer> {
  // One at a time: nothing here waits, and what is made is copied out.
  const writer = (scratch ??= new BackwardWriter());
  writer.reset();
  writeMessage(struct, object as JsonObject, writer);
  return writer.finish();
}

let scratch: BackwardWriter | undefined;

type FieldWriter = (object: JsonObject, writer: BackwardWriter) => void;
type ValueWriter = (number: number, value: JsonValue, writer: BackwardWriter) => void;

/** The fields from the highest number down. */
const plans = new WeakMap<AnyStruct, readonly FieldWriter[]>();

function writeMessage(struct: AnyStruct, object: JsonObject, writer: BackwardWriter): void {
  for (const write of planOf(struct)) write(object, writer);
}

function planOf(struct: AnyStruct): readonly FieldWriter[] {
  let plan = plans.get(struct);
  if (plan !== undefined) return plan;
  const inlined = new Set(struct.inlines.flatMap((each) => [...each.struct.fields.keys()]));
  const writers: { readonly number: number; readonly write: FieldWriter }[] = struct.inlines.map((each) => ({ number: each.number, write: inlineWriter(each.number, each.struct) }));
  for (const [key, field] of struct.fields) {
    if (field.number > 0 && !inlined.has(key)) writers.push({ number: field.number, write: fieldWriter(key, field) });
  }
  plan = writers.sort((left, right) => right.number - left.number).map(({ write }) => write);
  plans.set(struct, plan);
  return plan;
}

function inlineWriter(number: number, struct: AnyStruct): FieldWriter {
  return (object, writer) => {
    const { mark } = writer;
    writeMessage(struct, object, writer);
    writer.close(number, mark);
  };
}

function fieldWriter(key: string, { number, type, options, value: isHeldByValue }: Field): FieldWriter {
  switch (type.is) {
    case 'list': {
      const write = valueWriter(type.element);
      return (object, writer) => {
        const items = object[key];
        if (!Array.isArray(items)) return;
        for (let index = items.length - 1; index >= 0; index--) write(number, items[index] as JsonValue, writer);
      };
    }
    case 'map':
      return mapWriter(key, number, type.element);
    case 'struct': {
      const write = valueWriter(type);
      return (object, writer) => {
        const value = object[key];
        if (isJsonObject(value)) write(number, value, writer);
        else if (isHeldByValue) write(number, emptyObject, writer);
      };
    }
    case 'scalar': {
      const write = valueWriter(type);
      const unset = options.pointer === true || isAbsentWhenUnset(type.scalar) ? undefined : unsetValue(type.scalar);
      return (object, writer) => {
        const value = object[key];
        if (value !== undefined && value !== null) write(number, value, writer);
        else if (unset !== undefined) write(number, unset, writer);
      };
    }
  }
}

const emptyObject: JsonObject = Object.freeze({});

function mapWriter(key: string, number: number, element: FieldType): FieldWriter {
  const writeItem = valueWriter(element.is === 'list' ? element.element : element);
  return (object, writer) => {
    const map = object[key];
    if (!isJsonObject(map)) return;
    const keys = Object.keys(map);
    if (keys.length > 1) keys.sort();
    for (let index = keys.length - 1; index >= 0; index--) {
      const name = keys[index] ?? '';
      const item = map[name] ?? null;
      const { mark } = writer;
      if (element.is === 'list') {
        // Lists have no place in a map of protobuf's: a message with nothing but the list stands there.
        const items = item as readonly JsonValue[];
        for (let at = items.length - 1; at >= 0; at--) writeItem(1, items[at] ?? null, writer);
        writer.close(2, mark);
      } else {
        writeItem(2, item, writer);
      }
      writer.text(1, name);
      writer.close(number, mark);
    }
  };
}

/** Byte slices and embedded JSON are pointers by nature. */
function isAbsentWhenUnset(scalar: ScalarName): boolean {
  return scalar === 'bytes' || scalar === 'json' || scalar === 'fieldsV1';
}

/** What a value that is not set is in its message; null: empty. */
export function unsetValue(scalar: ScalarName): JsonValue {
  switch (scalar) {
    case 'int32': case 'int64': case 'double': case 'intOrString':
      return 0;
    case 'bool':
      return false;
    case 'quantity':
      return '0';
    case 'duration':
      return '0s';
    case 'time': case 'microTime': case 'raw': case 'json': case 'fieldsV1':
      return null;
    case 'string': case 'bytes':
      return '';
  }
}

function valueWriter(type: FieldType): ValueWriter {
  if (type.is === 'struct') {
    return (number, value, writer) => {
      const { mark } = writer;
      writeMessage(type.struct(), isJsonObject(value) ? value : emptyObject, writer);
      writer.close(number, mark);
    };
  }
  if (type.is !== 'scalar') throw new TypeError('lists of lists have no protobuf form');
  if (type.union !== undefined) return unionWriter(type.union);
  return scalarWriters[type.scalar];
}

const scalarWriters: Readonly<Record<ScalarName, ValueWriter>> = {
  string: (number, value, writer) => writer.text(number, value as string),
  int32: (number, value, writer) => writer.signed(number, Number(value)),
  int64: (number, value, writer) => writer.signed(number, Number(value)),
  bool: (number, value, writer) => writer.signed(number, value === true ? 1 : 0),
  double: (number, value, writer) => writer.double(number, Number(value)),
  bytes: (number, value, writer) => writer.bytes(number, Uint8Array.fromBase64((value as string).replaceAll(/\s/g, ''))),
  quantity(number, value, writer) {
    const { mark } = writer;
    writer.text(1, value as string);
    writer.close(number, mark);
  },
  intOrString(number, value, writer) {
    const { mark } = writer;
    writer.text(3, typeof value === 'string' ? value : '');
    writer.signed(2, typeof value === 'number' ? value : 0);
    writer.signed(1, typeof value === 'string' ? 1 : 0);
    writer.close(number, mark);
  },
  time: writeTime,
  microTime: writeTime,
  duration(number, value, writer) {
    const { mark } = writer;
    writer.signed(1, durationNanos(value as string));
    writer.close(number, mark);
  },
  raw: writeJson,
  json: writeJson,
  fieldsV1: writeJson,
};

function writeJson(number: number, value: JsonValue, writer: BackwardWriter): void {
  const { mark } = writer;
  if (value !== null) writer.text(1, JSON.stringify(value));
  writer.close(number, mark);
}

function writeTime(number: number, value: JsonValue, writer: BackwardWriter): void {
  const { mark } = writer;
  if (typeof value === 'string' && value !== '') {
    const fraction = value.length > 20 ? (/\.(\d+)/.exec(value)?.[1] ?? '') : '';
    writer.signed(2, fraction === '' ? 0 : Number(fraction.padEnd(9, '0').slice(0, 9)));
    writer.signed(1, Date.parse(`${value.slice(0, 19)}Z`) / 1000);
  }
  writer.close(number, mark);
}

/** Of all the forms that the value may have, the message has one field each. */
function unionWriter({ schema, other }: SchemaUnion): ValueWriter {
  return (number, value, writer) => {
    const { mark } = writer;
    const writeSchema = (at: number, item: JsonValue): void => {
      const inner = writer.mark;
      writeMessage(schema(), isJsonObject(item) ? item : emptyObject, writer);
      writer.close(at, inner);
    };
    switch (other) {
      case 'bool':
        // Whether anything is allowed at all is said in any case.
        if (isJsonObject(value)) writeSchema(2, value);
        writer.signed(1, value !== false ? 1 : 0);
        break;
      case 'schemas': case 'strings':
        if (!Array.isArray(value)) writeSchema(1, value);
        else for (const item of (value as readonly JsonValue[]).toReversed()) {
          if (other === 'schemas') writeSchema(2, item);
          // What is no text is refused by the rules of definitions, not by the encoding.
          else writer.text(2, typeof item === 'string' ? item : JSON.stringify(item));
        }
    }
    writer.close(number, mark);
  };
}
