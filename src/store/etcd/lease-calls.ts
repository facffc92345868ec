import type { LeaseId } from '../store.ts';
import { StoreError } from '../store.ts';
import type { EtcdClient } from './etcd-client.ts';
import { isCallFailure, storeErrorOf } from './etcd-errors.ts';
import type { KeySpace } from './key-space.ts';
import { methods } from './methods.ts';
import type { Message } from './wire-fields.ts';
import { leaseIdOf, leaseNumber } from './write-txn.ts';

/**
 * What a lease lives longer in etcd than for its owner, who ends it in time; etcd's own end is for when the owner is gone.
 */
export const marginSeconds = 10;

export async function grant(client: EtcdClient, id: LeaseId, ttlSeconds: number): Promise<void> {
  await client.call(methods.leaseGrant, { id: leaseNumber(id), ttlSeconds: Math.ceil(ttlSeconds) + marginSeconds });
}

/** Ends the lease and deletes its keys. Throws `lease-not-found`. */
export async function revoke(client: EtcdClient, id: LeaseId): Promise<void> {
  await client.call(methods.leaseRevoke, { id: leaseNumber(id) });
}

/** Starts the lease's time anew. Throws `lease-not-found`. */
export async function keepAlive(client: EtcdClient, id: LeaseId): Promise<void> {
  const answer = await new Promise<Message<'LeaseResponse'>>((resolve, reject) => {
    const stream = client.stream(methods.leaseKeepAlive);
    stream.on('data', (response: Message<'LeaseResponse'>) => {
      resolve(response);
      stream.end();
    });
    stream.on('error', (error: Error) => reject(isCallFailure(error) ? storeErrorOf(error) : error));
    stream.write({ id: leaseNumber(id) });
  });
  if (answer.ttlSeconds <= 0) throw leaseNotFound(id);
}

/** Throws `lease-not-found`. */
export async function checkLease(client: EtcdClient, id: LeaseId): Promise<void> {
  const { response } = await client.call(methods.leaseTimeToLive, { id: leaseNumber(id) });
  if (response.ttlSeconds <= 0) throw leaseNotFound(id);
}

function leaseNotFound(id: LeaseId): StoreError {
  return new StoreError('lease-not-found', `lease ${id} does not exist or has expired`);
}

/** All leases there are, and which of the store's keys end with them. */
export async function listLeases(client: EtcdClient, keys: KeySpace): Promise<{
  readonly leases: readonly { readonly id: LeaseId; readonly ttlSeconds: number }[];
  readonly leaseOfKey: readonly (readonly [string, LeaseId])[];
}> {
  const leases: { id: LeaseId; ttlSeconds: number }[] = [];
  const leaseOfKey: [string, LeaseId][] = [];
  const { response: all } = await client.call(methods.leaseLeases, {});
  for (const { id } of all.leases) {
    const { response } = await client.call(methods.leaseTimeToLive, { id, keys: true });
    if (response.grantedSeconds <= 0) continue;
    leases.push({ id: leaseIdOf(id), ttlSeconds: Math.max(1, response.grantedSeconds - marginSeconds) });
    for (const bytes of response.keys) {
      const key = keys.keyOf(bytes);
      if (key !== undefined) leaseOfKey.push([key, leaseIdOf(id)]);
    }
  }
  return { leases, leaseOfKey };
}
