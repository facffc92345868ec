import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeObject } from '#apimachinery/decode.ts';
import { Event as CoreEvent } from '../core/event.ts';
import { createErrorsOf, errorsOf, given, rowOf, updateErrorsOf } from '../kind-probe.ts';
import { Event } from './event.ts';

const stored = decodeObject(CoreEvent, {
  metadata: { name: 'web.1', namespace: 'default' }, involvedObject: { kind: 'Pod', name: 'web', namespace: 'default' }, reason: 'Pulled', message: 'done ',
  source: { component: 'kubelet', host: 'n1' }, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:03:00Z', count: 4, type: 'Normal',
});
const nowMs = Date.UTC(2026, 0, 1, 0, 5);

test('an event survives the way to the other version and back', () => {
  const conversion = Event.convertedFrom;
  assert.ok(conversion !== undefined);
  const there = JSON.parse(JSON.stringify(conversion.fromHub(stored))) as Record<string, unknown>;
  assert.equal(there['note'], 'done ');
  assert.deepEqual(there['regarding'], { kind: 'Pod', name: 'web', namespace: 'default' });
  const back = conversion.toHub(decodeObject(Event, there));
  assert.deepEqual(decodeObject(CoreEvent, JSON.parse(JSON.stringify(back))), stored);
});

test('both versions show the same columns', () => {
  const row = { 'Last Seen': '2m', Type: 'Normal', Reason: 'Pulled', Object: 'pod/web', Subobject: '', Source: 'kubelet, n1', Message: 'done', 'First Seen': '5m', Count: '4', Name: 'web.1' };
  assert.deepEqual(rowOf(CoreEvent, stored, nowMs), row);
  assert.deepEqual(rowOf(Event, Event.convertedFrom?.fromHub(stored) as Event, nowMs), row);
});

test('an event lies beside what it is about', () => {
  assert.deepEqual(errorsOf(CoreEvent, stored), []);
  const astray = given(CoreEvent, { ...stored, involvedObject: { ...stored.involvedObject, namespace: 'other' } });
  assert.deepEqual(errorsOf(CoreEvent, astray as unknown as CoreEvent), ['involvedObject.namespace: Invalid value: "other": does not match event.namespace']);
  const ofNode = given(CoreEvent, { ...stored, involvedObject: { kind: 'Node', name: 'n1' } });
  assert.deepEqual(errorsOf(CoreEvent, ofNode as unknown as CoreEvent), []);
});

test('an event of the new style says who reports it and what was done', () => {
  const event = given(Event, { metadata: { name: 'a', namespace: 'default' }, regarding: { namespace: 'default' }, eventTime: '2026-01-01T00:00:00.000000Z', type: 'Odd', reportingController: 'example.com/c' });
  assert.deepEqual(createErrorsOf(Event, event as unknown as Event), [
    'reportingInstance: Required value', 'action: Required value', 'reason: Required value', 'type: Invalid value: "": has invalid value: Odd',
  ]);
});

test('only the series of an event goes on', () => {
  const fields = { metadata: { name: 'a', namespace: 'default' }, regarding: { namespace: 'default' }, eventTime: '2026-01-01T00:00:00.000000Z', reason: 'R' };
  const [old, now] = [given(Event, fields), given(Event, { ...fields, reason: 'Q', series: { count: 1, lastObservedTime: null } })] as unknown as [Event, Event];
  assert.deepEqual(updateErrorsOf(Event, now, old), ['series.count: Invalid value: "": should be at least 2', 'series.lastObservedTime: Required value', 'reason: Invalid value: "Q": field is immutable']);
});
