import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the server tells about itself, under CoreDNS' names. */
export class DnsMetrics {
  readonly registry = new Registry();
  readonly requests = new Counter({
    name: 'coredns_dns_requests_total', help: 'Counter of DNS requests made per zone, protocol and family.',
    labelNames: ['server', 'zone', 'view', 'proto', 'family', 'type'], registers: [this.registry],
  });
  readonly responses = new Counter({
    name: 'coredns_dns_responses_total', help: 'Counter of response status codes.',
    labelNames: ['server', 'zone', 'view', 'rcode', 'plugin'], registers: [this.registry],
  });
  readonly duration = new Histogram({
    name: 'coredns_dns_request_duration_seconds', help: 'Histogram of the time (in seconds) each request took per zone.',
    labelNames: ['server', 'zone', 'view'], buckets: Array.from({ length: 16 }, (_, power) => 0.000_25 * 2 ** power), registers: [this.registry],
  });
  readonly cacheHits = new Counter({
    name: 'coredns_cache_hits_total', help: 'The count of cache hits.', labelNames: ['server', 'type', 'zones', 'view'], registers: [this.registry],
  });
  readonly cacheMisses = new Counter({
    name: 'coredns_cache_misses_total', help: 'The count of cache misses. Deprecated, derive misses from cache hits/requests counters.',
    labelNames: ['server', 'zones', 'view'], registers: [this.registry],
  });
  readonly cacheEntries: Gauge;
  readonly forwardFailures = new Counter({
    name: 'coredns_forward_healthcheck_broken_total', help: 'Counter of the number of complete failures of the healthchecks.', registers: [this.registry],
  });
  readonly forwardRejects = new Counter({
    name: 'coredns_forward_max_concurrent_rejects_total', help: 'Counter of the number of queries rejected because the concurrent queries were at maximum.',
    registers: [this.registry],
  });
  readonly forwardDuration = new Histogram({
    name: 'coredns_proxy_request_duration_seconds', help: 'Histogram of the time each request took.',
    labelNames: ['proxy_name', 'to', 'rcode'], buckets: Array.from({ length: 16 }, (_, power) => 0.000_25 * 2 ** power), registers: [this.registry],
  });

  constructor(cacheSize: () => number) {
    this.cacheEntries = new Gauge({
      name: 'coredns_cache_entries', help: 'The number of elements in the cache.', labelNames: ['server', 'type', 'zones', 'view'], registers: [this.registry],
      collect() {
        this.set({ server: '', type: 'success', zones: '.', view: '' }, cacheSize());
      },
    });
  }
}
