import type { Store, StoreEntry, StoreWrite } from '#store/store.ts';

/** What every etcd takes in one transaction. */
const entriesPerWrite = 100;
/** And in bytes: half of what its default allows. */
const bytesPerWrite = 700_000;
const entriesPerPage = 500;

/** All entries of a store at one revision, in pages. */
export async function* pagesOf(store: Store): AsyncGenerator<{ readonly entries: readonly StoreEntry[]; readonly revision: number }> {
  let revision: number | undefined;
  for (let from = ''; ; ) {
    const page = await store.range('', { from, limit: entriesPerPage, ...(revision !== undefined && { revision }) });
    revision ??= page.revision;
    yield { entries: page.entries, revision };
    const last = page.entries.at(-1);
    if (!page.more || last === undefined) return;
    from = `${last.key}\0`;
  }
}

/** Writes everything that `source` has into `target`, which must have none of it. Revisions are the target's own. */
export async function copyStore(source: Store, target: Store): Promise<number> {
  let copied = 0;
  for await (const { entries } of pagesOf(source)) {
    for (const part of partsOf(entries)) {
      const writes = part.map(({ key, value }): StoreWrite => ({ key, value, expect: { absent: true } }));
      const result = await target.transaction(writes);
      if (!result.ok) throw new Error(`${result.key} was written while the store was copied: something else uses it`);
      copied += part.length;
    }
  }
  return copied;
}

/** Deletes everything. */
export async function emptyStore(store: Store): Promise<void> {
  for (;;) {
    const { entries } = await store.range('', { limit: entriesPerWrite });
    if (entries.length === 0) return;
    await store.transaction(entries.map(({ key }): StoreWrite => ({ key, value: undefined, expect: { any: true } })));
  }
}

function* partsOf(entries: readonly StoreEntry[]): Generator<readonly StoreEntry[]> {
  let part: StoreEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (part.length >= entriesPerWrite || (part.length > 0 && bytes + entry.value.length > bytesPerWrite)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(entry);
    bytes += entry.key.length + entry.value.length;
  }
  if (part.length > 0) yield part;
}
