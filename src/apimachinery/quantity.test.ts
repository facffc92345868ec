import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  addQuantity, canonicalQuantity, compareQuantity, formatQuantity, isQuantity, milliValue, parseQuantity, quantityOf, quantityOfMillis,
  quantityToNumber, subQuantity, value,
} from './quantity.ts';

test('a quantity is written in its canonical form', () => {
  const cases: Readonly<Record<string, string>> = {
    '0': '0', '0Gi': '0', '-0': '0', '1': '1', '10': '10', '100': '100', '1000': '1k', '1024': '1024', '1000m': '1', '1500m': '1500m',
    '1.5': '1500m', '0.5Gi': '512Mi', '1.5Gi': '1536Mi', '1024Ki': '1Mi', '1Ki': '1Ki', '0.5Ki': '512', '1000Ki': '1000Ki', '100000': '100k',
    '1e3': '1e3', '12e6': '12e6', '1000e3': '1e6', '1E3': '1e3', '1e-3': '1e-3', '1E': '1E', '0.1m': '100u', '1n': '1n', '0.1n': '1n', '1.1n': '2n',
    '-1.1n': '-2n', '-1Gi': '-1Gi', '123456789M': '123456789M', '.5': '500m', '1.': '1', '007': '7', '0.001Ki': '1024m', '1.5e3': '1500', '12M': '12M',
    '100Ei': '9223372036854775807',
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(canonicalQuantity(text), expected, text);
});

test('what is no quantity is refused in Kubernetes words', () => {
  const formatWrong = /^QuantityError: quantities must match the regular expression '\^\(\[\+-\]\?\[0-9\.\]\+\)\(\[eEinumkKMGTP\]\*\[-\+\]\?\[0-9\]\*\)\$'$/;
  for (const text of ['', 'abc', ' 1', '1 ', '1.1.1', '--1', 'Gi']) assert.throws(() => parseQuantity(text), formatWrong, text);
  for (const text of ['1i', '1mi', '1e', '1Kim', '1e-', '1+1', '1K', '1e1000000000']) {
    assert.throws(() => parseQuantity(text), /unable to parse quantity's suffix/, text);
  }
  assert.equal(isQuantity('1K'), false);
  assert.equal(isQuantity('1k'), true);
});

test('values are rounded up, away from zero', () => {
  assert.equal(milliValue('100m'), 100);
  assert.equal(milliValue('2'), 2000);
  assert.equal(milliValue('0.1m'), 1);
  assert.equal(milliValue('1.5'), 1500);
  assert.equal(value('1500m'), 2);
  assert.equal(value('-1500m'), -2);
  assert.equal(value('1Gi'), 1024 ** 3);
  assert.equal(value('1.5Ki'), 1536);
  assert.equal(value('8388608Gi'), 2 ** 53);
  assert.equal(value('8Ei'), 2 ** 63);
  assert.equal(quantityToNumber('1500m'), 1.5);
  assert.equal(quantityToNumber('-0.25'), -0.25);
});

test('a sum keeps the way its first part is written', () => {
  assert.equal(formatQuantity(addQuantity('1Gi', '512Mi')), '1536Mi');
  assert.equal(formatQuantity(addQuantity('0', '1Gi')), '1Gi');
  assert.equal(formatQuantity(addQuantity('100m', '900m')), '1');
  assert.equal(formatQuantity(subQuantity('1', '100m')), '900m');
  assert.equal(formatQuantity(quantityOf(2048, 'BinarySI')), '2Ki');
  assert.equal(formatQuantity(quantityOfMillis(250)), '250m');
});

const quantities = fc
  .tuple(fc.constantFrom('', '-', '+'), fc.nat(10_000_000), fc.option(fc.nat(9999)), fc.constantFrom('n', 'u', 'm', '', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3', 'E2', 'e-2'))
  .map(([sign, whole, fraction, suffix]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${suffix}`);

test('the canonical form has the same amount and is its own canonical form', () => {
  fc.assert(fc.property(quantities, (text) => {
    const canonical = canonicalQuantity(text);
    assert.equal(compareQuantity(canonical, text), 0);
    assert.equal(canonicalQuantity(canonical), canonical);
  }));
});

test('adding and taking away again changes nothing', () => {
  fc.assert(fc.property(quantities, quantities, (a, b) => {
    assert.equal(compareQuantity(subQuantity(addQuantity(a, b), b), a), 0);
  }));
});
