import { etcdMissing, startEtcdCluster, type EtcdCluster } from './etcd/etcd-member.fixture.ts';
import { openEtcdStore } from './etcd.ts';
import { storeContract } from './store.contract.ts';

/** A new store needs a new etcd. The next one is started while a test still uses the one before. */
let next: Promise<EtcdCluster> | undefined;

if (etcdMissing === false) {
  storeContract('etcd store, one member', {
    propertyRuns: 6,
    traits: { keepsOrder: false, leaseRevisions: 1 },
    open: async (options) => {
      const quota = options.limitBytes;
      const cluster = await (quota === undefined ? (next ?? startEtcdCluster({ members: 1 })) : startEtcdCluster({ members: 1, flags: ['--quota-backend-bytes', String(quota)] }));
      if (quota === undefined) next = undefined;
      const open = { ...options, endpoints: cluster.endpoints };
      let store = await openEtcdStore(open);
      return {
        store,
        async reopen() {
          await store.close();
          store = await openEtcdStore(open);
          return store;
        },
        async dispose() {
          await store.close();
          await cluster.close();
        },
      };
    },
  });
}
