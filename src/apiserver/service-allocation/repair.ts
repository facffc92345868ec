import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Timer } from '#base/clock.ts';
import type { Service as ServiceObject } from '#api/core/service.ts';
import { Service } from '#api/core/service.ts';
import { IPAddress } from '#api/networking/ip-address.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { createEventRecorder } from '#client/recorder.ts';
import type { StoreWrite } from '#store/store.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import { nowText, storeKey } from '../registry/registry-context.ts';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import { encodeStored, sealDraft } from '../watch-cache/cached-object.ts';
import type { AllocationMetrics } from './allocation-metrics.ts';
import type { Claim, ServiceName } from './claims.ts';
import { NodePortClaim, addressClaim, claimDraft, claimsOf, holderOf, keyOfClaim, portClaim } from './claims.ts';
import type { Finding, RepairView } from './plan-repair.ts';
import { checkClaim, checkService } from './plan-repair.ts';
import type { PortRange } from './port-range.ts';
import type { ServiceRanges } from './service-ranges.ts';

/** As upstream. */
const intervalMs = 3 * 60_000;
/** How long after an address was changed it is looked at: what was written with it has been seen by then. */
const settleMs = 1000;
/** A claim without a Service is left alone for as long as a request may take: its Service may still be written. */
const graceMs = 60_000;
/** Writes in one transaction: an unprepared etcd takes 128. */
const atOnce = 100;
/** Decoding and checking so many takes a few milliseconds. */
const checkedPerTurn = 100;
/** How often the start tries to bring claims up to date while other servers do the same. */
const startAttempts = 10;

export interface RepairOptions {
  readonly registry: RegistryContext;
  readonly ranges: ServiceRanges;
  readonly ports: PortRange;
  readonly metrics: AllocationMetrics;
}

/**
 * Keeps Services and their claims together: at the start, whenever somebody changes an IPAddress, and every few minutes
 * as a whole. Every API server does so; what it writes depends on what it saw.
 */
export class AllocationRepair {
  readonly #registry: RegistryContext;
  readonly #ranges: ServiceRanges;
  readonly #ports: PortRange;
  readonly #metrics: AllocationMetrics;
  /** Addresses that were changed, with the Service that had them. */
  readonly #touched = new Map<string, ServiceName | undefined>();
  #recorders: Readonly<Record<Finding['good'], EventRecorder>> | undefined;
  #round: Timer | undefined;
  #soon: Timer | undefined;
  #isClosed = false;

  constructor({ registry, ranges, ports, metrics }: RepairOptions) {
    this.#registry = registry;
    this.#ranges = ranges;
    this.#ports = ports;
    this.#metrics = metrics;
  }

  /**
   * Writes the claims that Services lack, so that nobody is given what they have. A store that was written by an older
   * version has none. A start that finds all of them decodes no claim.
   */
  async start(): Promise<void> {
    const { cache, store } = this.#registry;
    for (let attempt = 0; attempt < startAttempts; attempt++) {
      const writes = this.#missing();
      if (writes.length === 0) return;
      const result = await store.transaction(writes.slice(0, atOnce));
      if (result.ok) {
        await cache.reached(result.revision);
        attempt = 0;
      } else {
        await cache.catchUp();
      }
    }
  }

  /** Looks after what happens from now on; `client` writes the events. */
  watchOver(client: Client): void {
    const { clock, log, cache } = this.#registry;
    this.#recorders = {
      address: createEventRecorder({ client, clock, log }, 'ipallocator-repair-controller'),
      port: createEventRecorder({ client, clock, log }, 'portallocator-repair-controller'),
    };
    cache.of(IPAddress).subscribe(({ type, current, previous }) => {
      if (type === 'ADDED' || this.#isClosed) return;
      this.#touched.set((previous ?? current).object.metadata.name, holderOf((previous ?? current).object.spec));
      this.#soon ??= clock.after(settleMs, () => void this.#lookAtTouched());
    });
    const round = (): void => {
      this.#round = clock.after(intervalMs, round);
      void this.runOnce();
    };
    this.#round = clock.after(intervalMs, round);
  }

  close(): void {
    this.#isClosed = true;
    this.#round?.cancel();
    this.#soon?.cancel();
  }

  /** Checks everything once. Never rejects. */
  async runOnce(): Promise<void> {
    const { cache } = this.#registry;
    const view = this.#view();
    // What is found is dealt with only if it is still so.
    await this.#check(cache.of(Service).range('/registry/'), ({ object }) => checkService(object, view));
    await this.#check(cache.of(IPAddress).range('/registry/'), ({ object }) => checkClaim(addressClaim(object.metadata.name), object, view));
    await this.#check(cache.of(NodePortClaim).range('/registry/'), ({ object }) => checkClaim(portClaim(Number(object.metadata.name)), object, view));
  }

  /** Looks at some at a time; in between others get their turn. */
  async #check<T extends KubeObject>(objects: Iterable<CachedObject<T>>, check: (cached: CachedObject<T>) => Iterable<Finding>): Promise<void> {
    // The range must not change while it is read.
    const all = [...objects];
    for (let from = 0; from < all.length && !this.#isClosed; from += checkedPerTurn) {
      await this.#act(all.slice(from, from + checkedPerTurn).flatMap((cached) => [...check(cached)]));
      await nextTurn();
    }
  }

  async #lookAtTouched(): Promise<void> {
    this.#soon = undefined;
    const view = this.#view();
    const findings: Finding[] = [];
    for (const [name, holder] of this.#touched) {
      const claim = addressClaim(name);
      const found = view.claim(claim);
      if (found !== undefined) findings.push(...checkClaim(claim, found, view));
      const service = holder === undefined ? undefined : view.service(holder);
      if (service !== undefined) findings.push(...checkService(service, view));
    }
    this.#touched.clear();
    await this.#act(findings);
  }

  async #act(findings: readonly Finding[]): Promise<void> {
    for (const finding of findings) {
      if (this.#isClosed) return;
      const { remedy } = finding;
      if (remedy?.is === 'delete' && this.#isYoung(remedy.claim)) continue;
      try {
        if (remedy !== undefined && !(await this.#carryOut(remedy))) continue;
        this.#metrics.repaired(finding.good, finding.type);
        this.#recorders?.[finding.good].event({ object: finding.about }, 'Warning', finding.reason, finding.message);
        this.#registry.log.info({ reason: finding.reason }, finding.message);
      } catch (error) {
        if (!this.#isClosed) this.#registry.log.error({ error }, 'repair of what Services hold failed');
      }
    }
  }

  #isYoung(claim: Claim): boolean {
    const { cache, clock } = this.#registry;
    const created = cache.of(claim.kind).get(keyOfClaim(claim))?.object.metadata.creationTimestamp;
    return created !== undefined && clock.nowMs() - Date.parse(created) <= graceMs;
  }

  /** False: somebody else was quicker. */
  async #carryOut(remedy: NonNullable<Finding['remedy']>): Promise<boolean> {
    const { cache, store } = this.#registry;
    const key = keyOfClaim(remedy.claim);
    const found = cache.of(remedy.claim.kind).get(key);
    if (found !== undefined) {
      const removed = await store.delete(key, { modRevision: found.revision });
      if (!removed.ok) return false;
      await cache.reached(removed.revision);
    }
    if (remedy.is === 'delete') return found !== undefined;
    const { value, expect } = this.#writeOf(remedy.claim, remedy.holder);
    const written = await store.put(key, value, expect);
    if (written.ok) await cache.reached(written.revision);
    return written.ok;
  }

  #missing(): readonly StoreWrite[] {
    const writes = new Map<string, StoreWrite>();
    for (const { object } of this.#registry.cache.of(Service).range('/registry/')) {
      for (const claim of claimsOf(object.spec)) {
        const key = keyOfClaim(claim);
        if (writes.has(key) || this.#registry.cache.of(claim.kind).get(key) !== undefined) continue;
        const { namespace, name } = object.metadata;
        writes.set(key, this.#writeOf(claim, { namespace, name }));
        this.#metrics.repaired(claim.kind === IPAddress ? 'address' : 'port', 'repair');
      }
    }
    return [...writes.values()];
  }

  #writeOf(claim: Claim, holder: ServiceName): StoreWrite & { readonly value: Uint8Array; readonly expect: { readonly absent: true } } {
    const { cache, random, clock } = this.#registry;
    const draft = claimDraft(claim, holder, { uid: random.uuid(), nowIso: nowText(clock) });
    const value = encodeStored(claim.kind, draft);
    cache.expect(value, (revision) => sealDraft(draft, revision));
    return { key: keyOfClaim(claim), value, expect: { absent: true } };
  }

  #view(): RepairView {
    const { cache } = this.#registry;
    return {
      ranges: this.#ranges.all,
      ports: this.#ports,
      claim: (claim) => cache.of(claim.kind).get(keyOfClaim(claim))?.object,
      service: ({ namespace, name }): ServiceObject | undefined => cache.of(Service).get(storeKey(Service, namespace, name))?.object,
    };
  }
}
