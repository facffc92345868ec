import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { seededRandom } from '#base/random.ts';
import { addressRange, pickFree, reservedBand } from './address-pool.ts';

test('the addresses of a range lie in it, those behind it do not', () => {
  const range = addressRange('10.96.0.0/16');
  assert.equal(range.at(1), '10.96.0.1');
  assert.equal(range.at(256), '10.96.1.0');
  assert.equal(range.size, 65_536);
  assert.equal(range.contains('10.96.255.255'), true);
  assert.equal(range.contains('10.97.0.0'), false);
  assert.equal(range.contains('nonsense'), false);
});

test('IPv6 ranges are used up to 2^20 addresses', () => {
  const range = addressRange('fd00:10::/108');
  assert.equal(range.family, 'IPv6');
  assert.equal(range.size, 2 ** 20);
  assert.equal(range.contains(range.at(70_000)), true);
});

test('a free number is found exactly when there is one, and the reserved band is used last', () => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 60 }), fc.array(fc.nat({ max: 59 })), (seed, to, takenList) => {
    const taken = new Set(takenList.filter((each) => each < to));
    const upperFrom = Math.min(to, reservedBand(to));
    const found = pickFree(seededRandom(seed), { from: 0, to, upperFrom }, (each) => taken.has(each));
    assert.equal(found === undefined, taken.size === to);
    if (found === undefined) return;
    assert.equal(taken.has(found), false);
    const isUpperFull = Array.from({ length: to - upperFrom }, (_, index) => index + upperFrom).every((each) => taken.has(each));
    assert.equal(found < upperFrom, isUpperFull);
  }));
});
