/** The objects of one kind by key and by any number of indexes. Knows nothing of where they come from. */
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Lister } from './informer.ts';
import { keyOf } from './informer.ts';

interface Index<T> {
  readonly valuesOf: (object: T) => readonly string[];
  readonly buckets: Map<string, Map<string, T>>;
}

/** Keeping an object costs one map operation per index; a read of an index costs what it answers. */
export class Indexer<T extends KubeObject> implements Lister<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): readonly T[] {
    if (namespace === undefined) return [...this.#objects.values()];
    this.addIndex(namespaceIndex, (object) => [object.metadata.namespace ?? '']);
    return this.byIndex(namespaceIndex, namespace);
  }

  byIndex(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (found === undefined) throw new RangeError(`no index "${index}"`);
    const bucket = found.buckets.get(value);
    return bucket === undefined ? [] : [...bucket.values()];
  }

  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) return;
    const index: Index<T> = { valuesOf, buckets: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) put(index, key, object, undefined);
  }

  keys(): Iterable<string> {
    return this.#objects.keys();
  }

  /** Puts `object` in place of what stood there, and returns that. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) put(index, key, object, old);
    return old;
  }

  delete(key: string): T | undefined {
    const old = this.#objects.get(key);
    if (old === undefined) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) for (const value of index.valuesOf(old)) remove(index, value, key);
    return old;
  }
}

const namespaceIndex = 'namespace';

function put<T>(index: Index<T>, key: string, object: T, old: T | undefined): void {
  const values = index.valuesOf(object);
  if (old !== undefined) {
    for (const value of index.valuesOf(old)) if (!values.includes(value)) remove(index, value, key);
  }
  for (const value of values) {
    const bucket = index.buckets.get(value);
    if (bucket === undefined) index.buckets.set(value, new Map([[key, object]]));
    else bucket.set(key, object);
  }
}

function remove<T>(index: Index<T>, value: string, key: string): void {
  const bucket = index.buckets.get(value);
  if (bucket === undefined) return;
  bucket.delete(key);
  if (bucket.size === 0) index.buckets.delete(value);
}
