/** A range of addresses cut into equal subnets. */
import ipaddr from 'ipaddr.js';

/** Nodes get numbers from 0; no cluster has more nodes than that. */
const maxSubnets = 65_536;

export class CidrRange {
  /** How many subnets there are. */
  readonly size: number;
  readonly #bytes: readonly number[];
  readonly #mask: number;
  readonly #prefix: number;
  readonly #isIpv6: boolean;

  /** Throws when `cidr` is none, or its subnets would be larger than itself. */
  constructor(cidr: string, nodeMask: number) {
    const [address, prefix] = ipaddr.parseCIDR(cidr);
    if (nodeMask < prefix) throw new RangeError(`the mask size /${nodeMask} for nodes is larger than the cluster range ${cidr}`);
    this.#isIpv6 = address.kind() === 'ipv6';
    this.#bytes = address.toByteArray();
    this.#prefix = prefix;
    this.#mask = nodeMask;
    this.size = Math.min(maxSubnets, 2 ** (nodeMask - prefix));
  }

  /** The subnet of that number. */
  at(index: number): string {
    const bits = this.#isIpv6 ? 128n : 32n;
    const base = this.#value(this.#bytes) >> (bits - BigInt(this.#prefix)) << (bits - BigInt(this.#prefix));
    const value = base + (BigInt(index) << (bits - BigInt(this.#mask)));
    const bytes = this.#bytes.map((_, position) => Number((value >> BigInt(8 * (this.#bytes.length - 1 - position))) & 0xffn));
    return `${ipaddr.fromByteArray(bytes).toString()}/${this.#mask}`;
  }

  /** The number of the subnet, or undefined when it is not one of these. */
  indexOf(cidr: string): number | undefined {
    if (!ipaddr.isValidCIDR(cidr)) return undefined;
    const [address] = ipaddr.parseCIDR(cidr);
    if ((address.kind() === 'ipv6') !== this.#isIpv6) return undefined;
    const bits = this.#isIpv6 ? 128n : 32n;
    const offset = (this.#value(address.toByteArray()) >> (bits - BigInt(this.#mask))) - (this.#value(this.#bytes) >> (bits - BigInt(this.#prefix)) << (BigInt(this.#mask) - BigInt(this.#prefix)));
    return offset >= 0n && offset < BigInt(this.size) ? Number(offset) : undefined;
  }

  #value(bytes: readonly number[]): bigint {
    let value = 0n;
    for (const byte of bytes) value = (value << 8n) | BigInt(byte);
    return value;
  }
}
