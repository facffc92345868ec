import type { Store } from './store.ts';

/** A store that does some things its own way and hands on the rest. A fork is one of the store below. */
export function storeOver(store: Store, own: Partial<Store>): Store {
  return {
    revision: () => store.revision(),
    get: (...given) => store.get(...given),
    range: (...given) => store.range(...given),
    put: (...given) => store.put(...given),
    delete: (...given) => store.delete(...given),
    transaction: (writes) => store.transaction(writes),
    watch: (...given) => store.watch(...given),
    grantLease: (seconds) => store.grantLease(seconds),
    renewLease: (id) => store.renewLease(id),
    revokeLease: (id) => store.revokeLease(id),
    compact: (revision) => store.compact(revision),
    compactedRevision: () => store.compactedRevision(),
    size: () => store.size(),
    snapshot: (file) => store.snapshot(file),
    fork: () => store.fork(),
    close: () => store.close(),
    ...own,
  };
}
