import assert from 'node:assert/strict';
import { test } from 'node:test';
import { age, humanDuration } from './age.ts';

const s = 1000;
const m = 60 * s;
const h = 60 * m;
const d = 24 * h;
const y = 365 * d;

test('a duration is shown in at most two units', () => {
  const table: readonly (readonly [number, string])[] = [
    [-5 * s, '<invalid>'], [-1 * s, '0s'], [0, '0s'], [119 * s, '119s'], [2 * m, '2m'], [3 * m + 20 * s, '3m20s'],
    [10 * m + 5 * s, '10m'], [179 * m, '179m'], [3 * h, '3h'], [5 * h + 10 * m, '5h10m'], [8 * h + m, '8h'], [47 * h, '47h'],
    [2 * d, '2d'], [3 * d + 4 * h, '3d4h'], [8 * d + h, '8d'], [729 * d, '729d'], [2 * y, '2y'], [2 * y + 35 * d, '2y35d'], [8 * y + d, '8y'],
  ];
  for (const [ms, text] of table) assert.equal(humanDuration(ms), text);
});

test('an absent time has an unknown age', () => {
  assert.equal(age(undefined, 0), '<unknown>');
  assert.equal(age(null, 0), '<unknown>');
  assert.equal(age('2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1, 0, 0, 7)), '7s');
});
