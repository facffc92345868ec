import { IPAddress } from '#api/networking/ip-address.ts';
import { Distributions, Sums, gaugeText, labelText } from '../metrics/series.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import { sizeOf } from '#apimachinery/ip-range.ts';
import { NodePortClaim } from './claims.ts';
import type { AllocationFailure, Take } from './plan-allocation.ts';
import { rangesOf } from './plan-allocation.ts';
import type { PortRange } from './port-range.ts';
import type { ServiceRanges } from './service-ranges.ts';

/** Seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What is given out and what is left. Source: Kubernetes metrics reference, `kube_apiserver_*_allocator_*`. */
export class AllocationMetrics {
  readonly #addresses = new Sums('kube_apiserver_clusterip_allocator_allocation_total', 'Number of Cluster IPs allocations');
  readonly #addressErrors = new Sums('kube_apiserver_clusterip_allocator_allocation_errors_total', 'Number of errors trying to allocate Cluster IPs');
  readonly #durations = new Distributions('kube_apiserver_clusterip_allocator_allocation_duration_seconds', 'Duration in seconds to allocate a Cluster IP by ServiceCIDR', bounds);
  readonly #ports = new Sums('kube_apiserver_nodeport_allocator_allocation_total', 'Number of NodePort allocations');
  readonly #portErrors = new Sums('kube_apiserver_nodeport_allocator_allocation_errors_total', 'Number of errors trying to allocate NodePort');
  readonly #repairs = new Sums('apiserver_clusterip_repair_ip_errors_total', 'Number of errors detected on clusterips by the repair loop broken down by type of error: leak, repair, full, outOfRange, duplicate, unknown, invalid');
  readonly #portRepairs = new Sums('apiserver_nodeport_repair_port_errors_total', 'Number of errors detected on ports by the repair loop broken down by type of error: leak, repair, full, outOfRange, duplicate, unknown');

  taken(takes: readonly Take[], seconds: number): void {
    for (const { scope, range } of takes) {
      if (range === undefined) this.#ports.of(labelText({ scope })).value++;
      else {
        this.#addresses.of(labelText({ cidr: range.cidr, scope })).value++;
        this.#durations.of(labelText({ cidr: range.cidr })).observe(seconds);
      }
    }
  }

  failed({ good, scope }: AllocationFailure): void {
    (good === 'port' ? this.#portErrors.of(labelText({ scope })) : this.#addressErrors.of(labelText({ cidr: '', scope }))).value++;
  }

  repaired(good: 'address' | 'port', type: string): void {
    (good === 'port' ? this.#portRepairs : this.#repairs).of(labelText({ type })).value++;
  }

  text(cache: WatchCache, { all }: ServiceRanges, { from, to }: PortRange): string {
    const used = new Map(all.map(({ cidr }) => [cidr, 0]));
    // By key: nothing is decoded for it. An address is not available whoever has it.
    for (const { key } of cache.of(IPAddress).range('/registry/')) {
      for (const { cidr } of rangesOf(all, key.slice(key.lastIndexOf('/') + 1))) used.set(cidr, (used.get(cidr) ?? 0) + 1);
    }
    const ports = cache.of(NodePortClaim).size;
    return [
      this.#addresses.text(), this.#addressErrors.text(), this.#durations.text(), this.#repairs.text(),
      gaugeText('kube_apiserver_clusterip_allocator_allocated_ips', 'Gauge measuring the number of allocated IPs for Services', [...used].map(([cidr, count]) => [{ cidr }, count])),
      gaugeText('kube_apiserver_clusterip_allocator_available_ips', 'Gauge measuring the number of available IPs for Services', all.map((range) => [{ cidr: range.cidr }, Number(sizeOf(range)) - (used.get(range.cidr) ?? 0)])),
      this.#ports.text(), this.#portErrors.text(), this.#portRepairs.text(),
      gaugeText('kube_apiserver_nodeport_allocator_allocated_ports', 'Gauge measuring the number of allocated NodePorts for Services', [[{}, ports]]),
      gaugeText('kube_apiserver_nodeport_allocator_available_ports', 'Gauge measuring the number of available NodePorts for Services', [[{}, to - from - ports]]),
    ].join('');
  }
}
