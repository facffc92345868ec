import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FieldError } from './field-error.ts';
import { canonicalIp, cidrWarnings, ipFamily, ipWarnings, validateCidr, validateExactCidr, validateExactIp, validateIpAddress, validateNonSpecialIp } from './ip.ts';

function detailsOf(rule: (text: string, path: string) => Iterable<FieldError>, text: string): string[] {
  return [...rule(text, 'ip')].map((error) => error.detail);
}
const notAnIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

test('addresses are taken in the one way that all readers agree on', () => {
  const table: readonly (readonly [string, ...string[]])[] = [
    ['10.0.0.1'], ['2001:db8::1'], ['2001:DB8:0::1'], ['1.2.3', notAnIp], ['', notAnIp], ['10.0.0.01', 'must not have leading 0s'], ['::ffff:10.0.0.1', 'must not be an IPv4-mapped IPv6 address'],
  ];
  for (const [text, ...details] of table) assert.deepEqual(detailsOf(validateIpAddress, text), details, text);
  assert.equal(detailsOf(validateExactIp, '2001:DB8::1').length, 1);
  assert.deepEqual(detailsOf(validateExactIp, '2001:db8::1'), []);
});

test('ranges name their first address', () => {
  assert.deepEqual(detailsOf(validateCidr, '10.0.0.0/8'), []);
  assert.deepEqual(detailsOf(validateCidr, '10.0.0.1/8'), ['must not have bits set beyond the prefix length']);
  assert.deepEqual(detailsOf(validateCidr, '10.0.0.0/08'), ['must not have leading 0s in IP or prefix length']);
  assert.equal(detailsOf(validateCidr, '10.0.0.0').length, 1);
  assert.equal(detailsOf(validateExactCidr, '2001:DB8::/64').length, 1);
});

test('addresses that mean something else everywhere are no endpoints', () => {
  assert.match(detailsOf(validateNonSpecialIp, '127.0.0.1')[0] ?? '', /loopback range/);
  assert.match(detailsOf(validateNonSpecialIp, 'fe80::1')[0] ?? '', /link-local range/);
  assert.match(detailsOf(validateNonSpecialIp, '0.0.0.0')[0] ?? '', /may not be unspecified/);
  assert.deepEqual(detailsOf(validateNonSpecialIp, '10.0.0.1'), []);
});

test('one address may have many texts', () => {
  assert.equal(canonicalIp('2001:DB8:0:0:0:0:0:1'), '2001:db8::1');
  assert.equal(ipFamily('::1'), 6);
  assert.deepEqual([...ipWarnings('2001:DB8::1', 'p')], ['p: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")']);
  assert.deepEqual([...cidrWarnings('2001:DB8::/64', 'p')], ['p: IPv6 CIDR value "2001:DB8::/64" should be in RFC 5952 canonical format ("2001:db8::/64")']);
  assert.deepEqual([...ipWarnings('10.0.0.1', 'p')], []);
});
