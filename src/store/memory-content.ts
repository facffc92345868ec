import { firstRevision } from './change-log.ts';
import { emptyTree, withEntry, type EntryTree } from './entry-tree.ts';
import { entryBytes } from './limits.ts';
import { commitOn, type MemoryCommit, type MemoryContent } from './memory.ts';
import { RevisionWindow } from './revision-window.ts';
import { fromWire, type FileContent, type WireChange } from './sqlite-protocol.ts';
import type { StoreWrite } from './store.ts';

/** Entries between two turns of the event loop; about 2 ms. */
const entriesPerTurn = 1000;

/** The content of a file for a store in memory, made in small steps. */
export async function memoryContent(content: FileContent, atMs: number): Promise<MemoryContent> {
  let base: EntryTree = emptyTree;
  let liveBytes = 0;
  for (const [index, entry] of content.base.entries()) {
    base = withEntry(base, fromWire(entry));
    liveBytes += entryBytes(entry[0], entry[1]);
    if (index % entriesPerTurn === 0) await turn();
  }
  const compacted = Math.max(firstRevision, content.compacted);
  const commits = new RevisionWindow<MemoryCommit>(compacted + 1);
  let tree = base;
  let pastBytes = 0;
  let count = 0;
  for (const changes of byRevision(content.changes)) {
    const writes = changes.map(([, key, value]): StoreWrite => ({ key, value, expect: { any: true } }));
    const commit = commitOn(tree, writes, { revision: changes[0]?.[0] ?? 0, atMs });
    commits.push(commit);
    tree = commit.tree;
    pastBytes += commit.pastBytes;
    for (const [, key, value] of changes) if (value !== undefined) liveBytes += entryBytes(key, value);
    count += writes.length;
    if (count >= entriesPerTurn) {
      await turn();
      count = 0;
    }
  }
  return {
    base: { revision: compacted, tree: base },
    compacted: content.compacted,
    commits,
    leases: content.leases,
    leaseOfKey: new Map(content.leaseOfKey),
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

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
