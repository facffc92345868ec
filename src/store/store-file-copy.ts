import { rename, rm } from 'node:fs/promises';
import { defaultRetention } from './limits.ts';
import { SqliteThread } from './sqlite-thread.ts';
import { toWire } from './sqlite-protocol.ts';
import type { LeaseId, StoreEntry } from './store.ts';

/** Entries given to the thread at once. */
const entriesPerMessage = 500;

/** Writes a new store file with the given state and no past; it appears whole or not at all. */
export async function writeStoreFile(
  file: string,
  content: {
    readonly entries: readonly StoreEntry[];
    readonly revision: number;
    readonly leases: readonly { readonly id: LeaseId; readonly ttlSeconds: number }[];
    readonly leaseOfKey: ReadonlyMap<string, LeaseId>;
  },
): Promise<void> {
  await throughPart(file, async (part) => {
    const { thread } = await SqliteThread.open(
      { file: part, limitBytes: Infinity, retention: defaultRetention },
      { onCommit: () => {}, compactTo: () => 0, onFail: () => {} },
    );
    const { entries, revision: head, leases } = content;
    await thread.call({ do: 'import', part: { head, entries: [], leases, leaseOfKey: [] } });
    for (let start = 0; start < entries.length; start += entriesPerMessage) {
      const some = entries.slice(start, start + entriesPerMessage);
      const leaseOfKey = some.flatMap((entry) => {
        const id = content.leaseOfKey.get(entry.key);
        return id === undefined ? [] : [[entry.key, id] as const];
      });
      await thread.call({ do: 'import', part: { head, entries: some.map(toWire), leases: [], leaseOfKey } });
    }
    await thread.close();
  });
}

/** Lets `write` write a file of another name, which then takes the place of `file`. */
export async function throughPart(file: string, write: (part: string) => Promise<void>): Promise<void> {
  const part = `${file}.part`;
  try {
    await rm(part, { force: true });
    await write(part);
    await rename(part, file);
  } finally {
    for (const rest of [part, `${part}-wal`, `${part}-journal`]) await rm(rest, { force: true });
  }
}
