/** What both versions of Event share. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, required } from '#apimachinery/field-error.ts';
import { byteLength, qualifiedName } from '#apimachinery/names.ts';
import type { EventSeries, EventSource } from './event.ts';
import type { ObjectReference } from './references.ts';

/** An event as it is stored, by its fields. */
export interface EventFields {
  readonly metadata: { readonly name: string; readonly namespace?: string | undefined };
  readonly involvedObject: ObjectReference;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly source: EventSource;
  readonly firstTimestamp?: string | null | undefined;
  readonly lastTimestamp?: string | null | undefined;
  readonly count?: number | undefined;
  readonly type?: string | undefined;
  readonly eventTime?: string | null | undefined;
  readonly series?: EventSeries | undefined;
  readonly action?: string | undefined;
  readonly related?: ObjectReference | undefined;
  readonly reportingComponent?: string | undefined;
  readonly reportingInstance?: string | undefined;
}

/** Texts of an event have their limits, in bytes. */
const limits = { reportingInstance: 128, action: 128, reason: 128, message: 1024 } as const;

/** What holds for events of both styles. Those with a time of their own say who reports them and what was done. */
export function* validateEvent(event: EventFields): Iterable<FieldError> {
  const { eventTime = null, involvedObject, metadata } = event;
  const about = involvedObject.namespace ?? '';
  const namespace = metadata.namespace ?? '';
  const astray = invalidValue('involvedObject.namespace', about, 'does not match event.namespace');
  if (eventTime === null) {
    // Events about objects without a namespace are in `default`, all others beside their object.
    if (about === '' ? namespace !== '' && namespace !== 'default' : about !== namespace) yield astray;
    return;
  }
  if (about === '' && namespace !== 'default' && namespace !== 'kube-system') yield astray;
  const controller = event.reportingComponent ?? '';
  if (controller === '') yield required('reportingController');
  for (const message of qualifiedName(controller)) yield invalidValue('reportingController', controller, message);
  for (const key of ['reportingInstance', 'action', 'reason', 'message'] as const) {
    const text = event[key] ?? '';
    if (key !== 'message' && text === '') yield required(key);
    if (byteLength(text) > limits[key]) yield invalidValue(key, '', `can have at most ${limits[key]} characters`);
  }
}

/** Fields that selectors may name. */
export const selectableEventFields: Readonly<Record<string, (event: EventFields) => string>> = {
  'involvedObject.kind': (event) => event.involvedObject.kind ?? '',
  'involvedObject.namespace': (event) => event.involvedObject.namespace ?? '',
  'involvedObject.name': (event) => event.involvedObject.name ?? '',
  'involvedObject.uid': (event) => event.involvedObject.uid ?? '',
  'involvedObject.apiVersion': (event) => event.involvedObject.apiVersion ?? '',
  'involvedObject.resourceVersion': (event) => event.involvedObject.resourceVersion ?? '',
  'involvedObject.fieldPath': (event) => event.involvedObject.fieldPath ?? '',
  reason: (event) => event.reason ?? '',
  reportingComponent: (event) => event.reportingComponent ?? '',
  source: (event) => event.source.component ?? event.reportingComponent ?? '',
  type: (event) => event.type ?? '',
};
