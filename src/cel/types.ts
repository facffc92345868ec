/** Types of expressions. Source: CEL specification, "Values" and "Gradual type checking". */

export type CelType =
  | { readonly is: 'bool' | 'int' | 'uint' | 'double' | 'null' | 'dyn' | 'timestamp' | 'duration' | 'type'; readonly size?: undefined }
  | { readonly is: 'string' | 'bytes'; /** The most elements (characters, bytes) a value can have; undefined: unknown. */ readonly size?: number | undefined }
  | ListType
  | MapType
  | ObjectType
  | { readonly is: 'optional'; readonly of: CelType; readonly size?: undefined }
  /** A type of a library: net.IP, kubernetes.Quantity. */
  | { readonly is: 'opaque'; readonly name: string; readonly size?: undefined }
  /** In declarations: any type, the same everywhere in one call. */
  | { readonly is: 'param'; readonly name: string; readonly size?: undefined };

export interface ListType {
  readonly is: 'list';
  readonly element: CelType;
  readonly size?: number | undefined;
  /** Sets and keyed lists are equal in whatever order; adding merges them. */
  readonly identity?: ListIdentity | undefined;
}
export type ListIdentity = { readonly is: 'set' } | { readonly is: 'map'; readonly keys: readonly string[] };
export interface MapType {
  readonly is: 'map';
  readonly key: CelType;
  readonly value: CelType;
  readonly size?: number | undefined;
}
export interface ObjectType {
  readonly is: 'object';
  readonly name: string;
  /** By the name expressions use; `key` is the name in the object. */
  readonly fields: ReadonlyMap<string, ObjectField>;
  readonly size?: undefined;
}
export interface ObjectField {
  readonly key: string;
  readonly type: CelType;
}

const simple = ['bool', 'int', 'uint', 'double', 'null', 'dyn', 'timestamp', 'duration', 'type', 'string', 'bytes'] as const;
type SimpleName = (typeof simple)[number];
const simpleTypes = Object.fromEntries(simple.map((is) => [is, { is }])) as { readonly [K in SimpleName]: CelType & { readonly is: K } };
export const { bool, int, uint, double, dyn, timestamp, duration, string, bytes, type, null: nullType } = simpleTypes;

export function listOf(element: CelType, size?: number, identity?: ListIdentity): ListType {
  return { is: 'list', element, size, identity };
}
export function mapOf(key: CelType, value: CelType, size?: number): MapType {
  return { is: 'map', key, value, size };
}
export function optionalOf(of: CelType): CelType {
  return { is: 'optional', of };
}

/** As error texts write it. */
export function typeText(of: CelType): string {
  switch (of.is) {
    case 'list': return `list(${typeText(of.element)})`;
    case 'map': return `map(${typeText(of.key)}, ${typeText(of.value)})`;
    case 'optional': return `optional_type(${typeText(of.of)})`;
    case 'object': case 'opaque': case 'param': return of.name;
    case 'timestamp': return 'timestamp';
    case 'null': return 'null';
    default: return of.is;
  }
}

const parsed = new Map<string, CelType>();

/** `list<string>`, `map<K, V>`, `optional<A>`; single capitals are parameters, dotted names are opaque. */
export function parseType(text: string): CelType {
  let known = parsed.get(text);
  if (known === undefined) {
    known = parseTypeAnew(text.trim());
    parsed.set(text, known);
  }
  return known;
}

function parseTypeAnew(text: string): CelType {
  const generic = /^(\w+)<(.*)>$/s.exec(text);
  if (generic !== null) {
    const [, name = '', inner = ''] = generic;
    const [first = '', second = ''] = splitTopLevel(inner);
    if (name === 'list') return listOf(parseType(first));
    return name === 'map' ? mapOf(parseType(first), parseType(second)) : optionalOf(parseType(first));
  }
  if (/^[A-Z]$/.test(text)) return { is: 'param', name: text };
  return (simple as readonly string[]).includes(text) ? simpleTypes[text as SimpleName] : { is: 'opaque', name: text };
}

/** The parts between commas that stand in no brackets. */
export function splitTopLevel(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (char === '<') depth++;
    else if (char === '>') depth--;
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(start, index).trim());
      start = index + 1;
    }
  }
  if (text.slice(start).trim() !== '') parts.push(text.slice(start).trim());
  return parts;
}

export type Bindings = Map<string, CelType>;

/** Whether a value of type `given` can stand where `wanted` is declared; binds the parameters of `wanted`. */
export function fits(wanted: CelType, given: CelType, bindings: Bindings): boolean {
  if (wanted.is === 'param') {
    const bound = bindings.get(wanted.name);
    if (bound === undefined || bound.is === 'dyn') {
      if (bound === undefined) bindings.set(wanted.name, given);
      return true;
    }
    if (fits(bound, given, bindings)) return true;
    // An empty list literal is a list of whatever it is put together with.
    if (!fits(given, bound, bindings)) return false;
    bindings.set(wanted.name, given);
    return true;
  }
  if (wanted.is === 'dyn' || given.is === 'dyn' || given.is === 'param') return true;
  if (given.is === 'null') return wanted.is === 'null' || wanted.is === 'object' || wanted.is === 'timestamp' || wanted.is === 'duration' || wanted.is === 'opaque' || wanted.is === 'optional';
  if (wanted.is === 'null') return given.is === 'object' || given.is === 'timestamp' || given.is === 'duration' || given.is === 'optional';
  if (wanted.is !== given.is) return false;
  switch (wanted.is) {
    case 'list': return fits(wanted.element, (given as ListType).element, bindings);
    case 'map': return fits(wanted.key, (given as MapType).key, bindings) && fits(wanted.value, (given as MapType).value, bindings);
    case 'optional': return fits(wanted.of, (given as { readonly of: CelType }).of, bindings);
    case 'object': case 'opaque': return wanted.name === (given as { readonly name: string }).name;
    default: return true;
  }
}

/** The type with its parameters replaced; those that nothing was bound to may be anything. */
export function bind(declared: CelType, bindings: Bindings): CelType {
  switch (declared.is) {
    case 'param': return bindings.get(declared.name) ?? dyn;
    case 'list': return listOf(bind(declared.element, bindings));
    case 'map': return mapOf(bind(declared.key, bindings), bind(declared.value, bindings));
    case 'optional': return optionalOf(bind(declared.of, bindings));
    default: return declared;
  }
}

/** The type that values of both are of; undefined when there is none but `dyn`. */
export function common(left: CelType, right: CelType): CelType | undefined {
  if (left.is === 'dyn' || right.is === 'dyn') return dyn;
  if (left.is === 'null') return fits(right, left, new Map()) ? right : undefined;
  if (fits(left, right, new Map())) return left.is === 'list' && left.element.is === 'param' ? right : left;
  return fits(right, left, new Map()) ? right : undefined;
}
