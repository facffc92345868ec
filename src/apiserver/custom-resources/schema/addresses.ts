import ipaddr from 'ipaddr.js';

/** The address in canonical form, as Go's `net.ParseIP` takes it; undefined when it is none. */
export function parseAddress(text: string): string | undefined {
  const isV4 = ipaddr.IPv4.isValidFourPartDecimal(text);
  if (!isV4 && (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text))) return undefined;
  return ipaddr.parse(text).toString();
}

/** The prefix as it is written; undefined when it is none. */
export function parsePrefix(text: string): string | undefined {
  const [address = '', bits = '', more] = text.split('/');
  if (more !== undefined || !/^\d{1,3}$/.test(bits) || parseAddress(address) === undefined) return undefined;
  return Number(bits) <= (address.includes(':') ? 128 : 32) ? text : undefined;
}
