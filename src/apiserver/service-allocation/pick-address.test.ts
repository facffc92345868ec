import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { seededRandom } from '#base/random.ts';
import type { AddressRange } from '#apimachinery/ip-range.ts';
import { containsAddress, containsRange, formatAddress, parseAddress, parseRange, sizeOf } from '#apimachinery/ip-range.ts';
import { pickAddress, reservedAddresses } from './pick-address.ts';
import { pickPort, reservedPorts } from './port-range.ts';

function range(cidr: string): AddressRange {
  const parsed = parseRange(cidr);
  assert.ok(parsed !== undefined);
  return parsed;
}
function isIn(cidr: string, address: string): boolean {
  const parsed = parseAddress(address);
  return parsed !== undefined && containsAddress(range(cidr), parsed);
}

test('a range gives out neither its own address nor the one for broadcasts', () => {
  for (const [cidr, inside, outside] of [
    ['10.96.0.0/16', ['10.96.0.1', '10.96.255.254'], ['10.96.0.0', '10.96.255.255', '10.97.0.1', 'fd00::1']],
    ['10.96.0.17/28', ['10.96.0.17', '10.96.0.30'], ['10.96.0.16', '10.96.0.31']],
    ['fd00:10::/112', ['fd00:10::1', 'fd00:10::ffff'], ['fd00:10::', 'fd00:10::1:0', '10.96.0.1']],
  ] as const) {
    for (const each of inside) assert.ok(isIn(cidr, each), `${each} in ${cidr}`);
    for (const each of outside) assert.ok(!isIn(cidr, each), `${each} not in ${cidr}`);
  }
  assert.equal(sizeOf(range('10.0.0.0/32')), 0n);
  assert.equal(sizeOf(range('10.0.0.0/30')), 2n);
});

test('addresses have one way to be written', () => {
  assert.equal(formatAddress(parseAddress('FD00:0:0:0::0A') ?? assert.fail()), 'fd00::a');
  assert.equal(formatAddress(parseAddress('10.0.0.200') ?? assert.fail()), '10.0.0.200');
  for (const text of ['nonsense', '', '10.0.0', '10.0.0.256', '10.0.0.1.2', '10..0.1', '10.0.0.']) assert.notEqual(parseAddress(text)?.value, 0x0a000001n, text);
  fc.assert(fc.property(fc.ipV4(), (text) => assert.equal(formatAddress(parseAddress(text) ?? assert.fail()), text)));
  fc.assert(fc.property(fc.ipV6(), (text) => assert.deepEqual(parseAddress(formatAddress(parseAddress(text) ?? assert.fail())), parseAddress(text))));
});

test('ranges lie in ranges', () => {
  assert.ok(containsRange(range('10.96.0.0/12'), range('10.100.0.0/16')));
  assert.ok(containsRange(range('10.96.0.0/16'), range('10.96.0.0/16')));
  assert.ok(!containsRange(range('10.96.0.0/16'), range('10.96.0.0/12')));
  assert.ok(!containsRange(range('10.96.0.0/16'), range('fd00::/112')));
});

test('the band that is left to explicit requests is as large as Kubernetes says', () => {
  for (const [cidr, reserved] of [['10.0.0.0/28', 0], ['10.0.0.0/27', 16], ['10.0.0.0/24', 16], ['10.0.0.0/23', 32], ['10.0.0.0/20', 256], ['10.0.0.0/16', 256], ['fd00::/64', 256]] as const) {
    assert.equal(reservedAddresses(range(cidr)), reserved, cidr);
  }
  for (const [size, reserved] of [[16, 0], [17, 16], [1200, 37], [2768, 86], [10_000, 128]] as const) assert.equal(reservedPorts(size), reserved, String(size));
});

test('a free address is found exactly when there is one, and the reserved band is used last', () => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 25, max: 30 }), fc.array(fc.nat({ max: 127 })), (seed, bits, taken) => {
    const from = range(`10.0.0.0/${bits}`);
    const all = Array.from({ length: Number(sizeOf(from)) }, (_, index) => `10.0.0.${index + 1}`);
    const isTaken = new Set(taken.map((each) => `10.0.0.${each}`));
    const found = pickAddress(seededRandom(seed), from, (each) => isTaken.has(each));
    const free = all.filter((each) => !isTaken.has(each));
    if (free.length === 0) return assert.equal(found, undefined);
    assert.ok(free.includes(found ?? ''), `${found} is free`);
    const upper = free.filter((each) => all.indexOf(each) >= reservedAddresses(from));
    if (upper.length > 0) assert.ok(upper.includes(found ?? ''), `${found} is of the upper band`);
    return undefined;
  }));
});

test('huge ranges are searched no longer than they are taken', () => {
  let asked = 0;
  const found = pickAddress({ next: () => 0.5, uuid: () => '' }, range('fd00::/64'), () => ++asked <= 1000);
  assert.equal(asked, 1001);
  assert.ok(isIn('fd00::/64', found ?? ''));
});

test('a free port is found exactly when there is one, and the reserved band is used last', () => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 60 }), fc.array(fc.nat({ max: 59 })), (seed, size, taken) => {
    const isTaken = new Set(taken.map((each) => each + 30_000));
    const free = Array.from({ length: size }, (_, index) => index + 30_000).filter((each) => !isTaken.has(each));
    const found = pickPort(seededRandom(seed), { from: 30_000, to: 30_000 + size }, (each) => isTaken.has(each));
    if (free.length === 0) return assert.equal(found, undefined);
    const upper = free.filter((each) => each >= 30_000 + reservedPorts(size));
    assert.ok((upper.length > 0 ? upper : free).includes(found ?? 0));
    return undefined;
  }));
});
