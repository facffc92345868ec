/** Hands out the IPv4 addresses of a range in order, a freed one only after all others: as host-local does. */
export class AddressRange {
  readonly #first: number;
  readonly #size: number;
  #next = 0;
  readonly #taken = new Set<number>();

  /** `cidr` as `10.244.3.0/24`. The first two addresses (network, gateway) and the last are not given. */
  constructor(cidr: string) {
    const [base = '', bits = '24'] = cidr.split('/');
    const parts = base.split('.').map(Number);
    this.#first = parts.reduce((value, part) => value * 256 + part, 0) + 2;
    this.#size = Math.max(1, 2 ** (32 - Number(bits)) - 3);
  }

  /** The next free address, or undefined when all are taken. */
  take(): string | undefined {
    if (this.#taken.size >= this.#size) return undefined;
    while (this.#taken.has(this.#next)) this.#next = (this.#next + 1) % this.#size;
    const offset = this.#next;
    this.#taken.add(offset);
    this.#next = (this.#next + 1) % this.#size;
    const value = this.#first + offset;
    return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
  }

  release(address: string): void {
    const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    this.#taken.delete(value - this.#first);
  }
}
