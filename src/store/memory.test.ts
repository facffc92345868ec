import { openMemoryStore } from './memory.ts';
import { storeContract } from './store.contract.ts';

storeContract('memory store', {
  propertyRuns: 300,
  open: async (options) => {
    const store = openMemoryStore(options);
    return { store, reopen: undefined, dispose: () => store.close() };
  },
});
