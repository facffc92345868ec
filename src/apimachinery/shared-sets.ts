/**
 * Sets of fields that are equal are one: the pods of one template have the same fields, so thousands of objects hold one copy.
 */
import type { FieldSet } from './field-set.ts';
import { emptySet } from './field-set.ts';
import { setOwn } from './json.ts';

/** A few hundred bytes each; what falls out is only shared no more. */
const maxNodes = 10_000;
const nodes = new Map<string, FieldSet>();
const ids = new WeakMap<FieldSet, number>([[emptySet, 0]]);
let nextId = 1;

/** A node in the making: its keys in order, and the set below each of them, which must be shared. */
export interface NodeDraft {
  readonly keys: string[];
  readonly below: FieldSet[];
}

export function addTo(node: NodeDraft, key: string, below: FieldSet): void {
  node.keys.push(key);
  node.below.push(below);
}

/** The one set that says this. */
export function sharedNode({ keys, below }: NodeDraft): FieldSet {
  if (keys.length === 0) return emptySet;
  let signature = '';
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] ?? '';
    const child = below[index] ?? emptySet;
    // With its length, so that no key can be mistaken for two.
    signature += `${key.length}:${key}`;
    if (child !== emptySet) signature += `${ids.get(child)};`;
  }
  const known = nodes.get(signature);
  if (known !== undefined) return known;
  const made: Record<string, FieldSet> = {};
  for (let index = 0; index < keys.length; index++) setOwn(made, keys[index] ?? '', below[index] ?? emptySet);
  if (nodes.size >= maxNodes) nodes.clear();
  nodes.set(signature, Object.freeze(made));
  ids.set(made, nextId++);
  return made;
}

/** The same set, shared with equal ones. */
export function sharedSet(set: FieldSet): FieldSet {
  if (ids.has(set)) return set;
  const node: NodeDraft = { keys: [], below: [] };
  for (const key in set) addTo(node, key, sharedSet(set[key] ?? emptySet));
  return sharedNode(node);
}
