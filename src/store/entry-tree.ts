import { compareKeys } from './key-order.ts';
import type { StoreEntry } from './store.ts';

/**
 * An immutable ordered map of entries by key: a B+ tree whose changes copy the way from the root to a leaf. An older
 * root goes on showing the older content, so a fork or a read in the past is holding a root.
 * All leaves have the same depth. Nodes know how many entries they hold, so positions are found without walking.
 */
export interface EntryTree {
  readonly count: number;
  readonly firstKey: string;
  /** Of a leaf. */
  readonly entries: readonly StoreEntry[] | undefined;
  /** Of an inner node. */
  readonly children: readonly EntryTree[] | undefined;
}

/** Entries of a leaf, children of an inner node. 32 copies about 300 bytes per level and keeps 1e5 keys at 4 levels. */
const maxWidth = 32;
/** Narrower nodes are joined with a neighbour where both fit into one. */
const minWidth = 8;

export const emptyTree: EntryTree = leaf([]);

export function findEntry(tree: EntryTree, key: string): StoreEntry | undefined {
  let node = tree;
  while (node.children !== undefined) {
    const child = node.children[childFor(node.children, key)];
    if (child === undefined) return undefined;
    node = child;
  }
  const entries = node.entries ?? [];
  const at = leading(entries, (entry) => compareKeys(entry.key, key) < 0);
  const entry = entries[at];
  return entry?.key === key ? entry : undefined;
}

/** The map with `entry` added, or put in the place of the one with the same key. */
export function withEntry(tree: EntryTree, entry: StoreEntry): EntryTree {
  const parts = insert(tree, entry);
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : inner(parts);
}

/** The map without `key`; the same map when it has no such key. */
export function withoutKey(tree: EntryTree, key: string): EntryTree {
  let root = remove(tree, key);
  while (root.children?.length === 1 && root.children[0] !== undefined) root = root.children[0];
  return root.count === 0 ? emptyTree : root;
}

/** How many entries from the start satisfy `isBefore`, which must hold for a leading part of the keys. */
export function countLeading(tree: EntryTree, isBefore: (key: string) => boolean): number {
  let node = tree;
  let count = 0;
  while (node.children !== undefined) {
    const next = leading(node.children, (child) => isBefore(child.firstKey)) - 1;
    for (let index = 0; index < next; index++) count += node.children[index]?.count ?? 0;
    const child = node.children[next];
    if (child === undefined) return 0;
    node = child;
  }
  return count + leading(node.entries ?? [], (entry) => isBefore(entry.key));
}

/** The entries at positions `start` (inclusive) to `end` (exclusive), in key order. */
export function sliceEntries(tree: EntryTree, start: number, end: number): StoreEntry[] {
  const found: StoreEntry[] = [];
  collect(tree, start, end, found);
  return found;
}

/** Where the entries with `prefix` and at or behind `from` stand: positions `start` (inclusive) to `end` (exclusive). */
export function prefixSpan(tree: EntryTree, prefix: string, from = prefix): { start: number; end: number } {
  const low = compareKeys(from, prefix) > 0 ? from : prefix;
  const start = countLeading(tree, (key) => compareKeys(key, low) < 0);
  const end = countLeading(tree, (key) => compareKeys(key, prefix) < 0 || key.startsWith(prefix));
  return { start, end: Math.max(start, end) };
}

function leaf(entries: readonly StoreEntry[]): EntryTree {
  return { count: entries.length, firstKey: entries[0]?.key ?? '', entries, children: undefined };
}

function inner(children: readonly EntryTree[]): EntryTree {
  let count = 0;
  for (const child of children) count += child.count;
  return { count, firstKey: children[0]?.firstKey ?? '', entries: undefined, children };
}

/** How many items from the start satisfy `test`, by bisection. */
function leading<T>(items: readonly T[], test: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (test(items[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The child whose part of the key space holds `key`. */
function childFor(children: readonly EntryTree[], key: string): number {
  return Math.max(0, leading(children, (child) => compareKeys(child.firstKey, key) <= 0) - 1);
}

/** The node with the entry, in two parts when it grew too wide. */
function insert(node: EntryTree, entry: StoreEntry): EntryTree[] {
  if (node.children !== undefined) {
    const at = childFor(node.children, entry.key);
    const child = node.children[at] ?? emptyTree;
    return split(node.children.toSpliced(at, 1, ...insert(child, entry)), inner);
  }
  const entries = node.entries ?? [];
  const at = leading(entries, (other) => compareKeys(other.key, entry.key) < 0);
  return split(entries.toSpliced(at, entries[at]?.key === entry.key ? 1 : 0, entry), leaf);
}

function split<T>(items: readonly T[], node: (items: readonly T[]) => EntryTree): EntryTree[] {
  if (items.length <= maxWidth) return [node(items)];
  const middle = items.length >>> 1;
  return [node(items.slice(0, middle)), node(items.slice(middle))];
}

/** The node without the key; it may come out empty. */
function remove(node: EntryTree, key: string): EntryTree {
  if (node.children === undefined) {
    const entries = node.entries ?? [];
    const at = leading(entries, (entry) => compareKeys(entry.key, key) < 0);
    return entries[at]?.key === key ? leaf(entries.toSpliced(at, 1)) : node;
  }
  const at = childFor(node.children, key);
  const child = node.children[at] ?? emptyTree;
  const next = remove(child, key);
  if (next === child) return node;
  if (next.count === 0) return inner(node.children.toSpliced(at, 1));
  if (width(next) >= minWidth) return inner(node.children.with(at, next));
  const beside = at > 0 ? at - 1 : at + 1;
  const neighbour = node.children[beside];
  if (neighbour === undefined || width(neighbour) + width(next) > maxWidth) return inner(node.children.with(at, next));
  const joined = beside < at ? join(neighbour, next) : join(next, neighbour);
  return inner(node.children.toSpliced(Math.min(at, beside), 2, joined));
}

function width(node: EntryTree): number {
  return (node.children ?? node.entries ?? []).length;
}

function join(left: EntryTree, right: EntryTree): EntryTree {
  if (left.children !== undefined) return inner([...left.children, ...(right.children ?? [])]);
  return leaf([...(left.entries ?? []), ...(right.entries ?? [])]);
}

function collect(node: EntryTree, start: number, end: number, found: StoreEntry[]): void {
  if (node.entries !== undefined) {
    for (let index = Math.max(0, start); index < Math.min(end, node.entries.length); index++) {
      const entry = node.entries[index];
      if (entry !== undefined) found.push(entry);
    }
    return;
  }
  let position = 0;
  for (const child of node.children ?? []) {
    if (position >= end) return;
    if (position + child.count > start) collect(child, start - position, end - position, found);
    position += child.count;
  }
}
