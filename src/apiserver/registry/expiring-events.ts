import type { Clock } from '#base/clock.ts';
import { storeOver } from '#store/store-over.ts';
import type { LeaseId, Store } from '#store/store.ts';
import { StoreError } from '#store/store.ts';
import { registryPrefix } from '../watch-cache/watch-cache.ts';

const eventPrefix = `${registryPrefix}events/`;
/** Events of one minute share a lease. Source: --lease-reuse-duration-seconds of kube-apiserver. */
const reuseMs = 60_000;

/**
 * The same store, in which events end some time after they were last written. An event may live as much longer as its
 * lease is shared. Source: --event-ttl of kube-apiserver.
 */
export function withExpiringEvents(store: Store, { clock, ttlMs }: { readonly clock: Clock; readonly ttlMs: number }): Store {
  const sharedMs = Math.min(reuseMs, ttlMs / 20);
  let current: { readonly id: Promise<LeaseId>; readonly untilMs: number } | undefined;
  const lease = (): Promise<LeaseId> => {
    const nowMs = clock.monotonicMs();
    if (current === undefined || current.untilMs <= nowMs) {
      const id = store.grantLease(Math.ceil((ttlMs + sharedMs) / 1000));
      current = { id, untilMs: nowMs + sharedMs };
      // A lease that was not granted is no reason to lose the next event as well.
      id.catch(() => {
        current = undefined;
      });
    }
    return current.id;
  };
  const putWithLease: Store['put'] = async (key, value, expect) => {
    try {
      return await store.put(key, value, expect, { leaseId: await lease() });
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'lease-not-found') throw error;
      // Somebody has ended it, or the machine slept.
      current = undefined;
      return store.put(key, value, expect, { leaseId: await lease() });
    }
  };
  return storeOver(store, {
    put: (key, value, expect, options) => (key.startsWith(eventPrefix) && options?.leaseId === undefined ? putWithLease(key, value, expect) : store.put(key, value, expect, options)),
  });
}
