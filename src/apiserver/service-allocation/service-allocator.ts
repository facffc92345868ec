import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import type { Service as ServiceObject, ServiceSpec } from '#api/core/service.ts';
import { Service } from '#api/core/service.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { internalError, invalid } from '#apimachinery/status-error.ts';
import type { StoreWrite } from '#store/store.ts';
import type { Allocation, Allocator } from '../registry/allocator.ts';
import { nowText } from '../registry/registry-context.ts';
import { encodeStored, sealDraft } from '../watch-cache/cached-object.ts';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import type { IpFamily } from '#apimachinery/ip-range.ts';
import type { AllocationMetrics } from './allocation-metrics.ts';
import type { Claim, ServiceName } from './claims.ts';
import { claimDraft, claimsOf, isHeldBy, keyOfClaim } from './claims.ts';
import type { Supply, Take } from './plan-allocation.ts';
import { AllocationFailure, planTakes } from './plan-allocation.ts';
import { alignClusterIps, settleFamilies } from './plan-families.ts';
import type { PortRange } from './port-range.ts';
import type { ServiceRanges } from './service-ranges.ts';

export interface ServiceAllocatorOptions {
  readonly cache: WatchCache;
  readonly ranges: ServiceRanges;
  /** The families Services may have, the default first, and the API server's own address: of --service-cluster-ip-range. */
  readonly families: readonly IpFamily[];
  readonly apiServerAddress: string;
  readonly ports: PortRange;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: AllocationMetrics;
}

/**
 * Gives Services their cluster IPs and node ports. What is taken is read off the claims in the watch cache; what this
 * process is writing counts as taken meanwhile; what another server took a moment ago makes the transaction fail, and
 * the write starts over.
 *
 * Source: KEP-1880; Kubernetes documentation, "Service ClusterIP allocation".
 */
export class ServiceAllocator implements Allocator {
  readonly #options: ServiceAllocatorOptions;
  /** Keys of claims on their way to the store: as many as the requests under way ask for. */
  readonly #pending = new Set<string>();

  constructor(options: ServiceAllocatorOptions) {
    this.#options = options;
  }

  allocate(kind: ResourceKind, draft: Draft<KubeObject>, old: CachedObject | undefined, options: { readonly dryRun: boolean }): Promise<Allocation> | undefined {
    if ((kind as unknown) !== Service) return undefined;
    return this.#allocate(draft as Draft<ServiceObject>, old as CachedObject<ServiceObject> | undefined, options.dryRun);
  }

  release(kind: ResourceKind, current: CachedObject): Promise<readonly StoreWrite[]> | undefined {
    if ((kind as unknown) !== Service) return undefined;
    const { object } = current as CachedObject<ServiceObject>;
    return this.#seen(current).then(() => this.#giveBack(claimsOf(object.spec), nameOf(object)));
  }

  async #allocate(draft: Draft<ServiceObject>, old: CachedObject<ServiceObject> | undefined, dryRun: boolean): Promise<Allocation> {
    if (old !== undefined) await this.#seen(old);
    const before = rememberSpec(draft.spec);
    alignClusterIps(draft.spec, old?.object.spec);
    const errors = settleFamilies(draft.spec, old?.object.spec, this.#options.families);
    if (errors.length > 0) throw invalid(Service, draft.metadata.name ?? '', errors);
    const settled = rememberSpec(draft.spec);
    const startedMs = this.#options.clock.monotonicMs();
    let takes: readonly Take[];
    try {
      takes = this.#plan(draft.spec, old?.object.spec);
    } catch (error) {
      if (!(error instanceof AllocationFailure) || !error.isTaken) throw this.#refusal(error, draft);
      // It may have become free at another server.
      settled(draft.spec);
      await this.#options.cache.catchUp();
      try {
        takes = this.#plan(draft.spec, old?.object.spec);
      } catch (again) {
        throw this.#refusal(again, draft);
      }
    }
    const undo = (): void => before(draft.spec);
    if (dryRun) return { writes: [], undo, settle: () => {} };
    const keys = takes.map(({ claim }) => keyOfClaim(claim));
    for (const key of keys) this.#pending.add(key);
    const holder = nameOf(draft);
    const kept = new Set(claimsOf(draft.spec).map(keyOfClaim));
    const dropped = claimsOf(old?.object.spec ?? {}).filter((claim) => !kept.has(keyOfClaim(claim)));
    return {
      writes: [...takes.map(({ claim }) => this.#take(claim, holder)), ...this.#giveBack(dropped, holder)],
      undo,
      settle: (isWritten) => {
        for (const key of keys) this.#pending.delete(key);
        if (isWritten) this.#options.metrics.taken(takes, (this.#options.clock.monotonicMs() - startedMs) / 1000);
      },
    };
  }

  #plan(spec: Draft<ServiceSpec>, old: ServiceSpec | undefined): readonly Take[] {
    const { ranges, ports, random, apiServerAddress: reserved } = this.#options;
    const supply: Supply = { ranges: ranges.ready, ports, random, reserved, isTaken: (claim) => this.#isTaken(claim) };
    return planTakes(spec, old, supply);
  }

  #isTaken(claim: Claim): boolean {
    const key = keyOfClaim(claim);
    return this.#pending.has(key) || this.#options.cache.of(claim.kind).get(key) !== undefined;
  }

  #refusal(error: unknown, draft: Draft<ServiceObject>): unknown {
    if (!(error instanceof AllocationFailure)) return error;
    this.#options.metrics.failed(error);
    return error.field === undefined ? internalError(new Error(error.message)) : invalid(Service, draft.metadata.name ?? '', [error.field]);
  }

  #take(claim: Claim, holder: ServiceName): StoreWrite {
    const { cache, clock, random } = this.#options;
    const draft = claimDraft(claim, holder, { uid: random.uuid(), nowIso: nowText(clock) });
    const bytes = encodeStored(claim.kind, draft);
    cache.expect(bytes, (revision) => sealDraft(draft, revision));
    return { key: keyOfClaim(claim), value: bytes, expect: { absent: true } };
  }

  /** Only what the Service really holds: a claim may be missing or another's until it is repaired. */
  #giveBack(claims: readonly Claim[], holder: ServiceName): StoreWrite[] {
    return claims.flatMap((claim) => {
      const key = keyOfClaim(claim);
      const cached = this.#options.cache.of(claim.kind).get(key);
      return cached !== undefined && isHeldBy(cached.object, holder) ? [{ key, value: undefined, expect: { modRevision: cached.revision } }] : [];
    });
  }

  /** What was written with a Service is known as soon as the cache has come to the Service's revision. */
  async #seen({ revision }: CachedObject): Promise<void> {
    if (revision > this.#options.cache.revision) await this.#options.cache.catchUp();
  }
}

function nameOf({ metadata }: { readonly metadata: { readonly namespace?: string | undefined; readonly name: string } }): ServiceName {
  return { namespace: metadata.namespace ?? '', name: metadata.name };
}

const allocatedFields = ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'healthCheckNodePort'] as const;

/** Notes what allocation may change of a spec; the function puts it back. */
function rememberSpec(spec: Draft<ServiceSpec>): (spec: Draft<ServiceSpec>) => void {
  const copy = (value: unknown): unknown => (Array.isArray(value) ? [...value as unknown[]] : value);
  const fields = allocatedFields.map((name) => [name, copy(spec[name])] as const);
  const nodePorts = (spec.ports ?? []).map(({ nodePort }) => nodePort);
  return (target) => {
    const content = target as Record<string, unknown>;
    for (const [name, value] of fields) {
      if (value === undefined) delete content[name];
      else content[name] = copy(value);
    }
    for (const [index, port] of (target.ports ?? []).entries()) {
      const nodePort = nodePorts[index];
      if (nodePort === undefined) delete port.nodePort;
      else port.nodePort = nodePort;
    }
  };
}

