import { holds } from './limits.ts';
import { compareKeys } from './key-order.ts';
import type { LeaseId, StoreChange, StoreEntry, StoreWrite, WriteResult } from './store.ts';

/** The contract in the plainest form: a copy of everything per revision. What the contract suite compares stores with. */
export class StoreModel {
  /** State and changes of each revision; the index is the revision. */
  readonly #states: ReadonlyMap<string, StoreEntry>[] = [new Map(), new Map()];
  readonly #changes: (readonly StoreChange[])[] = [[], []];
  readonly #leaseOf = new Map<string, LeaseId>();
  readonly #leases: { id: LeaseId; ttlMs: number; dueMs: number }[] = [];
  compacted = 0;

  get head(): number {
    return this.#states.length - 1;
  }

  get(key: string, revision = this.head): StoreEntry | undefined {
    return this.#states[revision]?.get(key);
  }

  range(prefix: string, from = prefix, revision = this.head): StoreEntry[] {
    return [...(this.#states[revision]?.values() ?? [])]
      .filter((entry) => entry.key.startsWith(prefix) && compareKeys(entry.key, from) >= 0)
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  changesAfter(prefix: string, revision: number): StoreChange[] {
    return this.#changes.slice(revision + 1).flatMap((changes) => changes.filter((change) => change.key.startsWith(prefix)));
  }

  write(writes: readonly StoreWrite[]): WriteResult {
    for (const write of writes) {
      const current = this.get(write.key);
      const isAllowed = holds(write.expect, current) && (write.value !== undefined || current !== undefined);
      if (!isAllowed) return { ok: false, key: write.key, current };
    }
    const revision = this.head + 1;
    const state = new Map(this.#states.at(-1));
    const changes: StoreChange[] = [];
    for (const write of writes) {
      const { key, value } = write;
      this.#leaseOf.delete(key);
      if (value === undefined) {
        state.delete(key);
        changes.push({ type: 'delete', key, revision, entry: undefined });
        continue;
      }
      const entry = { key, value, createRevision: state.get(key)?.createRevision ?? revision, modRevision: revision };
      if (write.leaseId !== undefined) this.#leaseOf.set(key, write.leaseId);
      state.set(key, entry);
      changes.push({ type: 'put', key, revision, entry });
    }
    this.#states.push(state);
    this.#changes.push(changes);
    return { ok: true, revision };
  }

  hasLease(id: LeaseId): boolean {
    return this.#leases.some((lease) => lease.id === id);
  }

  grant(id: LeaseId, ttlSeconds: number, nowMs: number): void {
    this.#leases.push({ id, ttlMs: ttlSeconds * 1000, dueMs: nowMs + ttlSeconds * 1000 });
  }

  renew(id: LeaseId, nowMs: number): void {
    for (const lease of this.#leases) if (lease.id === id) lease.dueMs = nowMs + lease.ttlMs;
  }

  revoke(id: LeaseId): void {
    this.#leases.splice(this.#leases.findIndex((lease) => lease.id === id), 1);
    const keys = [...this.#leaseOf].filter(([, leaseId]) => leaseId === id).map(([key]) => key);
    if (keys.length === 0) return;
    this.write(keys.sort(compareKeys).map((key) => ({ key, value: undefined, expect: { any: true } })));
  }

  /** Ends what is due, in the order of the due times, then of the grants. */
  expire(nowMs: number): void {
    const due = this.#leases.filter((lease) => lease.dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs);
    for (const lease of due) this.revoke(lease.id);
  }
}
