/** The order of a merged list. Used by `patch-strategic.ts`. */
import type { JsonValue } from './json.ts';

/**
 * Orders the items of a merged list: those that `order` names come in its order, the others in the order they had in
 * `before`, and both are interleaved so that an item stays before the one it stood before.
 */
export function orderMerged(
  merged: readonly JsonValue[],
  before: readonly JsonValue[],
  order: readonly JsonValue[],
  keyOf: (item: JsonValue) => JsonValue,
): readonly JsonValue[] {
  const wanted = positions(order, keyOf);
  const had = positions(before, keyOf);
  const named: JsonValue[] = [];
  const others: JsonValue[] = [];
  for (const item of merged) (wanted.has(keyOf(item)) ? named : others).push(item);
  named.sort((a, b) => (wanted.get(keyOf(a)) ?? 0) - (wanted.get(keyOf(b)) ?? 0));
  others.sort((a, b) => (had.get(keyOf(a)) ?? Infinity) - (had.get(keyOf(b)) ?? Infinity) || 0);

  const ordered: JsonValue[] = [];
  let next = 0;
  for (const item of named) {
    const position = had.get(keyOf(item)) ?? -1;
    for (let other = others[next]; other !== undefined && (had.get(keyOf(other)) ?? Infinity) < position; other = others[next]) {
      ordered.push(other);
      next++;
    }
    ordered.push(item);
  }
  return [...ordered, ...others.slice(next)];
}

function positions(list: readonly JsonValue[], keyOf: (item: JsonValue) => JsonValue): ReadonlyMap<JsonValue, number> {
  const found = new Map<JsonValue, number>();
  for (const [index, item] of list.entries()) {
    const key = keyOf(item);
    if (!found.has(key)) found.set(key, index);
  }
  return found;
}
