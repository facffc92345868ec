import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { FieldQuery, LabelQuery } from '#apimachinery/selector.ts';
import { everyField, everything, matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector, requiredField } from '#apimachinery/selector.ts';
import { badRequest } from '#apimachinery/status-error.ts';
import type { ApiCall } from '../request/api-call.ts';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import { hubOf, takesTime, toServed } from './served.ts';

/** Which objects of a resource a list, watch or deletecollection is about. */
export interface Selection {
  readonly selectsAll: boolean;
  /** The one name that can match, when the field selector says so. */
  readonly name: string | undefined;
  readonly fields: FieldQuery;
  matches(cached: CachedObject): boolean;
}

/**
 * The kind whose fields can be selected by: every version of a custom kind has its own; one of a built-in kind may have
 * names of its own for what is read off the hub's objects.
 */
export function selectingKind(served: ResourceKind): ResourceKind {
  return served.isCustom === true || Object.keys(served.selectableFields).length > 0 ? served : hubOf(served);
}

/**
 * Reads labelSelector, fieldSelector and a name in the path. Throws a 400 for what cannot be selected by. Where conversion
 * takes time, objects must be `ready` before they are matched.
 */
export function selectionOf(served: ResourceKind, call: ApiCall): Selection {
  const kind = selectingKind(served);
  const labelText = call.query['labelSelector'] ?? '';
  const fieldText = call.query['fieldSelector'] ?? '';
  const { name } = call.info;
  if (labelText === '' && fieldText === '' && name === '') {
    return { selectsAll: true, name: undefined, fields: everyField, matches: () => true };
  }
  const labels: LabelQuery = labelText === '' ? everything : parseLabelSelector(labelText);
  const fields: FieldQuery = fieldText === '' ? everyField : parseFieldSelector(fieldText);
  for (const { field } of fields.terms) {
    if (!isSelectable(kind, field)) throw badRequest(`field label not supported: ${field}`);
  }
  const shown = (object: KubeObject): KubeObject => (takesTime(served) ? toServed(served, object) : object);
  const only = name !== '' ? name : requiredField(fields, 'metadata.name');
  return {
    selectsAll: false,
    name: only,
    fields,
    matches(cached) {
      const { object } = cached;
      if (name !== '' && object.metadata.name !== name) return false;
      return matchesLabels(labels, object.metadata.labels) && (fieldText === '' || matchesFields(fields, (field) => fieldOf(kind, shown(object), field)));
    },
  };
}

function isSelectable(kind: ResourceKind, field: string): boolean {
  return field === 'metadata.name' || (field === 'metadata.namespace' && kind.scope === 'Namespaced') || field in kind.selectableFields;
}

/** A field as field selectors see it; '' when it is not set. */
export function fieldOf(kind: ResourceKind, object: KubeObject, field: string): string {
  if (field === 'metadata.name') return object.metadata.name;
  if (field === 'metadata.namespace') return object.metadata.namespace ?? '';
  const read = kind.selectableFields[field] as ((object: KubeObject) => string) | undefined;
  return read?.(object) ?? '';
}
