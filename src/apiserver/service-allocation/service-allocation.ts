import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import type { Client } from '#client/client.ts';
import type { Allocator } from '../registry/allocator.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import type { AddressRange, IpFamily } from '#apimachinery/ip-range.ts';
import { formatAddress, parseRange } from '#apimachinery/ip-range.ts';
import { AllocationMetrics } from './allocation-metrics.ts';
import { extendDefaultServiceCidr, keepDefaultServiceCidr } from './default-service-cidr.ts';
import type { PortRange } from './port-range.ts';
import { AllocationRepair } from './repair.ts';
import { ServiceAllocator } from './service-allocator.ts';
import { ServiceRanges } from './service-ranges.ts';

/** Cluster IPs and node ports: what gives them out, and what looks after them. See the README. */
export class ServiceAllocation {
  /** As in --service-cluster-ip-range. */
  readonly cidrs: readonly string[];
  /** The first of the first range: the Service `kubernetes` has it. */
  readonly apiServerAddress: string;
  readonly allocator: Allocator;
  readonly #cache: WatchCache;
  readonly #ranges: ServiceRanges;
  readonly #ports: PortRange;
  readonly #metrics = new AllocationMetrics();
  #registry: RegistryContext | undefined;
  #repair: AllocationRepair | undefined;
  #release: (() => void) | undefined;

  /** `cidrs`: one range per family, the default family first. Throws on what is no range. */
  constructor({ cache, cidrs, ports, clock, random }: { readonly cache: WatchCache; readonly cidrs: readonly string[]; readonly ports: PortRange; readonly clock: Clock; readonly random: Random }) {
    const ranges = cidrs.map(checkedRange);
    const [first] = ranges;
    this.cidrs = cidrs;
    this.apiServerAddress = first === undefined ? '' : formatAddress({ family: first.family, value: first.first });
    this.#cache = cache;
    this.#ranges = new ServiceRanges(cache);
    this.#ports = ports;
    const families: readonly IpFamily[] = ranges.map(({ family }) => family);
    this.allocator = new ServiceAllocator({ cache, ranges: this.#ranges, families, apiServerAddress: this.apiServerAddress, ports, clock, random, metrics: this.#metrics });
  }

  /** To be called when the cache is filled and the default objects are there. Resolves when Services can be written. */
  async start(registry: RegistryContext): Promise<void> {
    this.#registry = registry;
    this.#ranges.start();
    await extendDefaultServiceCidr(registry, this.cidrs);
    this.#repair = new AllocationRepair({ registry, ranges: this.#ranges, ports: this.#ports, metrics: this.#metrics });
    await this.#repair.start();
  }

  /** Looks after it all from now on. */
  watchOver(client: Client): void {
    if (this.#registry === undefined) return;
    this.#repair?.watchOver(client);
    this.#release = keepDefaultServiceCidr(this.#registry, client, this.cidrs);
  }

  metricsText(): string {
    return this.#metrics.text(this.#cache, this.#ranges, this.#ports);
  }

  close(): void {
    this.#release?.();
    this.#repair?.close();
  }
}

function checkedRange(cidr: string): AddressRange {
  const range = parseRange(cidr);
  if (range === undefined) throw new Error(`${cidr} is no range of addresses`);
  return range;
}
