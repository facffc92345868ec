import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, required } from '#apimachinery/field-error.ts';
import { dns1123Subdomain } from '#apimachinery/names.ts';
import type { KubeObject, NamespacedMeta } from '#apimachinery/object-meta.ts';
import { defineResource } from '#apimachinery/resource.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, microTime, object, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { eventColumnsOf } from '../core/event-columns.ts';
import type { EventFields } from '../core/event-rules.ts';
import { selectableEventFields, validateEvent } from '../core/event-rules.ts';
import { Event as CoreEvent, EventSource } from '../core/event.ts';
import { ObjectReference } from '../core/references.ts';

export const EventSeries = struct('io.k8s.api.events.v1.EventSeries', {
  count: int32(1, { required: true }),
  lastObservedTime: microTime(2, { required: true, mayBeEmpty: true }),
});
export interface EventSeries extends Infer<typeof EventSeries> {}

/** An event of this version by its fields. */
interface EventsV1Fields {
  readonly metadata: NamespacedMeta;
  readonly eventTime: string | null;
  readonly series?: (Omit<EventSeries, 'lastObservedTime'> & { readonly lastObservedTime: string | null }) | undefined;
  readonly reportingController?: string | undefined;
  readonly reportingInstance?: string | undefined;
  readonly action?: string | undefined;
  readonly reason?: string | undefined;
  readonly regarding: ObjectReference;
  readonly related?: ObjectReference | undefined;
  readonly note?: string | undefined;
  readonly type?: string | undefined;
  readonly deprecatedSource: EventSource;
  readonly deprecatedFirstTimestamp?: string | null | undefined;
  readonly deprecatedLastTimestamp?: string | null | undefined;
  readonly deprecatedCount?: number | undefined;
}

/** The same event under the names of core/v1, as which it is stored. */
function toStored(event: EventsV1Fields): EventFields & { readonly metadata: NamespacedMeta } {
  const { metadata, series, action, reason, related, type } = event;
  return onlyGiven({
    metadata,
    involvedObject: event.regarding,
    reason,
    message: event.note,
    source: event.deprecatedSource,
    firstTimestamp: event.deprecatedFirstTimestamp,
    lastTimestamp: event.deprecatedLastTimestamp,
    count: event.deprecatedCount,
    type,
    eventTime: event.eventTime,
    series: series === undefined ? undefined : onlyGiven({ ...series, lastObservedTime: series.lastObservedTime ?? undefined }),
    action,
    related,
    reportingComponent: event.reportingController ?? '',
    reportingInstance: event.reportingInstance ?? '',
  });
}

function fromStored(event: CoreEvent): KubeObject & EventsV1Fields {
  const { metadata, series, action, reason, related, type } = event;
  return onlyGiven({
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata,
    eventTime: event.eventTime ?? null,
    series: series === undefined ? undefined : { count: series.count ?? 0, lastObservedTime: series.lastObservedTime ?? null },
    reportingController: event.reportingComponent,
    reportingInstance: event.reportingInstance,
    action,
    reason,
    regarding: event.involvedObject,
    related,
    note: event.message,
    type,
    deprecatedSource: event.source,
    deprecatedFirstTimestamp: event.firstTimestamp,
    deprecatedLastTimestamp: event.lastTimestamp,
    deprecatedCount: event.count,
  });
}

/** Without the fields that have no value: there are none such in JSON, and field ownership would count them. */
function onlyGiven<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** `involvedObject.kind` is called `regarding.kind` here. */
function renamed(field: string): string {
  if (field === 'reportingComponent') return 'reportingController';
  return field.replace(/^involvedObject\./, 'regarding.');
}

/** Writers of this version use nothing of the older one. What is wrong is said of the fields' older names. */
function* validateNew(event: EventsV1Fields): Iterable<FieldError> {
  for (const message of dns1123Subdomain(event.metadata.name)) yield invalidValue('metadata.name', event.metadata.name, message);
  yield* validateSeries(event);
  if (event.eventTime === null) yield required('eventTime');
  if (event.type !== 'Normal' && event.type !== 'Warning') yield invalidValue('type', '', `has invalid value: ${event.type ?? ''}`);
  const unset = 'needs to be unset';
  if ((event.deprecatedFirstTimestamp ?? null) !== null) yield invalidValue('firstTimestamp', '', unset);
  if ((event.deprecatedLastTimestamp ?? null) !== null) yield invalidValue('lastTimestamp', '', unset);
  if ((event.deprecatedCount ?? 0) !== 0) yield invalidValue('count', '', unset);
  if ((event.deprecatedSource.component ?? '') !== '' || (event.deprecatedSource.host ?? '') !== '') yield invalidValue('source', '', unset);
}

function* validateSeries({ series }: EventsV1Fields): Iterable<FieldError> {
  if (series === undefined) return;
  if (series.count < 2) yield invalidValue('series.count', '', 'should be at least 2');
  if (series.lastObservedTime === null) yield required('series.lastObservedTime');
}

const fixed = ['involvedObject', 'reason', 'message', 'source', 'firstTimestamp', 'lastTimestamp', 'count', 'type', 'eventTime', 'action', 'related'] as const;

/** Only the series goes on. */
function* validateEventUpdate(event: EventsV1Fields, old: EventsV1Fields): Iterable<FieldError> {
  if (!saysTheSame(event.series, old.series)) yield* validateSeries(event);
  const [now, before] = [toStored(event), toStored(old)];
  for (const key of fixed) yield* immutableValue(key, now[key], before[key]);
  yield* immutableValue('reportingController', now.reportingComponent, before.reportingComponent);
  yield* immutableValue('reportingInstance', now.reportingInstance, before.reportingInstance);
}

export const Event = defineResource({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  scope: 'Namespaced',
  fields: {
    eventTime: microTime(2, { required: true, mayBeEmpty: true }),
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
  strategy: { createOnUpdate: true, validateCreate: validateNew },
  validate: [(event) => validateEvent(toStored(event))],
  validateUpdate: [validateEventUpdate],
  columns: eventColumnsOf<EventsV1Fields>(toStored),
  // By this version's names, read off the event as it is stored.
  selectableFields: Object.fromEntries(Object.entries(selectableEventFields).map(([name, of]) => [renamed(name), of as unknown as (event: EventsV1Fields) => string])),
  convertedFrom: {
    hub: () => CoreEvent,
    fromHub: (event) => fromStored(event as CoreEvent),
    toHub: (event) => ({ apiVersion: 'v1', kind: 'Event', ...toStored(event as KubeObject & EventsV1Fields) }),
  },
});
export interface Event extends Infer<typeof Event> {}
