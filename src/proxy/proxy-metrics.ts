import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the proxy tells about itself, under kube-proxy's names. */
export class ProxyMetrics {
  readonly registry = new Registry();
  readonly duration = new Histogram({
    name: 'kubeproxy_sync_proxy_rules_duration_seconds', help: 'SyncProxyRules latency in seconds',
    buckets: Array.from({ length: 15 }, (_, power) => 0.001 * 2 ** power), registers: [this.registry],
  });
  readonly lastSynced = new Gauge({
    name: 'kubeproxy_sync_proxy_rules_last_timestamp_seconds', help: 'The last time proxy rules were successfully synced', registers: [this.registry],
  });
  readonly lastQueued = new Gauge({
    name: 'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds', help: 'The last time a sync of proxy rules was queued', registers: [this.registry],
  });
  readonly endpointChanges = new Counter({
    name: 'kubeproxy_sync_proxy_rules_endpoint_changes_total', help: 'Cumulative proxy rules Endpoint changes', registers: [this.registry],
  });
  readonly serviceChanges = new Counter({
    name: 'kubeproxy_sync_proxy_rules_service_changes_total', help: 'Cumulative proxy rules Service changes', registers: [this.registry],
  });
  readonly failures = new Counter({
    name: 'kubeproxy_sync_proxy_rules_nftables_sync_failures_total', help: 'Cumulative proxy nftables sync failures', registers: [this.registry],
  });
}
