/**
 * Schemas as types of expressions, with how big their values can be.
 *
 * Source: Kubernetes documentation, "Validation rules"; behaviour of the API server's CEL model of schemas.
 */
import type { CelType, ListIdentity, ObjectField } from '#cel/types.ts';
import { bool, double, duration, dyn, int, listOf, mapOf, timestamp } from '#cel/types.ts';
import { maxRequestBytes } from '#cel/kubernetes.ts';
import type { SchemaNode } from '../schema/schema-node.ts';

export interface Declared {
  readonly type: CelType;
  /** The least bytes that a value takes in JSON. */
  readonly minBytes: number;
}

/**
 * undefined where a schema says too little for expressions to look at its values. `isRoot`: of an object with metadata.
 * Each type is made once: whoever looks at a part of a schema has mostly looked at the whole before.
 */
export function declaredType(node: SchemaNode, isRoot: boolean): Declared | undefined {
  const known = isRoot ? ofRoots : ofParts;
  if (!known.has(node)) known.set(node, makeType(node, isRoot));
  return known.get(node);
}
const ofRoots = new WeakMap<SchemaNode, Declared | undefined>();
const ofParts = new WeakMap<SchemaNode, Declared | undefined>();

function makeType(node: SchemaNode, isRoot: boolean): Declared | undefined {
  if (node.isIntOrString) return { type: dyn, minBytes: 1 };
  switch (node.type) {
    case 'array': return declaredList(node);
    case 'object': return typeof node.additional === 'object' ? declaredMap(node.additional, node) : declaredObject(node, isRoot);
    case 'string': return declaredString(node);
    case 'boolean': return { type: bool, minBytes: 4 };
    case 'number': return { type: double, minBytes: 1 };
    case 'integer': return { type: int, minBytes: 1 };
    default: return undefined;
  }
}

function declaredList(node: SchemaNode): Declared | undefined {
  const element = node.items === undefined ? undefined : declaredType(node.items, node.items.isEmbedded);
  if (element === undefined) return undefined;
  const size = node.source.maxItems ?? Math.floor((maxRequestBytes - 2) / (element.minBytes + 1));
  const identity: ListIdentity | undefined = node.listType === 'set' ? { is: 'set' } : node.listType === 'map' ? { is: 'map', keys: node.listKeys } : undefined;
  return { type: listOf(element.type, size, identity), minBytes: 2 };
}

function declaredMap(values: SchemaNode, node: SchemaNode): Declared | undefined {
  const value = declaredType(values, values.isEmbedded);
  if (value === undefined) return undefined;
  const size = node.source.maxProperties ?? Math.floor((maxRequestBytes - 2) / (value.minBytes + 6));
  return { type: mapOf({ is: 'string', size: maxRequestBytes - 2 }, value.type, size), minBytes: 2 };
}

function declaredObject(node: SchemaNode, isRoot: boolean): Declared {
  const fields = new Map<string, ObjectField>();
  const required = new Set(node.source.required ?? []);
  let minBytes = 2;
  for (const [key, property] of node.properties) {
    const name = escapedName(key);
    const declared = declaredType(property, property.isEmbedded);
    if (name === undefined || declared === undefined) continue;
    fields.set(name, { key, type: declared.type });
    // After a dot, keywords are names like others.
    if (keywords.has(key)) fields.set(key, { key, type: declared.type });
    if (required.has(key) && property.default === undefined) minBytes += key.length + 4 + declared.minBytes;
  }
  if (isRoot || node.isEmbedded) for (const [key, type] of typeMeta) fields.set(key, { key, type: withDeclared(type, fields.get(key)?.type) });
  return { type: { is: 'object', name: 'object', fields }, minBytes };
}

/** What a schema itself declares of the metadata is seen beside what every object has. */
function withDeclared(type: CelType, declared: CelType | undefined): CelType {
  if (type.is !== 'object') return declared ?? type;
  return declared?.is === 'object' ? { ...type, fields: new Map([...type.fields, ...declared.fields]) } : type;
}

const text: CelType = { is: 'string', size: maxRequestBytes - 2 };
/** Of the metadata, expressions see what a client names an object by. */
const typeMeta: readonly (readonly [string, CelType])[] = [
  ['apiVersion', text],
  ['kind', text],
  ['metadata', { is: 'object', name: 'object', fields: new Map([['name', { key: 'name', type: { is: 'string', size: 253 } }], ['generateName', { key: 'generateName', type: text }]]) }],
];

function declaredString(node: SchemaNode): Declared {
  const { format, maxLength, enum: values } = node.source;
  switch (format) {
    case 'byte': return { type: { is: 'bytes', size: maxLength ?? maxRequestBytes - 2 }, minBytes: 2 };
    case 'duration': return { type: duration, minBytes: 3 };
    case 'date': return { type: timestamp, minBytes: 12 };
    case 'date-time': return { type: timestamp, minBytes: 21 };
    default:
  }
  // Lengths count characters, sizes bytes.
  const size = maxLength !== undefined ? maxLength * 4 : values !== undefined && values.length > 0 ? Math.max(...values.map((value) => (typeof value === 'string' ? value.length : 0))) : maxRequestBytes - 2;
  return { type: { is: 'string', size }, minBytes: 2 };
}

const keywords = new Set(['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while']);

/** The name by which expressions know a property; undefined when it cannot have one. */
export function escapedName(key: string): string | undefined {
  if (keywords.has(key)) return `__${key}__`;
  if (!/^[A-Za-z_][A-Za-z0-9_./-]*$/.test(key)) return undefined;
  return key.replaceAll(/__|[./-]/g, (part) => (part === '__' ? '__underscores__' : part === '.' ? '__dot__' : part === '-' ? '__dash__' : '__slash__'));
}
