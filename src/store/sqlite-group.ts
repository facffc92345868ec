import type { Commit } from './change-log.ts';
import { absentMark, anyMark, deleteMark, fromWire, grantMark, revokeMark, type GroupOutcome, type Request, type WriteGroup } from './sqlite-protocol.ts';
import { StoreError, type LeaseId, type StoreChange, type WriteResult } from './store.ts';

/** Lays requests flat. */
export function packGroup(requests: readonly Request[], compactTo: number): WriteGroup {
  const counts = new Int32Array(requests.length);
  const keys: string[] = [];
  const lengths: number[] = [];
  const expected: number[] = [];
  const parts: Uint8Array[] = [];
  let leases: (LeaseId | undefined)[] | undefined;
  let total = 0;
  for (const [index, request] of requests.entries()) {
    if (request.do !== 'write') {
      counts[index] = request.do === 'grant' ? grantMark : revokeMark;
      keys.push(request.lease);
      lengths.push(request.do === 'grant' ? request.ttlSeconds : 0);
      expected.push(anyMark);
      continue;
    }
    counts[index] = request.writes.length;
    for (const write of request.writes) {
      if (write.value !== undefined) {
        if (write.leaseId !== undefined) (leases ??= [])[keys.length] = write.leaseId;
        parts.push(write.value);
        total += write.value.byteLength;
      }
      keys.push(write.key);
      lengths.push(write.value?.byteLength ?? deleteMark);
      expected.push('any' in write.expect ? anyMark : 'absent' in write.expect ? absentMark : write.expect.modRevision);
    }
  }
  const values = new Uint8Array(total);
  let offset = 0;
  for (const part of parts) {
    values.set(part, offset);
    offset += part.byteLength;
  }
  return { counts, keys, lengths: Float64Array.from(lengths), expected: Float64Array.from(expected), leases, values, compactTo };
}

/** What the group changed, with the very values its writers gave. */
export function commitsOf(requests: readonly Request[], outcome: GroupOutcome): Commit[] {
  const commits: Commit[] = [];
  let column = 0;
  for (const [index, request] of requests.entries()) {
    const start = column;
    column += request.do === 'write' ? request.writes.length : 1;
    const revision = outcome.revisions[index] ?? 0;
    if (request.do === 'revoke') commits.push(...endCommits(index, revision, outcome));
    if (request.do !== 'write' || revision === 0) continue;
    const changes = request.writes.map((write, place): StoreChange => {
      const { key, value } = write;
      if (value === undefined) return { type: 'delete', key, revision, entry: undefined };
      const createRevision = outcome.created[start + place] ?? revision;
      return { type: 'put', key, revision, entry: { key, value, createRevision, modRevision: revision } };
    });
    commits.push({ revision, changes });
  }
  return commits;
}

function endCommits(request: number, lastRevision: number, outcome: GroupOutcome): Commit[] {
  const parts = outcome.ended.find((ended) => ended.request === request)?.keys ?? [];
  return parts.map((keys, index) => {
    const revision = lastRevision - parts.length + 1 + index;
    return { revision, changes: keys.map((key) => ({ type: 'delete', key, revision, entry: undefined })) };
  });
}

/** The answer of each request. */
export function resultsOf(outcome: GroupOutcome): (WriteResult | StoreError)[] {
  const results: (WriteResult | StoreError)[] = [];
  for (const revision of outcome.revisions) results.push({ ok: true, revision });
  for (const refusal of outcome.refused) {
    results[refusal.request] =
      'error' in refusal
        ? new StoreError(refusal.error.code, refusal.error.message)
        : { ok: false, key: refusal.key, current: refusal.current && fromWire(refusal.current) };
  }
  return results;
}
