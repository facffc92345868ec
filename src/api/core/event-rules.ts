/** What both versions of Event share. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
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

/** Events about objects without a namespace are in `default`, all others beside their object. */
export function* validateEventPlace({ metadata, involvedObject }: EventFields): Iterable<FieldError> {
  const about = involvedObject.namespace ?? '';
  const namespace = metadata.namespace ?? '';
  if (about === namespace) return;
  if (about === '' && (namespace === 'default' || namespace === 'kube-system')) return;
  yield invalidValue('involvedObject.namespace', about, 'does not match event.namespace');
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
