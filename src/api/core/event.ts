import { TemplateMeta } from '#apimachinery/object-meta.ts';
import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, microTime, object, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { eventColumns } from './event-columns.ts';
import { selectableEventFields, validateEvent } from './event-rules.ts';
import { ObjectReference } from './references.ts';

export const EventSource = struct('io.k8s.api.core.v1.EventSource', {
  component: string(1),
  host: string(2),
});
export interface EventSource extends Infer<typeof EventSource> {}

export const EventSeries = struct('io.k8s.api.core.v1.EventSeries', {
  count: int32(1),
  lastObservedTime: microTime(2),
});
export interface EventSeries extends Infer<typeof EventSeries> {}

export const Event = defineResource({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  scope: 'Namespaced',
  fields: {
    metadata: object(1, TemplateMeta, { required: true }),
    involvedObject: object(2, ObjectReference, { required: true }),
    reason: string(3),
    message: string(4),
    source: object(5, EventSource),
    firstTimestamp: time(6),
    lastTimestamp: time(7),
    count: int32(8),
    type: string(9),
    eventTime: microTime(10),
    series: pointer(11, EventSeries),
    action: string(12),
    related: pointer(13, ObjectReference),
    reportingComponent: string(14, { always: true }),
    reportingInstance: string(15, { always: true }),
  },
  strategy: { name: 'path-segment', createOnUpdate: true },
  validate: [validateEvent],
  columns: eventColumns,
  selectableFields: selectableEventFields,
});
export interface Event extends Infer<typeof Event> {}
