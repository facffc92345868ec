import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from './sqlite.ts';
import { storeContract } from './store.contract.ts';

storeContract('SQLite store', {
  propertyRuns: 60,
  open: async (options) => {
    const directory = await mkdtemp(join(tmpdir(), 'skiff-store-'));
    const file = join(directory, 'store.db');
    let store = await openSqliteStore({ ...options, file });
    return {
      store,
      async reopen() {
        await store.close();
        store = await openSqliteStore({ ...options, file });
        return store;
      },
      async dispose() {
        await store.close();
        await rm(directory, { recursive: true });
      },
    };
  },
});
