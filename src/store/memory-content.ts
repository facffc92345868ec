import { firstRevision } from './change-log.ts';
import { emptyTree, withEntry, type EntryTree } from './entry-tree.ts';
import { entryBytes } from './limits.ts';
import { commitOn, type MemoryCommit, type MemoryContent } from './memory.ts';
import { RevisionWindow } from './revision-window.ts';
import { fromWire, type ExportState, type WireChange, type WireEntry } from './sqlite-protocol.ts';
import type { StoreWrite } from './store.ts';

/** The content of a file, in pages small enough to be handled in one turn of the event loop. */
export interface ContentSource extends ExportState {
  /** The state at `compacted`. */
  readonly base: AsyncIterable<readonly WireEntry[]>;
  /** All changes since, in whole revisions. */
  readonly changes: AsyncIterable<readonly WireChange[]>;
}

/** The content of a file for a store in memory. */
export async function memoryContent(source: ContentSource, atMs: number): Promise<MemoryContent> {
  let base: EntryTree = emptyTree;
  let liveBytes = 0;
  for await (const page of source.base) {
    for (const entry of page) {
      base = withEntry(base, fromWire(entry));
      liveBytes += entryBytes(entry[0], entry[1]);
    }
  }
  const revision = Math.max(firstRevision, source.compacted);
  const commits = new RevisionWindow<MemoryCommit>(revision + 1);
  let tree = base;
  let pastBytes = 0;
  for await (const page of source.changes) {
    for (const changes of byRevision(page)) {
      const writes = changes.map(([, key, value]): StoreWrite => ({ key, value, expect: { any: true } }));
      const commit = commitOn(tree, writes, { revision: changes[0]?.[0] ?? 0, atMs });
      commits.push(commit);
      tree = commit.tree;
      pastBytes += commit.pastBytes;
      for (const [, key, value] of changes) if (value !== undefined) liveBytes += entryBytes(key, value);
    }
  }
  return {
    base: { revision, tree: base },
    compacted: source.compacted,
    commits,
    leases: source.leases,
    leaseOfKey: new Map(source.leaseOfKey),
    // What was replaced is counted in both of the writes.
    liveBytes: liveBytes - pastBytes,
    pastBytes,
  };
}

/** Splits changes, which are in order, into those of one revision each. */
export function byRevision(changes: readonly WireChange[]): WireChange[][] {
  const revisions: WireChange[][] = [];
  for (const change of changes) {
    const last = revisions.at(-1);
    if (last?.[0]?.[0] === change[0]) last.push(change);
    else revisions.push([change]);
  }
  return revisions;
}
