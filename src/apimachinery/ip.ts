/**
 * Addresses and address ranges as fields hold them. Older fields take any text that has one meaning; newer ones only the
 * canonical form.
 *
 * Source: RFC 4291, RFC 4632, RFC 5952; KEP-4858; wording as Kubernetes' validation.
 */
import ipaddr from 'ipaddr.js';
import type { FieldError } from './field-error.ts';
import { invalidValue } from './field-error.ts';

/** 4 or 6; undefined when the text is no address in its usual form. */
export function ipFamily(text: string): 4 | 6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return 4;
  return text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text) ? 6 : undefined;
}

/** Of an older field: the text need not be canonical. */
export function* validateIpAddress(text: string, path: string): Iterable<FieldError> {
  const fault = addressFault(text);
  if (fault !== undefined) yield invalidValue(path, text, fault);
}

/** Of an older field: the text need not be canonical. */
export function* validateCidr(text: string, path: string): Iterable<FieldError> {
  const fault = rangeFault(text);
  if (fault !== undefined) yield invalidValue(path, text, fault);
}

/** The stricter rule of newer fields: an address has one way to be written. */
export function* validateExactIp(text: string, path: string): Iterable<FieldError> {
  const fault = addressFault(text);
  if (fault !== undefined) return yield invalidValue(path, text, fault);
  if (text !== canonicalIp(text)) yield invalidValue(path, text, `must be in canonical form (${JSON.stringify(canonicalIp(text))})`);
}

/** The stricter rule of newer fields: a range has one way to be written. */
export function* validateExactCidr(text: string, path: string): Iterable<FieldError> {
  const fault = rangeFault(text);
  if (fault !== undefined) return yield invalidValue(path, text, fault);
  const canonical = canonicalCidr(text);
  if (text !== canonical) yield invalidValue(path, text, `must be in canonical form (${JSON.stringify(canonical)})`);
}

/** Newer fields that take the address of a host together with its network. */
export function* validateInterfaceAddress(text: string, path: string): Iterable<FieldError> {
  const [address = '', length = ''] = withoutLeadingZeros(text).split('/');
  if (!ipaddr.isValidCIDR(`${address}/${length}`) || ipFamily(address) === undefined) {
    return yield invalidValue(path, text, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)');
  }
  const canonical = `${canonicalIp(address)}/${Number(length)}`;
  if (text !== canonical) yield invalidValue(path, text, `must be in canonical form (${JSON.stringify(canonical)})`);
}

/** The address in its one canonical form: 2001:db8::1. The text must be an address. */
export function canonicalIp(text: string): string {
  const address = ipaddr.parse(text);
  return address.kind() === 'ipv4' ? address.toString() : (address as ipaddr.IPv6).toRFC5952String();
}

/** Addresses that mean something only on the host itself, or on its link, are no endpoints. The text must be an address. */
export function* validateNonSpecialIp(text: string, path: string): Iterable<FieldError> {
  if (ipFamily(text) === undefined) return yield invalidValue(path, text, 'must be a valid IP address');
  switch (specialUse(text)) {
    case 'unspecified':
      return yield invalidValue(path, text, `may not be unspecified (${text})`);
    case 'loopback':
      return yield invalidValue(path, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)');
    case 'link-local':
      return yield invalidValue(path, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)');
    case 'link-local-multicast':
      return yield invalidValue(path, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
    case undefined:
  }
}

function specialUse(text: string): 'unspecified' | 'loopback' | 'link-local' | 'link-local-multicast' | undefined {
  const address = ipaddr.parse(text);
  const bytes = address.toByteArray();
  const [first = 0, second = 0, third = 0] = bytes;
  if (bytes.every((byte) => byte === 0)) return 'unspecified';
  if (address.kind() === 'ipv4') {
    if (first === 127) return 'loopback';
    if (first === 169 && second === 254) return 'link-local';
    return first === 224 && second === 0 && third === 0 ? 'link-local-multicast' : undefined;
  }
  if (bytes.at(-1) === 1 && bytes.slice(0, -1).every((byte) => byte === 0)) return 'loopback';
  if (first === 0xfe && (second & 0xc0) === 0x80) return 'link-local';
  return first === 0xff && (second & 0x0f) === 0x02 ? 'link-local-multicast' : undefined;
}

/** What a writer should know of an address in an older field. Texts that are no addresses say nothing here. */
export function* ipWarnings(text: string, path: string): Iterable<string> {
  if (ipFamily(text) !== 6 || addressFault(text) !== undefined) return;
  const canonical = canonicalIp(text);
  if (text !== canonical) yield `${path}: IPv6 address ${JSON.stringify(text)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`;
}

/** The same for a range. */
export function* cidrWarnings(text: string, path: string): Iterable<string> {
  if (!text.includes(':') || rangeFault(text) !== undefined) return;
  const canonical = canonicalCidr(text);
  if (text !== canonical) yield `${path}: IPv6 CIDR value ${JSON.stringify(text)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`;
}

function addressFault(text: string): string | undefined {
  if (ipFamily(text) === undefined) {
    const plain = withoutLeadingZeros(text);
    return plain !== text && ipFamily(plain) !== undefined ? 'must not have leading 0s' : 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
  }
  return isMapped(text) ? 'must not be an IPv4-mapped IPv6 address' : undefined;
}

function rangeFault(text: string): string | undefined {
  const [address = '', length = ''] = text.split('/');
  const plain = withoutLeadingZeros(text);
  if (!ipaddr.isValidCIDR(plain) || ipFamily(plain.split('/')[0] ?? '') === undefined) return 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
  if (ipFamily(address) === undefined || /^0\d/.test(length)) return 'must not have leading 0s in IP or prefix length';
  if (isMapped(address)) return 'must not have an IPv4-mapped IPv6 address';
  return networkAddress(text) === canonicalIp(address) ? undefined : 'must not have bits set beyond the prefix length';
}

function canonicalCidr(text: string): string {
  return `${networkAddress(text)}/${text.split('/')[1] ?? ''}`;
}

function networkAddress(cidr: string): string {
  return canonicalIp((cidr.includes(':') ? ipaddr.IPv6.networkAddressFromCIDR(cidr) : ipaddr.IPv4.networkAddressFromCIDR(cidr)).toString());
}

function isMapped(address: string): boolean {
  const parsed = ipaddr.parse(address);
  return parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress();
}

/** Some readers take a part with a leading zero for an octal number, so it has no one meaning. */
function withoutLeadingZeros(text: string): string {
  return text.includes(':') ? text.replace(/\/0+(?=\d)/, '/') : text.replaceAll(/(?<=^|[./])0+(?=\d)/g, '');
}
