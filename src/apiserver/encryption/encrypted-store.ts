import type { Store, StoreChange, StoreEntry, StoreWatch, StoreWrite, WatchBatch, WriteResult } from '#store/store.ts';
import { storeOver } from '#store/store-over.ts';
import { StoreError } from '#store/store.ts';
import type { Transformer } from './transformer.ts';

/** How the values of a key are kept; undefined: as they are. Asked for every value, so that it may change. */
export type TransformerOf = (key: string) => Transformer | undefined;

/**
 * The same store, with values encrypted below. What it promises holds: a write's own bytes come back in watches as the
 * very array that was given. A value that cannot be decrypted fails what reads it with `incompatible`.
 */
export function encryptedStore(store: Store, transformerOf: TransformerOf): Store {
  /** What was given for the bytes that were stored. */
  const given = new WeakMap<Uint8Array, Uint8Array>();

  const encrypted = (key: string, value: Uint8Array): Uint8Array => {
    const transformer = transformerOf(key);
    if (transformer === undefined) return value;
    const stored = transformer.encrypt(value, key);
    if (stored !== value) given.set(stored, value);
    return stored;
  };
  const withValue = (entry: StoreEntry): StoreEntry | Promise<StoreEntry> => {
    const own = given.get(entry.value);
    if (own !== undefined) return { ...entry, value: own };
    const transformer = transformerOf(entry.key);
    if (transformer === undefined) return entry;
    try {
      const value = transformer.decrypt(entry.value, entry.key);
      if (value === entry.value) return entry;
      return value instanceof Promise ? value.then((plain) => ({ ...entry, value: plain }), failed) : { ...entry, value };
    } catch (error) {
      return failed(error);
    }
  };
  const allOf = <T, U>(items: readonly T[], map: (item: T) => U | Promise<U>): readonly U[] | Promise<readonly U[]> => {
    const mapped = items.map(map);
    return mapped.some((each) => each instanceof Promise) ? Promise.all(mapped) : (mapped as readonly U[]);
  };
  const result = async (work: Promise<WriteResult>): Promise<WriteResult> => {
    const done = await work;
    return done.ok || done.current === undefined ? done : { ...done, current: await withValue(done.current) };
  };
  const change = (each: StoreChange): StoreChange | Promise<StoreChange> => {
    if (each.entry === undefined) return each;
    const entry = withValue(each.entry);
    return entry instanceof Promise ? entry.then((plain) => ({ ...each, entry: plain })) : entry === each.entry ? each : { ...each, entry };
  };
  const batch = (step: IteratorResult<WatchBatch>): IteratorResult<WatchBatch> | Promise<IteratorResult<WatchBatch>> => {
    if (step.done === true) return step;
    const changes = allOf(step.value.changes, change);
    return changes instanceof Promise ? changes.then((plain) => ({ done: false, value: { ...step.value, changes: plain } })) : { done: false, value: { ...step.value, changes } };
  };
  const write = (each: StoreWrite): StoreWrite => (each.value === undefined ? each : { ...each, value: encrypted(each.key, each.value) });

  return storeOver(store, {
    async get(...wanted) {
      const read = await store.get(...wanted);
      return read.entry === undefined ? read : { ...read, entry: await withValue(read.entry) };
    },
    async range(...wanted) {
      const page = await store.range(...wanted);
      return { ...page, entries: await allOf(page.entries, withValue) };
    },
    put: (key, value, ...more) => result(store.put(key, encrypted(key, value), ...more)),
    delete: (...wanted) => result(store.delete(...wanted)),
    transaction: (writes) => result(store.transaction(writes.map(write))),
    watch: (...wanted) => followed(store.watch(...wanted), batch),
    fork: async () => encryptedStore(await store.fork(), transformerOf),
  });
}

function failed(error: unknown): never {
  throw new StoreError('incompatible', (error as Error).message, { cause: error });
}

function followed(inner: StoreWatch, map: (step: IteratorResult<WatchBatch>) => IteratorResult<WatchBatch> | Promise<IteratorResult<WatchBatch>>): StoreWatch {
  return {
    requestProgress: () => inner.requestProgress(),
    [Symbol.asyncIterator]() {
      const iterator = inner[Symbol.asyncIterator]();
      return {
        next: () => iterator.next().then(map),
        return: async () => {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
