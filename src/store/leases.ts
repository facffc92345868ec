import type { Clock, Timer } from '#base/clock.ts';
import { assert } from '#base/assert.ts';
import type { Random } from '#base/random.ts';
import { StoreError, type LeaseId, type StoreWrite } from './store.ts';

/** When each lease of a store ends. Which keys belong to it is the backend's business. */
export class LeaseTimes {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #onExpire: (ids: readonly LeaseId[]) => void;
  readonly #leases = new Map<LeaseId, { readonly ttlMs: number; dueMs: number }>();
  #timer: Timer | undefined;
  #timerDueMs = Infinity;

  /** `onExpire` is told of leases whose time is over, which are then no longer known here. */
  constructor(options: { readonly clock: Clock; readonly random: Random; readonly onExpire: (ids: readonly LeaseId[]) => void }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#onExpire = options.onExpire;
  }

  /** A new id; the lease begins with `start`. */
  newId(): LeaseId {
    for (;;) {
      const id = (1 + Math.floor(this.#random.next() * 2 ** 48)).toString(16) as LeaseId;
      if (!this.#leases.has(id)) return id;
    }
  }

  start(id: LeaseId, ttlSeconds: number): void {
    assert(ttlSeconds > 0, 'a lease needs a time to live');
    const ttlMs = ttlSeconds * 1000;
    const dueMs = this.#clock.monotonicMs() + ttlMs;
    this.#leases.set(id, { ttlMs, dueMs });
    this.#armFor(dueMs);
  }

  has(id: LeaseId): boolean {
    return this.#leases.has(id);
  }

  /** Throws `lease-not-found`. The timer is not moved: it finds out when it fires. */
  renew(id: LeaseId): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw leaseNotFound(id);
    lease.dueMs = this.#clock.monotonicMs() + lease.ttlMs;
  }

  /** Throws `lease-not-found` when a write names a lease that is not there. */
  check(writes: readonly StoreWrite[]): void {
    for (const write of writes) {
      if (write.value !== undefined && write.leaseId !== undefined && !this.#leases.has(write.leaseId)) throw leaseNotFound(write.leaseId);
    }
  }

  /** Throws `lease-not-found`. */
  remove(id: LeaseId): void {
    if (!this.#leases.delete(id)) throw leaseNotFound(id);
  }

  /** For a copy of the store, where their time starts anew. */
  *entries(): Iterable<{ readonly id: LeaseId; readonly ttlSeconds: number }> {
    for (const [id, lease] of this.#leases) yield { id, ttlSeconds: lease.ttlMs / 1000 };
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#leases.clear();
  }

  #armFor(dueMs: number): void {
    if (dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.after(dueMs - this.#clock.monotonicMs(), () => this.#fire());
  }

  #fire(): void {
    this.#timerDueMs = Infinity;
    const nowMs = this.#clock.monotonicMs();
    const expired: LeaseId[] = [];
    let nextMs = Infinity;
    for (const [id, lease] of this.#leases) {
      if (lease.dueMs <= nowMs) expired.push(id);
      else nextMs = Math.min(nextMs, lease.dueMs);
    }
    for (const id of expired) this.#leases.delete(id);
    if (nextMs < Infinity) this.#armFor(nextMs);
    if (expired.length > 0) this.#onExpire(expired);
  }
}

function leaseNotFound(id: LeaseId): StoreError {
  return new StoreError('lease-not-found', `lease ${id} does not exist or has expired`);
}
