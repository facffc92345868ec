/**
 * The language in which kinds are declared. A `struct` names its fields once, with their protobuf numbers; from that
 * one declaration follow the TypeScript type (`Infer`), decoding with defaults and strict checks, JSON, protobuf,
 * OpenAPI, patch and apply semantics.
 *
 * Presence follows Kubernetes' API conventions:
 * - an `object` is always there (`{}` when nothing is set), a `pointer` only when set;
 * - a scalar, list or map is there when set; its zero value ("" / 0 / false / [] / {}) counts as not set, unless the
 *   field says `pointer` (zero differs from absent), `required` or `always` (written even when zero).
 *
 * Source: Kubernetes API conventions, "Optional vs. Required" and "Primitive types".
 */
import type { JsonObject, JsonValue } from './json.ts';
import type { RunTimeDeclaration } from './run-time-declaration.ts';

export type ScalarName = keyof ScalarTypes;

/** What the scalars are in memory: what JSON makes of them. Times are RFC 3339 strings, quantities as written. */
export interface ScalarTypes {
  string: string;
  int32: number;
  /** Read as a JSON number: exact up to 2^53. */
  int64: number;
  bool: boolean;
  double: number;
  /** Base64, as on the wire. */
  bytes: string;
  quantity: string;
  intOrString: number | string;
  /** Seconds precision, UTC: 2026-01-31T10:00:00Z. */
  time: string;
  /** Microseconds precision, UTC. */
  microTime: string;
  /** As Go writes durations: 1h2m3s. */
  duration: string;
  /** Any object, kept as it is. */
  raw: JsonObject;
  /** Any JSON value, kept as it is. */
  json: JsonValue;
  fieldsV1: JsonObject;
}

export type ElementType = ScalarName | AnyStruct;
type ElementOf<E> = E extends ScalarName ? ScalarTypes[E] : E extends Struct<infer T> ? T : never;

/** How a value is laid out; the run-time side of a field's type. */
export type FieldType =
  | { readonly is: 'scalar'; readonly scalar: ScalarName; readonly union?: SchemaUnion }
  | { readonly is: 'struct'; readonly struct: () => AnyStruct }
  | { readonly is: 'list'; readonly element: FieldType }
  | { readonly is: 'map'; readonly element: FieldType };

/** A JSON value that is either an object of a struct or of another type; protobuf has a message for such a choice. */
export interface SchemaUnion {
  readonly schema: () => AnyStruct;
  readonly other: 'schemas' | 'bool' | 'strings';
}

export interface FieldOptions {
  /** Clients must give it; it is always written. OpenAPI lists it as required. */
  readonly required?: true;
  /** Required by OpenAPI, yet "" and [] are accepted. */
  readonly mayBeEmpty?: true;
  /** A `map` list whose items may share a key after all (environment variables: the last one wins). */
  readonly mayRepeat?: true;
  /** Clients may leave it out, yet it is always written (null, "", 0 when nothing is set). */
  readonly always?: true;
  /** Zero and absent differ. Of a struct: see `pointer`. */
  readonly pointer?: true;
  /** Left out when it is zero, although it is required. */
  readonly omitEmpty?: true;
  /** What an absent value becomes on creation and update. A zero value where zero counts as absent: nothing. */
  readonly default?: JsonValue;
  /** Whether OpenAPI tells the default. Kubernetes fills in the others silently. */
  readonly published?: true;
  /** Behind a feature gate that is off: what clients write there is dropped without a word. */
  readonly gated?: true;
  /** The values allowed, in the order in which messages list them; the empty string counts as absent. */
  readonly values?: readonly string[];
  /** Another value is refused by a rule of the kind, in words of its own. */
  readonly worded?: true;
  /** Smallest and largest number allowed (inclusive). */
  readonly min?: number;
  readonly max?: number;
  /** May not change after creation. */
  readonly immutable?: true;
  /** Who may own parts of a list, for server-side apply. Default: atomic. */
  readonly listType?: 'atomic' | 'set' | 'map';
  /** The fields that identify an item of a `map` list. */
  readonly keys?: readonly string[];
  /** Whether server-side apply treats a map or struct as one value. Default: what the struct says, else no. */
  readonly atomic?: boolean;
  /** How strategic merge patch treats the field. Default: replace for lists, merge for maps and structs. */
  readonly patch?: 'merge' | 'replace' | 'retainKeys' | 'merge,retainKeys';
  /** The field that strategic merge patch matches items by. */
  readonly mergeKey?: string;
}

/** A field as `struct` takes it. `Always` tells the type system whether a decoded object always has it. */
export interface Field<T = unknown, Always extends boolean = boolean> {
  readonly number: number;
  readonly type: FieldType;
  readonly options: FieldOptions;
  /** Structs only: whether the Go type is held by value, so that it is always there. */
  readonly value: boolean;
  /** Never set; carries the types. */
  readonly $type?: { readonly type: T; readonly always: Always };
}

export type Fields = Readonly<Record<string, Field>>;

/** A choice between fields, for clients that read OpenAPI; nothing checks it. */
export interface Union {
  /** The field that tells which one is set. */
  readonly discriminator?: string;
  readonly of: readonly string[];
}

/** A declared structure. `T` is the type of its decoded objects. */
export interface Struct<T> {
  /** As OpenAPI names it: io.k8s.api.core.v1.PodSpec. */
  readonly name: string;
  /** Own fields and those of inlined structs, in wire order. */
  readonly fields: ReadonlyMap<string, Field>;
  /** Structs whose fields stand among this one's in JSON but are nested in protobuf, by field number. */
  readonly inlines: readonly { readonly number: number; readonly struct: AnyStruct }[];
  readonly atomic: boolean;
  /** Of which of its fields at most one may be set. */
  readonly union?: Union | undefined;
  /** Of structures that were declared while the server runs; it takes the place of walks over `fields`. */
  readonly atRunTime?: RunTimeDeclaration;
  readonly $type?: T;
}
export type AnyStruct = Struct<unknown>;

type TypeOf<F> = F extends Field<infer T> ? T : never;
type InferFields<F extends Fields> = {
  readonly [K in keyof F as F[K] extends Field<unknown, true> ? K : never]: TypeOf<F[K]>;
} & {
  readonly [K in keyof F as F[K] extends Field<unknown, true> ? never : K]?: TypeOf<F[K]> | undefined;
};

/** The type of a struct's decoded objects. */
export type Infer<S> = S extends Struct<infer T> ? T : never;

type Inlined<I> = I extends readonly [{ readonly struct: Struct<infer A> }, ...infer Rest] ? A & Inlined<Rest> : unknown;
export interface Inline<S extends AnyStruct = AnyStruct> {
  readonly number: number;
  readonly struct: S;
}

/** Declares a structure. `inlines` are the structs whose fields stand among this one's (see `inline`). */
export function struct<const F extends Fields, const I extends readonly Inline[] = readonly []>(
  name: string,
  fields: F,
  options: { readonly inlines?: I; readonly atomic?: true; readonly union?: Union } = {},
): Struct<InferFields<F> & Inlined<I>> {
  const inlines = options.inlines ?? [];
  const all = new Map<string, Field>();
  for (const inlined of inlines) for (const [key, field] of inlined.struct.fields) all.set(key, field);
  for (const key in fields) {
    const field = fields[key];
    if (field !== undefined) all.set(key, field);
  }
  return { name, fields: all, inlines, atomic: options.atomic === true, ...(options.union !== undefined && { union: options.union }) };
}

/** A struct whose type is written by hand, because it contains itself; `fields` is called on first use. */
export function recursiveStruct<T>(name: string, fields: () => Fields): Struct<T> {
  let made: ReadonlyMap<string, Field> | undefined;
  return {
    name,
    get fields() {
      return (made ??= new Map(Object.entries(fields())));
    },
    inlines: [],
    atomic: false,
  };
}

/** Puts the fields of `inlined` among the fields of the struct that names it. */
export function inline<S extends AnyStruct>(number: number, inlined: S): Inline<S> {
  return { number, struct: inlined };
}

type Given = FieldOptions & ({ readonly required: true; readonly omitEmpty?: never } | { readonly always: true });
interface ScalarField<S extends ScalarName> {
  (number: number, options: Given): Field<ScalarTypes[S], true>;
  (number: number, options?: FieldOptions): Field<ScalarTypes[S], false>;
}

const noOptions: FieldOptions = {};

function scalarField<S extends ScalarName>(scalar: S): ScalarField<S> {
  const type: FieldType = { is: 'scalar', scalar };
  return (number: number, options?: FieldOptions): Field<ScalarTypes[S], never> => ({ number, type, options: options ?? noOptions, value: false });
}

export const string = scalarField('string');
export const int32 = scalarField('int32');
export const int64 = scalarField('int64');
export const bool = scalarField('bool');
export const double = scalarField('double');
export const bytes = scalarField('bytes');
export const quantity = scalarField('quantity');
export const intOrString = scalarField('intOrString');
export const time = scalarField('time');
export const microTime = scalarField('microTime');
export const duration = scalarField('duration');
export const raw = scalarField('raw');
export const json = scalarField('json');
export const fieldsV1 = scalarField('fieldsV1');

/** Any JSON value whose protobuf form is a choice between a struct and something else. Always a pointer. */
export function eitherSchema(number: number, schema: () => AnyStruct, other: SchemaUnion['other']): Field<JsonValue, false> {
  return { number, type: { is: 'scalar', scalar: 'json', union: { schema, other } }, options: { pointer: true }, value: false };
}

/** The same as the values of a map. */
export function mapOfEither(number: number, schema: () => AnyStruct, other: SchemaUnion['other']): Field<Readonly<Record<string, JsonValue>>, false> {
  return { number, type: { is: 'map', element: { is: 'scalar', scalar: 'json', union: { schema, other } } }, options: noOptions, value: false };
}

/** A string of which only `values` are allowed. */
export function oneOf<const V extends string>(number: number, values: readonly V[], options: Given): Field<V, true>;
export function oneOf<const V extends string>(number: number, values: readonly V[], options?: FieldOptions): Field<V, false>;
export function oneOf<V extends string>(number: number, values: readonly V[], options: FieldOptions = noOptions): Field<V, never> {
  return { number, type: { is: 'scalar', scalar: 'string' }, options: { ...options, values }, value: false };
}

/** A struct held by value: always there. */
export function object<T>(number: number, of: Struct<T>, options: FieldOptions = noOptions): Field<T, true> {
  return { number, type: { is: 'struct', struct: () => of }, options, value: true };
}

/** A struct that is there only when set. `of` may be a function where the struct is declared later. */
export function pointer<T>(number: number, of: Struct<T> | (() => Struct<T>), options: Given): Field<T, true>;
export function pointer<T>(number: number, of: Struct<T> | (() => Struct<T>), options?: FieldOptions): Field<T, false>;
export function pointer<T>(number: number, of: Struct<T> | (() => Struct<T>), options: FieldOptions = noOptions): Field<T, never> {
  return { number, type: { is: 'struct', struct: typeof of === 'function' ? of : () => of }, options, value: false };
}

export function list<E extends ElementType>(number: number, element: E, options: Given): Field<readonly ElementOf<E>[], true>;
export function list<E extends ElementType>(number: number, element: E, options?: FieldOptions): Field<readonly ElementOf<E>[], false>;
export function list(number: number, element: ElementType, options: FieldOptions = noOptions): Field<never, never> {
  return { number, type: { is: 'list', element: elementType(element) }, options, value: false };
}

export function map<E extends ElementType>(number: number, element: E, options: Given): Field<Readonly<Record<string, ElementOf<E>>>, true>;
export function map<E extends ElementType>(number: number, element: E, options?: FieldOptions): Field<Readonly<Record<string, ElementOf<E>>>, false>;
export function map(number: number, element: ElementType, options: FieldOptions = noOptions): Field<never, never> {
  return { number, type: { is: 'map', element: elementType(element) }, options, value: false };
}

/** A map whose values are lists of strings (UserInfo.extra, SubjectAccessReview.extra). */
export function mapOfLists(number: number, options: FieldOptions = noOptions): Field<Readonly<Record<string, readonly string[]>>, false> {
  return { number, type: { is: 'map', element: { is: 'list', element: { is: 'scalar', scalar: 'string' } } }, options, value: false };
}

function elementType(element: ElementType): FieldType {
  return typeof element === 'string' ? { is: 'scalar', scalar: element } : { is: 'struct', struct: () => element };
}
