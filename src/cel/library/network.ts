/** URLs, IP addresses and address ranges. Source: Kubernetes documentation, "CEL in Kubernetes". */
import ipaddr from 'ipaddr.js';
import { one, traversal, traversalOf } from '../cost.ts';
import type { Costs, Overload } from '../functions.ts';
import { overload } from '../functions.ts';
import type { OpaqueValue } from '../values.ts';
import { EvaluationError, sizeOf } from '../values.ts';

const read: Costs = { cost: ([text]) => traversalOf(sizeOf(text)), estimate: ([text = one]) => ({ cost: traversal(text) }) };

class Url implements OpaqueValue {
  readonly celType = 'kubernetes.URL';
  readonly text: string;
  readonly parts: { readonly scheme: string; readonly authority: string; readonly path: string; readonly query: string };

  constructor(text: string) {
    const match = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/s.exec(text);
    const [, scheme = '', authority = '', path = '', query = ''] = match ?? [];
    const isAbsolute = scheme !== '' || text.startsWith('/');
    const isEscaped = !/%(?![0-9a-fA-F]{2})/.test(path);
    const isHost = /^(?:[^@]*@)?(?:\[[0-9a-fA-F:.%]+\]|[^:\s<>"[\]]*)(?::\d*)?$/.test(authority);
    // eslint-disable-next-line no-control-regex -- control characters are what must not be there
    if (match === null || !isAbsolute || !isEscaped || !isHost || /[\x00-\x1f\x7f]/.test(text)) throw new EvaluationError(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`);
    this.text = text;
    this.parts = { scheme: scheme.toLowerCase(), authority: authority.replace(/^[^@]*@/, ''), path, query };
  }
  get hostname(): string {
    const { authority } = this.parts;
    return authority.startsWith('[') ? authority.slice(1, authority.indexOf(']')) : authority.replace(/:\d*$/, '');
  }
  get port(): string {
    return /:(\d+)$/.exec(this.parts.authority)?.[1] ?? '';
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof Url && other.text === this.text;
  }
}

function queryOf({ parts }: Url): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [key, value] of new URLSearchParams(parts.query)) found.set(key, [...(found.get(key) ?? []), value]);
  return found;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** The address; undefined for what Go's net/netip does not take, or Kubernetes' CEL (zones, IPv4 in IPv6). */
function addressOf(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return /(^|\.)0\d/.test(text) ? undefined : ipaddr.IPv4.parse(text);
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? undefined : address;
}
/** As RFC 5952 writes it. */
function addressText(address: Address): string {
  return address.kind() === 'ipv6' ? (address as ipaddr.IPv6).toRFC5952String() : address.toString();
}

class Ip implements OpaqueValue {
  readonly celType = 'net.IP';
  readonly address: Address;
  constructor(address: Address) {
    this.address = address;
  }
  get text(): string {
    return addressText(this.address);
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof Ip && other.text === this.text;
  }
}

function ip(text: string): Ip {
  const address = addressOf(text);
  if (address === undefined) throw new EvaluationError(`IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`);
  return new Ip(address);
}

class Cidr implements OpaqueValue {
  readonly celType = 'net.CIDR';
  readonly address: Address;
  readonly bits: number;
  constructor(address: Address, bits: number) {
    this.address = address;
    this.bits = bits;
  }
  contains(address: Address): boolean {
    if (address.kind() !== this.address.kind()) return false;
    return (address as ipaddr.IPv4).match(this.address, this.bits);
  }
  masked(): Cidr {
    const bytes = this.address.toByteArray().map((byte, index) => byte & (0xff << Math.max(0, 8 - Math.max(0, this.bits - index * 8))) & 0xff);
    return new Cidr(ipaddr.fromByteArray(bytes), this.bits);
  }
  get text(): string {
    return `${addressText(this.address)}/${this.bits}`;
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof Cidr && other.text === this.text;
  }
}

function cidrOf(text: string): Cidr | undefined {
  const match = /^(.+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = match === null ? undefined : addressOf(match[1] ?? '');
  const bits = Number(match?.[2] ?? 0);
  return address === undefined || bits > (address.kind() === 'ipv4' ? 32 : 128) ? undefined : new Cidr(address, bits);
}
function cidr(text: string): Cidr {
  const made = cidrOf(text);
  if (made === undefined) throw new EvaluationError(`network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): no '/'`);
  return made;
}

function rangeIs(...ranges: readonly string[]): (value: Ip) => boolean {
  return ({ address }) => ranges.includes(address.range());
}

export const networkLibrary: readonly Overload[] = [
  overload('url(string): kubernetes.URL', (text: string) => new Url(text), read),
  overload('isURL(string): bool', (text: string) => {
    try {
      return new Url(text) instanceof Url;
    } catch {
      return false;
    }
  }, read),
  overload('kubernetes.URL.getScheme(): string', ({ parts }: Url) => parts.scheme),
  overload('kubernetes.URL.getHost(): string', ({ parts }: Url) => parts.authority),
  overload('kubernetes.URL.getHostname(): string', ({ hostname }: Url) => hostname),
  overload('kubernetes.URL.getPort(): string', ({ port }: Url) => port),
  overload('kubernetes.URL.getEscapedPath(): string', ({ parts }: Url) => encodeURI(decoded(parts.path))),
  overload('kubernetes.URL.getQuery(): map<string, list<string>>', queryOf),
  overload('ip(string): net.IP', ip, read),
  overload('isIP(string): bool', (text: string) => addressOf(text) !== undefined, read),
  overload('ip.isCanonical(string): bool', (text: string) => ip(text).text === text, read),
  overload('string(net.IP): string', ({ text }: Ip) => text),
  overload('net.IP.family(): int', ({ address }: Ip) => (address.kind() === 'ipv4' ? 4n : 6n)),
  overload('net.IP.isUnspecified(): bool', rangeIs('unspecified')),
  overload('net.IP.isLoopback(): bool', rangeIs('loopback')),
  overload('net.IP.isLinkLocalMulticast(): bool', ({ text }: Ip) => text.startsWith('224.0.0.') || text.startsWith('ff02:')),
  overload('net.IP.isLinkLocalUnicast(): bool', rangeIs('linkLocal')),
  overload('net.IP.isGlobalUnicast(): bool', (value: Ip) => !rangeIs('unspecified', 'loopback', 'linkLocal', 'multicast', 'broadcast')(value)),
  overload('cidr(string): net.CIDR', cidr, read),
  overload('isCIDR(string): bool', (text: string) => cidrOf(text) !== undefined, read),
  overload('string(net.CIDR): string', ({ text }: Cidr) => text),
  overload('net.CIDR.containsIP(net.IP): bool', (range: Cidr, { address }: Ip) => range.contains(address)),
  overload('net.CIDR.containsIP(string): bool', (range: Cidr, text: string) => range.contains(ip(text).address)),
  overload('net.CIDR.containsCIDR(net.CIDR): bool', (range: Cidr, other: Cidr) => other.bits >= range.bits && range.contains(other.address)),
  overload('net.CIDR.containsCIDR(string): bool', (range: Cidr, text: string) => cidr(text).bits >= range.bits && range.contains(cidr(text).address)),
  overload('net.CIDR.ip(): net.IP', ({ address }: Cidr) => new Ip(address)),
  overload('net.CIDR.prefixLength(): int', ({ bits }: Cidr) => BigInt(bits)),
  overload('net.CIDR.masked(): net.CIDR', (range: Cidr) => range.masked()),
];
