import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outOfRange } from './limit-ranger.ts';

const container = { type: 'Container', min: { cpu: '50m' }, max: { cpu: '500m' }, maxLimitRequestRatio: { cpu: '2' } };

test('what lies within its range is fine', () => {
  assert.deepEqual([...outOfRange(container, { requests: { cpu: '250m' }, limits: { cpu: '0.5' } })], []);
});

test('what is too little, too much or too far apart is told', () => {
  const told = (request: string, limit: string): readonly string[] => [...outOfRange(container, { requests: { cpu: request }, limits: { cpu: limit } })];
  assert.deepEqual(told('40m', '80m'), ['minimum cpu usage per Container is 50m, but request is 40m']);
  assert.deepEqual(told('400m', '600m'), ['maximum cpu usage per Container is 500m, but limit is 600m']);
  assert.deepEqual(told('100m', '300m'), ['cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000']);
});

test('what a range bounds must be said; a claim has requests only', () => {
  assert.deepEqual([...outOfRange({ type: 'Pod', min: { cpu: '1' }, max: { cpu: '2' } }, { requests: {}, limits: {} })], [
    'minimum cpu usage per Pod is 1.  No request is specified', 'maximum cpu usage per Pod is 2.  No limit is specified',
  ]);
  assert.deepEqual([...outOfRange({ type: 'PersistentVolumeClaim', max: { storage: '1Gi' } }, { requests: { storage: '2Gi' }, limits: {} })], ['maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi']);
});
