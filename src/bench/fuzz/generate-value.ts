/** JSON made from the declarations: mostly what a field wants, sometimes what nobody expects. */
import { isJsonObject } from '#apimachinery/json.ts';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import type { AnyStruct, Field, FieldType, ScalarName } from '#apimachinery/schema.ts';
import type { Dice } from './dice.ts';
import { generateExpression } from './generate-expression.ts';

/** Names that objects have; few, so that requests meet the objects of others. */
export const names = ['a', 'b', 'web', 'web-0', 'x.example.com', 'default', 'kubernetes', 'node-1'];
export const namespaces = ['default', 'kube-system', 'fuzz', 'gone'];

/** What breaks parsers. */
const oddStrings = [
  '', ' ', '\0', '\u{1f600}', 'é', '\ud800', '../..', 'a/b/c', '%2e%2e', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '-1', '1e400', 'null', '{}', '[]', '*',
  '$patch', 'a'.repeat(64), 'a'.repeat(254), 'a'.repeat(5_000), 'UPPER', '0', '-', '.', '..', 'a..b', 'a,b', 'a=b', '\n', '\r\n', '"', '\\', '1.2.3.4', '::1', '10.0.0.0/8', 'fe80::%eth0',
  '9223372036854775808', '1e3', '0x10', '١٢', '100%', '1m', '1Ki', '1Ei', '2026-13-45T99:99:99Z',
];
const oddNumbers = [0, -1, 1, 0.5, -0, 1e21, 2 ** 31, 2 ** 53, -(2 ** 31) - 1, 1e308, 65_536];

const likely: Readonly<Record<ScalarName, readonly JsonValue[]>> = {
  string: [...names, 'ClusterIP', 'app', 'Always', 'nginx:1', '/data', 'http', 'TCP', 'example.com/x', 'Pod', 'v1', 'Node', '10.0.0.1', 'linux'],
  int32: [0, 1, 2, 3, 5, 30, 80, 443, 8080, 100],
  int64: [0, 1, 10, 600, 3600, 1000],
  bool: [true, false],
  double: [0, 1, 0.5],
  bytes: ['', 'aGFsbG8=', 'AA=='],
  quantity: ['1', '100m', '128Mi', '1Gi', '0', '2k', '1e3'],
  intOrString: [80, 'http', '25%', 1, '100%'],
  time: ['2026-01-31T10:00:00Z', '2020-02-29T23:59:59Z'],
  microTime: ['2026-01-31T10:00:00.000001Z'],
  duration: ['1h', '30s', '0s', '1m30s'],
  raw: [{}, { apiVersion: 'v1', kind: 'ConfigMap' }],
  json: [{}, 1, 'text', [1, { a: null }], null],
  fieldsV1: [{}, { 'f:spec': { 'f:replicas': {} } }],
};

/** Bound the size of one object: some structures contain themselves in many places. */
const maxDepth = 9;
const maxFields = 2_000;

const expressionFields = new Set(['expression', 'rule', 'messageExpression', 'valueExpression']);

interface Growth {
  readonly oddness: number;
  fields: number;
}

/** A document of `struct`; `oddness` is the share of values that are not what the field wants. */
export function generateStruct(dice: Dice, struct: AnyStruct, oddness: number): JsonObject {
  return structOf(dice, struct, { oddness, fields: 0 }, 0);
}

function structOf(dice: Dice, struct: AnyStruct, growth: Growth, depth: number): JsonObject {
  const { oddness } = growth;
  const object: JsonObject = {};
  const keep = depth === 0 ? 0.8 : depth < 3 ? 0.3 : 0.12;
  for (const [name, field] of struct.fields) {
    if (field.options.required === true ? !dice.chance(1 - oddness) : !dice.chance(keep)) continue;
    if (depth > maxDepth || growth.fields++ > maxFields) continue;
    setOwn(object, name, expressionFields.has(name) && field.type.is === 'scalar' ? generateExpression(dice) : generateField(dice, field, growth, depth));
  }
  if (dice.chance(oddness)) setOwn(object, dice.pick(oddStrings), oddValue(dice));
  return object;
}

function generateField(dice: Dice, field: Field, growth: Growth, depth: number): JsonValue {
  if (dice.chance(growth.oddness)) return oddValue(dice);
  const { values, min, max } = field.options;
  if (values !== undefined) return dice.pick([...values, '']);
  if (min !== undefined && field.type.is === 'scalar' && typeof likely[field.type.scalar][0] === 'number' && field.type.scalar !== 'intOrString') return Math.min(max ?? Infinity, min + dice.below(10));
  return generateType(dice, field.type, growth, depth);
}

function generateType(dice: Dice, type: FieldType, growth: Growth, depth: number): JsonValue {
  const { oddness } = growth;
  switch (type.is) {
    case 'scalar':
      return dice.chance(oddness) ? oddValue(dice) : dice.pick(likely[type.scalar]);
    case 'struct':
      return structOf(dice, type.struct(), growth, depth + 1);
    case 'list':
      return Array.from({ length: dice.below(3) }, () => generateType(dice, type.element, growth, depth + 1));
    case 'map': {
      const map: JsonObject = {};
      for (let count = dice.below(3); count > 0; count--) setOwn(map, dice.chance(oddness) ? dice.pick(oddStrings) : dice.pick(['app', 'example.com/x', 'key', ...names]), generateType(dice, type.element, growth, depth + 1));
      return map;
    }
  }
}

/** Something of any type. */
export function oddValue(dice: Dice): JsonValue {
  switch (dice.below(7)) {
    case 0: return null;
    case 1: return dice.pick(oddNumbers);
    case 2: return dice.chance(0.5);
    case 3: return [oddScalar(dice), oddScalar(dice)];
    case 4: return nested(dice.pick([2, 20, 200]));
    case 5: {
      const object: JsonObject = {};
      setOwn(object, dice.pick(oddStrings), oddScalar(dice));
      return object;
    }
    default: return dice.pick(oddStrings);
  }
}

export function oddScalar(dice: Dice): JsonValue {
  return dice.chance(0.5) ? dice.pick(oddStrings) : dice.chance(0.8) ? dice.pick(oddNumbers) : null;
}

export function oddString(dice: Dice): string {
  return dice.pick(oddStrings);
}

function nested(depth: number): JsonValue {
  let value: JsonValue = depth % 2 === 0 ? [] : {};
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** Also for keys as __proto__, which an assignment would not set. */
export function setOwn(object: JsonObject, key: string, value: JsonValue): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** The same document with a few places changed. */
export function mutate(dice: Dice, value: JsonValue, changes: number): JsonValue {
  let changed = value;
  for (let count = 0; count < changes; count++) changed = mutateOnce(dice, changed, 0);
  return changed;
}

function mutateOnce(dice: Dice, value: JsonValue, depth: number): JsonValue {
  if (Array.isArray(value) && value.length > 0 && !dice.chance(0.1)) {
    const items = [...(value as readonly JsonValue[])];
    const at = dice.below(items.length);
    switch (dice.below(6)) {
      case 0: items.splice(at, 1); break;
      case 1: items.push(items[at] ?? null); break;
      default: items[at] = mutateOnce(dice, items[at] ?? null, depth + 1);
    }
    return items;
  }
  if (isJsonObject(value)) {
    const keys = Object.keys(value);
    const key = keys.length === 0 || dice.chance(0.05) ? dice.pick(oddStrings) : dice.pick(keys);
    const copy: JsonObject = {};
    for (const each of keys) if (each !== key || !dice.chance(0.15)) setOwn(copy, each, each === key ? mutateOnce(dice, value[each] ?? null, depth + 1) : (value[each] ?? null));
    if (!keys.includes(key)) setOwn(copy, key, oddValue(dice));
    return copy;
  }
  return oddValue(dice);
}
