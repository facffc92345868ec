import { mayWrite } from '../limits.ts';
import type { LeaseId, StoreEntry, StoreWrite, WriteResult } from '../store.ts';
import type { KeySpace } from './key-space.ts';
import type { Given, Message } from './wire-fields.ts';

/** Of etcd's comparisons and what they compare. */
const equal = 0;
const greater = 1;
const version = 0;
const modRevision = 2;

/** The transaction for writes: all of them when every expectation holds, else a look at every key. Pure. */
export function planTxn(writes: readonly StoreWrite[], keys: KeySpace): Given<'TxnRequest'> {
  return {
    compare: writes.flatMap((write) => comparisonsOf(write, keys.bytesOf(write.key))),
    success: writes.map(({ key, value, ...write }) => {
      if (value === undefined) return { deleteRange: { key: keys.bytesOf(key) } };
      const leaseId = 'leaseId' in write ? write.leaseId : undefined;
      return { put: { key: keys.bytesOf(key), value, ...(leaseId !== undefined && { lease: leaseNumber(leaseId) }) } };
    }),
    failure: writes.map(({ key }) => ({ range: { key: keys.bytesOf(key) } })),
  };
}

function comparisonsOf({ value, expect }: StoreWrite, key: Buffer): readonly Given<'Compare'>[] {
  const exists: Given<'Compare'> = { result: greater, target: version, key, version: 0 };
  if ('modRevision' in expect) {
    // To etcd a key that is not there has revision 0.
    return [...(expect.modRevision > 0 ? [] : [exists]), { result: equal, target: modRevision, key, modRevision: expect.modRevision }];
  }
  if ('absent' in expect) return [{ result: equal, target: version, key, version: 0 }];
  // Deleting what is not there is a failed expectation.
  return value === undefined ? [exists] : [];
}

/**
 * What became of the writes. `repeated`: the transaction may have been carried out by an earlier attempt whose answer was
 * lost; expectations then fail because of the writes themselves, which is told from what stands there.
 */
export function resultOf(writes: readonly StoreWrite[], response: Message<'TxnResponse'>, { keys, repeated }: { readonly keys: KeySpace; readonly repeated: boolean }): WriteResult {
  const revision = response.header?.revision ?? 0;
  if (response.succeeded) return { ok: true, revision };
  const current = response.responses.map(({ range }) => {
    const kv = range?.kvs[0];
    return kv === undefined ? undefined : entryOf(kv, keys);
  });
  if (repeated && writes.every((write, index) => isDone(write, current[index]))) {
    return { ok: true, revision: Math.max(0, ...current.map((entry) => entry?.modRevision ?? 0)) || revision };
  }
  for (const [index, write] of writes.entries()) {
    if (!mayWrite(write, current[index])) return { ok: false, key: write.key, current: current[index] };
  }
  throw new Error('etcd refused a transaction whose expectations hold');
}

function isDone(write: StoreWrite, current: StoreEntry | undefined): boolean {
  if (write.value === undefined) return current === undefined;
  return current !== undefined && Buffer.compare(write.value, current.value) === 0;
}

export function entryOf(kv: Message<'KeyValue'>, keys: KeySpace): StoreEntry {
  return { key: keys.keyOf(kv.key) ?? '', value: kv.value, createRevision: kv.createRevision, modRevision: kv.modRevision };
}

/** Lease ids are hexadecimal here, as etcdctl shows them. */
export function leaseNumber(id: LeaseId): bigint {
  return BigInt.asIntN(64, BigInt(`0x${id}`));
}

export function leaseIdOf(number: bigint): LeaseId {
  return BigInt.asUintN(64, number).toString(16) as LeaseId;
}
