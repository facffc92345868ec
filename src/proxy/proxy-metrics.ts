import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Family } from './service-endpoints.ts';

/** How kube-proxy calls the address families. */
const familyNames: Readonly<Record<Family, string>> = { ip: 'IPv4', ip6: 'IPv6' };
const families = Object.values(familyNames);

const syncBuckets = Array.from({ length: 15 }, (_, power) => 0.001 * 2 ** power);
/** Quarters of a second, seconds, then coarser up to five minutes. */
const programmingBuckets = [
  0, 0.25, 0.5, ...Array.from({ length: 59 }, (_, n) => n + 1), ...Array.from({ length: 12 }, (_, n) => 60 + 5 * n), ...Array.from({ length: 7 }, (_, n) => 120 + 30 * n),
];

/** What one sync did. */
export interface SyncReport {
  readonly isFull: boolean;
  readonly seconds: number;
  /** Wall clock, in seconds. */
  readonly atSeconds: number;
  /** How long ago the changes of endpoints came about that are in the kernel now. */
  readonly programmedAfterSeconds: readonly number[];
}

/**
 * What the proxy tells about itself, under kube-proxy's names. Both families are written in one transaction, so what is told
 * by family is the same for both. Source: Kubernetes' metrics reference, kubeproxy_*.
 */
export class ProxyMetrics {
  readonly registry = new Registry();
  readonly #duration = this.#histogram('kubeproxy_sync_proxy_rules_duration_seconds', 'SyncProxyRules latency in seconds', syncBuckets);
  readonly #fullDuration = this.#histogram('kubeproxy_sync_full_proxy_rules_duration_seconds', 'SyncProxyRules latency in seconds for full resyncs', syncBuckets);
  readonly #partialDuration = this.#histogram('kubeproxy_sync_partial_proxy_rules_duration_seconds', 'SyncProxyRules latency in seconds for partial resyncs', syncBuckets);
  readonly #programming = this.#histogram('kubeproxy_network_programming_duration_seconds', 'In Cluster Network Programming Latency in seconds', programmingBuckets);
  readonly #lastSynced = this.#gauge('kubeproxy_sync_proxy_rules_last_timestamp_seconds', 'The last time proxy rules were successfully synced', ['ip_family']);
  readonly #lastQueued = this.#gauge('kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds', 'The last time a sync of proxy rules was queued', ['ip_family']);
  readonly #noLocalEndpoints = this.#gauge('kubeproxy_sync_proxy_rules_no_local_endpoints_total', 'Number of services with a Local traffic policy and no endpoints', ['ip_family', 'traffic_policy']);
  readonly #flowsDuration = this.#histogram('kubeproxy_conntrack_reconciler_sync_duration_seconds', 'ReconcileConntrackFlowsLatency latency in seconds', syncBuckets);
  readonly #flowsDeleted = this.#counter('kubeproxy_conntrack_reconciler_deleted_entries_total', 'Cumulative conntrack flows deleted by conntrack reconciler', ['ip_family']);
  readonly #failures = this.#counter('kubeproxy_sync_proxy_rules_nftables_sync_failures_total', 'Cumulative proxy nftables sync failures', ['ip_family']);
  readonly #endpointChanges = this.#counter('kubeproxy_sync_proxy_rules_endpoint_changes_total', 'Cumulative proxy rules Endpoint changes');
  readonly #endpointsPending = this.#gauge('kubeproxy_sync_proxy_rules_endpoint_changes_pending', 'Pending proxy rules Endpoint changes');
  readonly #serviceChanges = this.#counter('kubeproxy_sync_proxy_rules_service_changes_total', 'Cumulative proxy rules Service changes');
  readonly #servicesPending = this.#gauge('kubeproxy_sync_proxy_rules_service_changes_pending', 'Pending proxy rules Service changes');
  readonly #healthz = this.#counter('kubeproxy_proxy_healthz_total', 'Cumulative proxy healthz HTTP status', ['code']);
  readonly #livez = this.#counter('kubeproxy_proxy_livez_total', 'Cumulative proxy livez HTTP status', ['code']);

  endpointChanged(): void {
    this.#endpointChanges.inc();
    this.#endpointsPending.inc();
  }

  serviceChanged(): void {
    this.#serviceChanges.inc();
    this.#servicesPending.inc();
  }

  queued(atSeconds: number): void {
    for (const family of families) this.#lastQueued.set({ ip_family: family }, atSeconds);
  }

  /** All changes so far are being written. */
  began(): void {
    this.#endpointsPending.set(0);
    this.#servicesPending.set(0);
  }

  synced({ isFull, seconds, atSeconds, programmedAfterSeconds }: SyncReport): void {
    for (const ip_family of families) {
      this.#duration.observe({ ip_family }, seconds);
      (isFull ? this.#fullDuration : this.#partialDuration).observe({ ip_family }, seconds);
      this.#lastSynced.set({ ip_family }, atSeconds);
      for (const each of programmedAfterSeconds) this.#programming.observe({ ip_family }, each);
    }
  }

  failed(): void {
    for (const ip_family of families) this.#failures.inc({ ip_family });
  }

  /** UDP flows were compared with the endpoints; kinds of flows are counted, for the kernel's tool forgets by kind. */
  reconciledFlows(family: Family, { seconds, deleted }: { readonly seconds: number; readonly deleted: number }): void {
    this.#flowsDuration.observe({ ip_family: familyNames[family] }, seconds);
    this.#flowsDeleted.inc({ ip_family: familyNames[family] }, deleted);
  }

  /** How many Services have a policy `Local` and endpoints, but none here. */
  noLocalEndpoints(family: Family, policy: 'internal' | 'external', count: number): void {
    this.#noLocalEndpoints.set({ ip_family: familyNames[family], traffic_policy: policy }, count);
  }

  probed(which: 'healthz' | 'livez', code: number): void {
    (which === 'healthz' ? this.#healthz : this.#livez).inc({ code });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram<'ip_family'> {
    return new Histogram({ name, help, buckets, labelNames: ['ip_family'], registers: [this.registry] });
  }
  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
  #counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}
