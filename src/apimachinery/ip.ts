/** Addresses and address ranges as fields hold them. Source: RFC 4291, RFC 4632; wording as Kubernetes' validation. */
import ipaddr from 'ipaddr.js';
import type { FieldError } from './field-error.ts';
import { invalidValue } from './field-error.ts';

/** 4 or 6; undefined when the text is no address in its usual form. */
export function ipFamily(text: string): 4 | 6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return 4;
  return text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text) ? 6 : undefined;
}

export function* validateIpAddress(text: string, path: string): Iterable<FieldError> {
  if (ipFamily(text) === undefined) yield invalidValue(path, text, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
}

export function* validateCidr(text: string, path: string): Iterable<FieldError> {
  if (!ipaddr.isValidCIDR(text) || ipFamily(text.split('/')[0] ?? '') === undefined) {
    yield invalidValue(path, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)');
  }
}

/** The address in its one canonical form: 2001:db8::1. The text must be an address. */
export function canonicalIp(text: string): string {
  const address = ipaddr.parse(text);
  return address.kind() === 'ipv4' ? address.toString() : (address as ipaddr.IPv6).toRFC5952String();
}

/** The stricter rule of newer fields: a range has one way to be written. */
export function* validateExactCidr(text: string, path: string): Iterable<FieldError> {
  const [address = '', length = ''] = text.split('/');
  if (!ipaddr.isValidCIDR(text) || ipFamily(address) === undefined) {
    yield* isSloppyCidr(text) ? [invalidValue(path, text, 'must not have leading 0s in IP or prefix length')] : validateCidr(text, path);
    return;
  }
  if (/^0\d/.test(length)) return yield invalidValue(path, text, 'must not have leading 0s in IP or prefix length');
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress()) return yield invalidValue(path, text, 'must not have an IPv4-mapped IPv6 address');
  const network = networkAddress(text);
  if (network !== canonicalIp(address)) return yield invalidValue(path, text, 'must not have bits set beyond the prefix length');
  const canonical = `${network}/${length}`;
  if (text !== canonical) yield invalidValue(path, text, `must be in canonical form (${JSON.stringify(canonical)})`);
}

function networkAddress(cidr: string): string {
  return canonicalIp((cidr.includes(':') ? ipaddr.IPv6.networkAddressFromCIDR(cidr) : ipaddr.IPv4.networkAddressFromCIDR(cidr)).toString());
}

/** Whether the text would be a range but for leading zeros. */
function isSloppyCidr(text: string): boolean {
  const trimmed = text.replaceAll(/(?<=^|[./])0+(?=\d)/g, '');
  return trimmed !== text && ipaddr.isValidCIDR(trimmed) && ipFamily(trimmed.split('/')[0] ?? '') !== undefined;
}
