import type { ServiceCIDR as ServiceCidrObject } from '#api/networking/service-cidr.ts';
import { ServiceCIDR } from '#api/networking/service-cidr.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import type { AddressRange } from '#apimachinery/ip-range.ts';
import { parseRange } from '#apimachinery/ip-range.ts';

export const defaultServiceCidr = 'kubernetes';

/** The ranges of Service addresses, as the ServiceCIDR objects of this moment say. */
export class ServiceRanges {
  readonly #cache: WatchCache;
  #known: Known | undefined;

  constructor(cache: WatchCache) {
    this.#cache = cache;
  }

  /** To be called when the cache is filled. */
  start(): void {
    this.#cache.of(ServiceCIDR).subscribe(() => {
      this.#known = undefined;
    });
  }

  /** All ranges, each once, the default ones first. */
  get all(): readonly AddressRange[] {
    return this.#current().all;
  }

  /** Those that addresses may be taken from: of objects that are ready and stay. */
  get ready(): readonly AddressRange[] {
    return this.#current().ready;
  }

  #current(): Known {
    if (this.#known === undefined) {
      const objects = [...this.#cache.of(ServiceCIDR).range('/registry/')].map(({ object }) => object)
        .sort((left, right) => Number(right.metadata.name === defaultServiceCidr) - Number(left.metadata.name === defaultServiceCidr));
      this.#known = { all: rangesOf(objects), ready: rangesOf(objects.filter(isReady)) };
    }
    return this.#known;
  }
}

/** IPv6 ranges larger than this are not used, as upstream. */
const minPrefixBits = 64;

interface Known {
  readonly all: readonly AddressRange[];
  readonly ready: readonly AddressRange[];
}

/** Whether addresses may be taken from it. One that nobody has judged yet counts as ready: its controller may not run. */
export function isReady({ metadata, status }: ServiceCidrObject): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  const condition = status.conditions?.find(({ type }) => type === 'Ready');
  return condition === undefined || condition.status === 'True';
}

function rangesOf(objects: readonly ServiceCidrObject[]): readonly AddressRange[] {
  const texts = new Set(objects.flatMap(({ spec }) => spec.cidrs ?? []));
  return [...texts].flatMap((cidr) => parseRange(cidr) ?? []).filter(({ family, bits }) => family === 'IPv4' || bits >= minPrefixBits);
}
