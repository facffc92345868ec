/**
 * From JSON to an object: one walk over the declaration that checks types, drops what counts as absent, fills in
 * defaults, and finds unknown fields. Objects of one struct get their keys in the order of the declaration, so they
 * share one hidden class.
 *
 * Source: Kubernetes API conventions; error texts as the API server words them.
 */
import type { JsonObject } from './json.ts';
import { isJsonObject } from './json.ts';
import type { KubeObject } from './object-meta.ts';
import { canonicalQuantity } from './quantity.ts';
import type { Draft, ResourceKind } from './resource.ts';
import type { AnyStruct, Field, FieldType, ScalarName, Struct } from './schema.ts';
import { badRequest } from './status-error.ts';

export interface DecodeOptions {
  /** Fill in defaults, as the server does with what clients send. Default: false. */
  readonly defaults?: boolean;
  /** Gets the path of every unknown field (`spec.containers[0].foo`). Without it they are dropped silently. */
  readonly unknownFields?: string[];
}

/** What is wrong with the form of an object (not with its values). Becomes a 400. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  /** The same fault in the words of the way that strategic merge patches take, which is not over JSON text. */
  readonly restoring: string;

  constructor(message: string, restoring: string = message) {
    super(message);
    this.restoring = restoring;
  }
}

/**
 * The object, complete and still writable. Throws `DecodeError` when the JSON does not fit the struct.
 * `input` is not changed; parts that are kept as they are (raw JSON) are shared with it.
 */
export function decodeDraft<T>(struct: Struct<T>, input: unknown, options: DecodeOptions = {}): Draft<T> {
  const walk: DecodeWalk = { defaults: options.defaults === true, unknown: options.unknownFields, path: [] };
  return decodeWithin(struct, input, walk) as Draft<T>;
}

/** The same for a part of an object, in the middle of a walk. */
export function decodeWithin(struct: AnyStruct, input: unknown, walk: DecodeWalk): Record<string, unknown> {
  if (struct.atRunTime === undefined) return decodeStruct(planOf(struct), input, walk);
  if (!isJsonObject(input)) throw mismatch(input, goStructName(struct), walk, struct);
  return struct.atRunTime.decode(input, walk);
}

/** The object as a lister would hold it: complete and frozen. Throws a `StatusError` (400) when the JSON does not fit. */
export function decodeObject<T extends KubeObject>(kind: ResourceKind<T>, input: unknown, options: DecodeOptions = {}): T {
  try {
    const draft = decodeDraft(kind, input, options) as Draft<T> & { apiVersion: string; kind: string };
    draft.apiVersion = kind.apiVersion;
    draft.kind = kind.kind;
    return deepFreeze(draft) as unknown as T;
  } catch (error) {
    if (error instanceof DecodeError) {
      throw badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${error.message}`);
    }
    throw error;
  }
}

/** Freezes `value` and all that it holds; what is frozen already is taken to be frozen throughout. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const key in value) deepFreeze(value[key]);
  return value;
}

/** Where a walk over an object is, and what it does on the way. */
export interface DecodeWalk {
  readonly defaults: boolean;
  readonly unknown: string[] | undefined;
  /** Keys and list indexes from the root to where the walk is. */
  readonly path: (string | number)[];
}

type Decoder = (value: unknown, walk: DecodeWalk, owner: AnyStruct) => unknown;

interface FieldPlan {
  readonly key: string;
  readonly decode: Decoder;
  /** What stands there when nothing is given; a function because it must be fresh. */
  readonly absent: ((walk: DecodeWalk) => unknown) | undefined;
  /** Whether a decoded zero value counts as absent. */
  readonly dropsZero: boolean;
}
interface StructPlan {
  readonly struct: AnyStruct;
  readonly fields: readonly FieldPlan[];
  readonly known: ReadonlySet<string>;
  readonly Empty: new () => Record<string, unknown>;
}

const plans = new WeakMap<AnyStruct, StructPlan>();

function planOf(struct: AnyStruct): StructPlan {
  let plan = plans.get(struct);
  if (plan === undefined) {
    const fields: FieldPlan[] = [];
    for (const [key, field] of struct.fields) fields.push(planField(key, field, struct));
    plan = { struct, fields, known: new Set(struct.fields.keys()), Empty: plainConstructor() };
    plans.set(struct, plan);
  }
  return plan;
}

/**
 * Makes plain objects, but knows how many fields its own have: V8 gives those of a literal room for four and a second block of
 * memory for more. A decoded pod takes an eighth less.
 */
function plainConstructor(): new () => Record<string, unknown> {
  function Empty(): void {}
  Empty.prototype = Object.prototype;
  return Empty as unknown as new () => Record<string, unknown>;
}

function planField(key: string, field: Field, owner: AnyStruct): FieldPlan {
  const { options, type } = field;
  const kept = (options.required === true && options.omitEmpty !== true) || options.always === true;
  const dropsZero = options.pointer !== true && !(kept && options.default === undefined);
  const decode = decoderOf(type);
  return { key, decode: options.gated === true ? droppedFrom(decode) : decode, absent: absentValue(field, kept, owner, dropsZero), dropsZero };
}

/** What a client wrote is still looked at: it may not fit. */
function droppedFrom(decode: Decoder): Decoder {
  return (value, walk, owner) => {
    const decoded = decode(value, walk, owner);
    return walk.defaults ? undefined : decoded;
  };
}

/** What stands where nothing was given; undefined: nothing does. */
function absentValue({ type, value, options }: Field, kept: boolean, owner: AnyStruct, dropsZero: boolean): FieldPlan['absent'] {
  const fallback = dropsZero && !kept && isZero(options.default) ? undefined : options.default;
  if (type.is === 'struct' && value) {
    return (walk) => decodeStruct(planOf(type.struct()), walk.defaults ? (fallback ?? emptyObject) : emptyObject, walk);
  }
  if (fallback !== undefined) {
    const decode = decoderOf(type);
    const zero = zeroOf(type);
    return (walk) => (walk.defaults ? decode(fallback, walk, owner) : kept ? zero() : undefined);
  }
  return kept && type.is !== 'struct' && options.pointer !== true ? zeroOf(type) : undefined;
}

const emptyObject: JsonObject = Object.freeze({});

function decodeStruct(plan: StructPlan, input: unknown, walk: DecodeWalk): Record<string, unknown> {
  if (!isJsonObject(input)) throw mismatch(input, goStructName(plan.struct), walk, plan.struct);
  const output = new plan.Empty();
  let seen = 0;
  const { path } = walk;
  const depth = path.length;
  for (const field of plan.fields) {
    const value = input[field.key];
    let decoded: unknown;
    if (value !== undefined) seen++;
    if (value !== undefined && value !== null) {
      path.push(field.key);
      decoded = field.decode(value, walk, plan.struct);
      path.length = depth;
      if (field.dropsZero && isZero(decoded)) decoded = undefined;
    }
    if (decoded === undefined && field.absent !== undefined) {
      path.push(field.key);
      decoded = field.absent(walk);
      path.length = depth;
    }
    if (decoded !== undefined) output[field.key] = decoded;
  }
  if (walk.unknown !== undefined) {
    const keys = Object.keys(input);
    if (keys.length !== seen) for (const key of keys) if (!plan.known.has(key)) walk.unknown.push(pathText(walk.path, key));
  }
  return output;
}

function isZero(value: unknown): boolean {
  if (typeof value !== 'object') return value === '' || value === 0 || value === false;
  return Array.isArray(value) ? value.length === 0 : false;
}

function zeroOf(type: FieldType): () => unknown {
  if (type.is === 'list') return () => [];
  if (type.is === 'map') return () => ({});
  if (type.is === 'struct') return () => undefined;
  switch (type.scalar) {
    case 'int32': case 'int64': case 'double': case 'intOrString': return () => 0;
    case 'bool': return () => false;
    case 'string': case 'bytes': case 'duration': return () => '';
    case 'quantity': return () => '0';
    case 'time': case 'microTime': case 'raw': case 'json': case 'fieldsV1': return () => null;
  }
}

function decoderOf(type: FieldType): Decoder {
  switch (type.is) {
    case 'scalar':
      return scalarDecoders[type.scalar];
    case 'struct':
      return (value, walk) => decodeStruct(planOf(type.struct()), value, walk);
    case 'list': {
      const element = decoderOf(type.element);
      const keepsNull = type.element.is === 'scalar' && type.element.scalar === 'json';
      return (value, walk, owner) => {
        if (!Array.isArray(value)) throw mismatch(value, goTypeName(type), walk, owner);
        const depth = walk.path.length;
        const output = Array.from({ length: value.length });
        for (let index = 0; index < value.length; index++) {
          walk.path.push(index);
          const item: unknown = value[index];
          // Go decodes a null item to the zero value of its type.
          output[index] = item === null && !keepsNull ? zeroElement(type.element, walk) : element(item, walk, owner);
          walk.path.length = depth;
        }
        return output;
      };
    }
    case 'map': {
      const element = decoderOf(type.element);
      return (value, walk, owner) => {
        if (!isJsonObject(value)) throw mismatch(value, goTypeName(type), walk, owner);
        const depth = walk.path.length;
        const output: Record<string, unknown> = {};
        let empty = true;
        for (const key in value) {
          const item = value[key];
          empty = false;
          walk.path.push(key);
          const decoded = item === null || item === undefined ? zeroElement(type.element, walk) : element(item, walk, owner);
          if (key === '__proto__') Object.defineProperty(output, key, { value: decoded, enumerable: true, configurable: true, writable: true });
          else output[key] = decoded;
          walk.path.length = depth;
        }
        return empty ? undefined : output;
      };
    }
  }
}

function zeroElement(type: FieldType, walk: DecodeWalk): unknown {
  return type.is === 'struct' ? decodeStruct(planOf(type.struct()), emptyObject, walk) : zeroOf(type)();
}

const base64 = /^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$/;

/** As Go's standard encoding: line ends are passed over, padding is demanded. */
function isBase64(value: string): boolean {
  if (!base64.test(value)) return false;
  const { length } = /[\r\n]/.test(value) ? value.replaceAll(/[\r\n]/g, '') : value;
  return length % 4 === 0;
}
const rfc3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const durationForm = /^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$|^[+-]?0$/;

const scalarDecoders: Readonly<Record<ScalarName, Decoder>> = {
  string: text('string'),
  bytes(value, walk, owner) {
    if (typeof value !== 'string') throw mismatch(value, '[]uint8', walk, owner);
    if (!isBase64(value)) throw new DecodeError('illegal base64 data at input byte 0');
    return value;
  },
  int32: integer('int32', -(2 ** 31), 2 ** 31 - 1),
  int64: integer('int64', Number.MIN_SAFE_INTEGER, 2 ** 63),
  double(value, walk, owner) {
    if (typeof value !== 'number') throw mismatch(value, 'float64', walk, owner);
    return value;
  },
  bool(value, walk, owner) {
    if (typeof value !== 'boolean') throw mismatch(value, 'bool', walk, owner);
    return value;
  },
  quantity(value) {
    if (typeof value !== 'string' && typeof value !== 'number') throw new DecodeError(quantityForm);
    try {
      return canonicalQuantity(String(value).trim());
    } catch {
      throw new DecodeError(quantityForm);
    }
  },
  intOrString(value, walk, owner) {
    if (typeof value === 'string') return value;
    if (typeof value !== 'number' || !Number.isInteger(value)) throw mismatch(value, 'int32', walk, owner);
    return value;
  },
  time: (value, walk, owner) => decodeTime(value, 'v1.Time', walk, owner),
  microTime: (value, walk, owner) => decodeTime(value, 'v1.MicroTime', walk, owner),
  duration(value, walk, owner) {
    if (typeof value !== 'string') throw mismatch(value, 'string', walk, owner);
    if (!durationForm.test(value)) throw new DecodeError(`time: invalid duration ${JSON.stringify(value)}`);
    return value;
  },
  raw(value, walk, owner) {
    if (!isJsonObject(value)) throw mismatch(value, 'runtime.RawExtension', walk, owner);
    return value;
  },
  json: (value) => value,
  fieldsV1(value, walk, owner) {
    if (!isJsonObject(value)) throw mismatch(value, 'v1.FieldsV1', walk, owner);
    return value;
  },
};

const quantityForm = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

function text(goType: string): Decoder {
  return (value, walk, owner) => {
    if (typeof value !== 'string') throw mismatch(value, goType, walk, owner);
    return value;
  };
}

function integer(goType: string, min: number, max: number): Decoder {
  return (value, walk, owner) => {
    if (typeof value !== 'number') throw mismatch(value, goType, walk, owner);
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new DecodeError(`json: cannot unmarshal number ${value} into Go struct field ${fieldName(walk, owner)} of type ${goType}`);
    }
    return value;
  };
}

/** Times are kept as the server writes them: UTC; whole seconds, or microseconds for `MicroTime`. */
function decodeTime(value: unknown, goType: 'v1.Time' | 'v1.MicroTime', walk: DecodeWalk, owner: AnyStruct): string {
  if (typeof value !== 'string') throw mismatch(value, 'string', walk, owner);
  const parts = rfc3339.exec(value);
  if (parts === null || !isOnCalendar(parts)) {
    throw new DecodeError(`parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)} as "2006"`);
  }
  const [, , , , , , , fraction = '', zone = 'Z'] = parts;
  const seconds = zone === 'Z' ? value.slice(0, 19) : new Date(`${value.slice(0, 19)}${zone}`).toISOString().slice(0, 19);
  if (goType === 'v1.Time') return `${seconds}Z`;
  return `${seconds}.${fraction.slice(1, 7).padEnd(6, '0')}Z`;
}

/** Whether the digits of a time name a day and a time of day. `parts` are the groups of `rfc3339`. */
function isOnCalendar([, year, month, day, hour, minute, second, , zone = 'Z']: readonly string[]): boolean {
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > days) return false;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return false;
  return zone === 'Z' || (Number(zone.slice(1, 3)) < 24 && Number(zone.slice(4)) < 60);
}

function mismatch(value: unknown, goType: string, walk: DecodeWalk, owner: AnyStruct): DecodeError {
  const target = walk.path.length === 0 ? 'Go value' : `Go struct field ${fieldName(walk, owner)}`;
  return new DecodeError(`json: cannot unmarshal ${jsonTypeOf(value)} into ${target} of type ${goType}`, restoringFault(value, goType));
}

/** Source: the messages of apimachinery's conversion from unstructured content. */
function restoringFault(value: unknown, goType: string): string {
  const given = goKindOf(value);
  if (goType.startsWith('map[')) return `cannot restore map from ${given}`;
  if (goType.startsWith('[]')) return `cannot restore slice from ${given}`;
  if (!/^(?:string|bool|u?int\d*|float\d+)$/.test(goType)) return `cannot restore struct from: ${given}`;
  const isConvertible = given.endsWith('64') && goType !== 'bool' && !(given === 'float64' && goType === 'string');
  return isConvertible ? `cannot convert ${given} to ${goType}` : `unrecognized type: ${goType}`;
}

function goKindOf(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  if (typeof value === 'object') return Array.isArray(value) ? 'slice' : 'map';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function jsonTypeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function fieldName(walk: DecodeWalk, owner: AnyStruct): string {
  const keys = walk.path.filter((key) => typeof key === 'string');
  return [lastWord(owner.name), ...keys].join('.');
}

function goStructName(struct: AnyStruct): string {
  const words = struct.name.split('.');
  return words.slice(-2).join('.');
}

function goTypeName(type: FieldType): string {
  switch (type.is) {
    case 'struct': return goStructName(type.struct());
    case 'list': return `[]${goTypeName(type.element)}`;
    case 'map': return `map[string]${goTypeName(type.element)}`;
    case 'scalar': return goScalars[type.scalar] ?? type.scalar;
  }
}

const goScalars: Partial<Record<ScalarName, string>> = {
  bytes: '[]uint8', double: 'float64', quantity: 'resource.Quantity', intOrString: 'intstr.IntOrString', time: 'v1.Time',
  microTime: 'v1.MicroTime', duration: 'v1.Duration', raw: 'runtime.RawExtension', fieldsV1: 'v1.FieldsV1',
};

function lastWord(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** `spec.containers[0].foo`. */
export function pathText(path: readonly (string | number)[], last: string): string {
  let output = '';
  for (const key of path) output += typeof key === 'number' ? `[${key}]` : output === '' ? key : `.${key}`;
  return output === '' ? last : `${output}.${last}`;
}
