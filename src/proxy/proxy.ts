import { writeFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Timer } from '#base/clock.ts';
import { Service } from '#api/core/service.ts';
import { Node } from '#api/core/node.ts';
import { ServiceCIDR } from '#api/networking/service-cidr.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import type { Informer } from '#client/informer.ts';
import { applyRules } from './nft.ts';
import type { NftOptions } from './nft.ts';
import { idOf, serviceOfSlice, tableName } from './plan-rules.ts';
import type { RuleOptions } from './plan-rules.ts';
import { noPlan, planService } from './plan-service.ts';
import type { ServicePlan } from './plan-service.ts';
import { ProxyMetrics } from './proxy-metrics.ts';
import { RuleBook } from './rule-book.ts';
import { planRemoval } from './rule-set.ts';
import { kernelWriter } from './rule-writer.ts';
import type { RuleWriter } from './rule-writer.ts';
import { ServiceEffects } from './service-effects.ts';

export interface ProxyOptions extends Omit<RuleOptions, 'node' | 'serviceCidrs'> {
  readonly nodeName: string;
  /** Other nodes on the same machine. */
  readonly neighbours?: readonly string[];
  /** Changes within this time after a sync are written together. Default 100 ms. */
  readonly minSyncPeriodMs?: number;
  /** Everything is written anew after this time, in case somebody else touched it. Default 30 min. */
  readonly fullSyncPeriodMs?: number;
  /** Where rules go; default the kernel. */
  readonly writer?: RuleWriter;
}

export interface ProxyHealth {
  /** Wall clock, ms: when the rules last matched what was known; undefined before the first time. */
  readonly lastSyncedMs: number | undefined;
  /** Since when a change has been waiting, if one has. */
  readonly waitingSinceMs: number | undefined;
  /** Whether rules get written: the first ones are, and no change has been waiting for long. */
  readonly isWell: boolean;
  /** Whether the node may get traffic from load balancers: not while it is being deleted, or about to be. */
  readonly isNodeEligible: boolean;
}

export interface RunningProxy extends RunningComponent {
  readonly health: ProxyHealth;
  readonly metrics: ProxyMetrics;
}

/** The index of slices by the Service they belong to. */
const byService = 'service';
/** So many are planned in one go: a few milliseconds. */
const servicesPerTurn = 50;
/** Observed per sync at most: beyond it, more would tell nothing new. */
const maxTriggers = 1000;
/** The ranges of cluster addresses are known by then, or come with a later sync. */
const rangesWithinMs = 1000;
/** A change that waits longer than this means that rules no longer get written. */
const staleAfterMs = 2 * 60_000;
/** A failed sync is tried again after this time. */
const retryAfterMs = 1000;

/**
 * Keeps the node's rules as Services and EndpointSlices say. `ready` resolves after the first sync; rules stay when it is
 * closed, so that Services go on answering.
 */
export function startProxy(context: ComponentContext, options: ProxyOptions): RunningProxy {
  const proxy = new Proxy(context, options);
  proxy.start();
  return proxy;
}

/** Removes the rules of a cluster from this machine. */
export async function purgeProxy(clusterName: string, options: NftOptions = {}): Promise<void> {
  const name = tableName(clusterName);
  await applyRules(planRemoval([{ family: 'ip', name }, { family: 'ip6', name }]), options);
}

class Proxy implements RunningProxy {
  readonly metrics = new ProxyMetrics();
  readonly #context: ComponentContext;
  readonly #options: ProxyOptions;
  readonly #writer: RuleWriter;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #node: Informer<Node>;
  /** Waited for only a moment: Services answer without it, and an older API server has no such kind. */
  readonly #serviceCidrs: Informer<ServiceCIDR>;
  readonly #stop = new AbortController();
  readonly #firstSync = Promise.withResolvers<void>();
  readonly #unsubscribe: (() => void)[] = [];
  /** What the kernel has, as far as we know. */
  #book: RuleBook;
  /** Before the first sync, after a failed one, and when everything may have to look different. */
  #needsFull = true;
  /** Services (`namespace/name`) to look at in the next sync. */
  #dirty = new Set<string>();
  /** Of the changes of endpoints that wait. Wall clock, ms. */
  #triggeredMs: number[] = [];
  readonly #effects: ServiceEffects;
  #timer: Timer | undefined;
  #fullTimer: Timer | undefined;
  #running: Promise<void> | undefined;
  readonly #startedMs: number;
  #lastSyncedMs: number | undefined;
  #lastFullMs = 0;
  #waitingSinceMs: number | undefined;

  constructor(context: ComponentContext, options: ProxyOptions) {
    this.#context = context;
    this.#options = options;
    this.#startedMs = context.clock.nowMs();
    this.#writer = options.writer ?? kernelWriter();
    this.#book = new RuleBook({ ...options, node: { name: options.nodeName, neighbours: options.neighbours } });
    const recorder = context.recorderFor('kube-proxy', { host: options.nodeName });
    this.#effects = new ServiceEffects({
      clock: context.clock,
      metrics: this.metrics,
      log: context.log,
      writer: this.#writer,
      isProxyHealthy: () => this.health.isWell,
      onFailure: ({ service, port }, error) => {
        const why = error instanceof Error ? error.message : String(error);
        recorder.event({ object: service }, 'Warning', 'FailedToStartServiceHealthcheck', `node ${options.nodeName} failed to start healthcheck "${idOf(service)}" on port ${port}: ${why}`);
      },
    });
    this.#services = context.informers.for(Service);
    this.#slices = context.informers.for(EndpointSlice);
    this.#serviceCidrs = context.informers.for(ServiceCIDR);
    this.#node = context.informers.for(Node, { fieldSelector: `metadata.name=${options.nodeName}` });
  }

  get ready(): Promise<void> {
    return this.#firstSync.promise;
  }

  get health(): ProxyHealth {
    const lastSyncedMs = this.#lastSyncedMs;
    const waitingSinceMs = this.#waitingSinceMs;
    return {
      lastSyncedMs, waitingSinceMs,
      isWell: waitingSinceMs === undefined ? lastSyncedMs !== undefined : this.#context.clock.nowMs() - waitingSinceMs < staleAfterMs,
      isNodeEligible: isEligible(this.#node.get(this.#options.nodeName)),
    };
  }

  start(): void {
    this.#firstSync.promise.catch(() => undefined);
    this.#begin().catch((error: unknown) => this.#firstSync.reject(error));
  }

  async #begin(): Promise<void> {
    const { signal } = this.#stop;
    await Promise.all([this.#services.synced(signal), this.#slices.synced(signal), this.#node.synced(signal)]);
    await Promise.race([this.#serviceCidrs.synced(signal), this.#context.clock.sleep(rangesWithinMs, signal)]);
    if (this.#options.nodePortsOnLoopback !== false && this.#options.writer === undefined) {
      // Without it the kernel takes 127.0.0.1 for a mistake on any other link.
      await writeFile('/proc/sys/net/ipv4/conf/all/route_localnet', '1').catch((error: unknown) =>
        this.#context.log.warn({ error }, 'node ports will not answer on 127.0.0.1'));
    }
    this.#slices.addIndex(byService, (slice) => {
      const key = serviceOfSlice(slice);
      return key === undefined ? [] : [key];
    });
    const changed = (key: string | undefined): void => {
      if (key === undefined) return;
      this.#dirty.add(key);
      this.#schedule(this.#options.minSyncPeriodMs ?? 100);
    };
    const onService = (service: Service): void => {
      this.metrics.serviceChanged();
      changed(idOf(service));
    };
    const onSlice = (slice: EndpointSlice, old?: EndpointSlice): void => {
      this.metrics.endpointChanged();
      this.#noteTrigger(slice);
      changed(serviceOfSlice(slice));
      if (old !== undefined) changed(serviceOfSlice(old));
    };
    const onPlace = (): void => {
      this.#needsFull = true;
      this.#schedule(this.#options.minSyncPeriodMs ?? 100);
    };
    this.#unsubscribe.push(
      this.#services.addHandler({ added: onService, updated: onService, deleted: onService }),
      this.#slices.addHandler({ added: (slice) => onSlice(slice), updated: onSlice, deleted: (slice) => onSlice(slice) }),
      this.#node.addHandler({ updated: (node, old) => { if (zoneOf(node) !== zoneOf(old)) onPlace(); } }),
      this.#serviceCidrs.addHandler({ added: onPlace, updated: (next, old) => { if (next.spec.cidrs?.join() !== old.spec.cidrs?.join()) onPlace(); }, deleted: onPlace }),
    );
    this.#schedule(0);
  }

  #schedule(periodMs: number): void {
    const { clock } = this.#context;
    this.#waitingSinceMs ??= clock.nowMs();
    this.metrics.queued(clock.nowMs() / 1000);
    if (this.#timer !== undefined || this.#running !== undefined || this.#stop.signal.aborted) return;
    const delayMs = this.#lastSyncedMs === undefined ? 0 : Math.max(0, this.#lastSyncedMs + periodMs - clock.nowMs());
    this.#timer = clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#running = this.#sync().finally(() => {
        this.#running = undefined;
        // Whatever came in meanwhile waits for the next sync.
        if (this.#waitingSinceMs !== undefined) this.#schedule(periodMs);
        this.#scheduleFullSync();
      });
    });
  }

  #scheduleFullSync(): void {
    if (this.#fullTimer !== undefined || this.#stop.signal.aborted) return;
    const everyMs = this.#options.fullSyncPeriodMs ?? 30 * 60_000;
    const dueMs = Math.max(0, this.#lastFullMs + everyMs - this.#context.clock.nowMs());
    this.#fullTimer = this.#context.clock.after(dueMs, () => {
      this.#fullTimer = undefined;
      this.#needsFull = true;
      this.#schedule(0);
    });
  }

  async #sync(): Promise<void> {
    const { clock, log } = this.#context;
    const { nodeName, neighbours, ...rest } = this.#options;
    const serviceCidrs = this.#serviceCidrs.list().flatMap(({ spec }) => spec.cidrs ?? []);
    const options: RuleOptions = { ...rest, serviceCidrs, node: { name: nodeName, neighbours, zone: zoneOf(this.#node.get(nodeName)) } };
    const startedMs = clock.monotonicMs();
    const waitingSinceMs = this.#waitingSinceMs;
    this.#waitingSinceMs = undefined;
    const book = this.#needsFull ? new RuleBook(options) : this.#book;
    const isFull = this.#needsFull;
    this.#needsFull = false;
    const dirty = isFull ? new Set([...this.#services.list().map(idOf), ...this.#effects.keys()]) : this.#dirty;
    this.#dirty = new Set();
    const triggeredMs = this.#triggeredMs;
    this.#triggeredMs = [];
    this.metrics.began();
    try {
      const plans = await this.#planDirty(dirty, options);
      const rules = new Map([...plans].map(([key, plan]) => [key, plan.rules]));
      if (isFull) {
        book.load(rules);
        await this.#renew(book);
      } else {
        const script = book.change(rules);
        if (script !== '') await this.#writer.apply(script);
      }
      this.#book = book;
      if (isFull) this.#lastFullMs = clock.nowMs();
      await this.#effects.follow(plans);
      if (isFull) await this.#effects.reconcileUdp();
      this.#lastSyncedMs = clock.nowMs();
      const atMs = this.#lastSyncedMs;
      this.metrics.synced({
        isFull, seconds: (clock.monotonicMs() - startedMs) / 1000, atSeconds: atMs / 1000,
        programmedAfterSeconds: triggeredMs.map((ms) => Math.max(0, atMs - ms) / 1000),
      });
      this.#firstSync.resolve();
    } catch (error) {
      log.error({ error }, 'the rules were not accepted; they will be written anew');
      this.metrics.failed();
      this.#needsFull = true;
      await clock.sleep(retryAfterMs, this.#stop.signal).catch(() => undefined);
      this.#waitingSinceMs ??= waitingSinceMs ?? clock.nowMs();
    }
  }

  /** Writes everything, and lets clients stay with their endpoints where what is there allows it. */
  async #renew(book: RuleBook): Promise<void> {
    const existing = await this.#writer.list(tableName(this.#options.clusterName)).catch((error: unknown) => {
      this.#context.log.warn({ error }, 'what rules there are cannot be told');
      return [];
    });
    if (existing.length > 0) {
      try {
        return await this.#writer.apply(book.renewal(existing));
      } catch (error) {
        this.#context.log.warn({ error }, 'the rules of an earlier time are in the way and go');
      }
    }
    return this.#writer.apply(book.replacement());
  }

  /** When a change of endpoints came about, as the controller says. */
  #noteTrigger({ metadata }: EndpointSlice): void {
    const ms = Date.parse(metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'] ?? '');
    // What came about before we were there says nothing about us.
    if (ms > this.#startedMs && this.#triggeredMs.length < maxTriggers) this.#triggeredMs.push(ms);
  }

  /** Plans service by service and lets others have their turn in between. */
  async #planDirty(dirty: Iterable<string>, options: RuleOptions): Promise<ReadonlyMap<string, ServicePlan>> {
    const plans = new Map<string, ServicePlan>();
    for (const key of dirty) {
      const service = this.#services.get(key);
      plans.set(key, service === undefined ? noPlan : planService(service, this.#slices.byIndex(byService, key), options));
      if (plans.size % servicesPerTurn === 0) await nextTurn();
    }
    return plans;
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('proxy closed'));
    this.#timer?.cancel();
    this.#fullTimer?.cancel();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#running;
    await this.#effects.close();
    this.#firstSync.reject(this.#stop.signal.reason);
  }
}

/** What a cluster autoscaler puts on nodes that it takes away. Source: KEP-3836. */
const leavingTaint = 'ToBeDeletedByClusterAutoscaler';

function isEligible(node: Node | undefined): boolean {
  return node?.metadata.deletionTimestamp === undefined && node?.spec.taints?.some(({ key }) => key === leavingTaint) !== true;
}

function zoneOf(node: Node | undefined): string | undefined {
  return node?.metadata.labels?.['topology.kubernetes.io/zone'];
}
