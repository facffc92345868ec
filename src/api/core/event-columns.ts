/** How `kubectl get events` shows an event. Source: behaviour of Kubernetes' event printer. */
import { age } from '#apimachinery/age.ts';
import type { Column } from '#apimachinery/resource.ts';
import { column } from '#apimachinery/resource.ts';
import type { EventFields } from './event-rules.ts';

export const eventColumns = eventColumnsOf<EventFields>((event) => event);

/** The columns for a version of the kind, given how it becomes the stored one. */
export function eventColumnsOf<T>(stored: (event: T) => EventFields): readonly Column<T>[] {
  return [
    column<T>('Last Seen', (event, nowMs) => lastSeen(stored(event), nowMs)),
    column<T>('Type', (event) => stored(event).type ?? ''),
    column<T>('Reason', (event) => stored(event).reason ?? ''),
    column<T>('Object', (event) => showObject(stored(event))),
    column<T>('Subobject', (event) => stored(event).involvedObject.fieldPath ?? '', { wide: true }),
    column<T>('Source', (event) => showSource(stored(event)), { wide: true }),
    column<T>('Message', (event) => (stored(event).message ?? '').trim()),
    column<T>('First Seen', (event, nowMs) => firstSeen(stored(event), nowMs), { wide: true }),
    column<T>('Count', (event) => String(countOf(stored(event))), { wide: true }),
    column<T>('Name', (event) => stored(event).metadata.name, { format: 'name', wide: true }),
  ];
}

function firstSeen(event: EventFields, nowMs: number): string {
  return age(event.firstTimestamp ?? event.eventTime, nowMs);
}

function lastSeen(event: EventFields, nowMs: number): string {
  if (event.series !== undefined) return age(event.series.lastObservedTime, nowMs);
  return event.lastTimestamp === undefined || event.lastTimestamp === null ? firstSeen(event, nowMs) : age(event.lastTimestamp, nowMs);
}

function countOf(event: EventFields): number {
  if (event.series !== undefined) return event.series.count ?? 0;
  return event.count ?? 1;
}

function showObject({ involvedObject: { kind = '', name = '' } }: EventFields): string {
  return name === '' ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`;
}

function showSource({ source, reportingComponent = '', reportingInstance = '' }: EventFields): string {
  const component = source.component ?? reportingComponent;
  const host = source.component === undefined ? reportingInstance : (source.host ?? '');
  return host === '' ? component : `${component}, ${host}`;
}
