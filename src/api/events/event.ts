import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, microTime, object, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { EventSource } from '../core/event.ts';
import { ObjectReference } from '../core/references.ts';

export const EventSeries = struct('io.k8s.api.events.v1.EventSeries', {
  count: int32(1, { required: true }),
  lastObservedTime: microTime(2, { required: true }),
});
export interface EventSeries extends Infer<typeof EventSeries> {}

export const Event = defineResource({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  scope: 'Namespaced',
  fields: {
    eventTime: microTime(2, { required: true }),
    series: pointer(3, EventSeries),
    reportingController: string(4),
    reportingInstance: string(5),
    action: string(6),
    reason: string(7),
    regarding: object(8, ObjectReference),
    related: pointer(9, ObjectReference),
    note: string(10),
    type: string(11),
    deprecatedSource: object(12, EventSource),
    deprecatedFirstTimestamp: time(13),
    deprecatedLastTimestamp: time(14),
    deprecatedCount: int32(15),
  },
});
export interface Event extends Infer<typeof Event> {}
