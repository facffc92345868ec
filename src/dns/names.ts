/** Addresses as names carry them. */
import { canonicalIp, ipFamily } from '#apimachinery/ip.ts';

/**
 * The name of an endpoint without a hostname: its address with dashes. A dash at either end would make no label, so a
 * zero is put there, which leaves the address the same.
 */
export function dashedAddress(address: string): string {
  const label = address.replaceAll(/[.:]/g, '-');
  return `${label.startsWith('-') ? '0' : ''}${label}${label.endsWith('-') ? '0' : ''}`;
}

/** The canonical address that such a label stands for; undefined when it is none. */
export function addressOfLabel(label: string): string | undefined {
  const isFourParts = /^\d+-\d+-\d+-\d+$/.test(label);
  const address = label.replaceAll('-', isFourParts ? '.' : ':');
  return ipFamily(address) === undefined ? undefined : canonicalIp(address);
}

/**
 * The canonical address of a name below in-addr.arpa or ip6.arpa; undefined when the name is another or not a whole
 * address. Source: RFC 1035 section 3.5, RFC 3596 section 2.5.
 */
export function addressOfReverseName(name: string): string | undefined {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (v4 !== null) {
    const address = v4.slice(1).reverse().join('.');
    return ipFamily(address) === 4 ? address : undefined;
  }
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  if (v6 === null) return undefined;
  const digits = (v6[1] ?? '').replaceAll('.', '').split('').reverse().join('');
  return canonicalIp(digits.match(/.{4}/g)?.join(':') ?? '');
}
