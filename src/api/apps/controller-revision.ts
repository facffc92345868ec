import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { required } from '#apimachinery/field-error.ts';
import type { ObjectMeta } from '#apimachinery/object-meta.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int64, raw } from '#apimachinery/schema.ts';

interface Revision {
  readonly metadata: ObjectMeta;
  readonly revision: number;
}

function* validateData({ data }: { readonly data?: unknown }): Iterable<FieldError> {
  if (data === undefined) yield required('data', 'data is mandatory');
}

/** `deployment.apps/web`. */
function showController({ metadata }: Revision): string {
  const owner = metadata.ownerReferences?.find((each) => each.controller === true);
  if (owner === undefined) return '<none>';
  const [group, version] = owner.apiVersion.split('/');
  const kind = owner.kind.toLowerCase();
  return `${version === undefined ? kind : `${kind}.${group ?? ''}`}/${owner.name}`;
}

export const ControllerRevision = defineResource({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  scope: 'Namespaced',
  fields: {
    data: raw(2),
    revision: int64(3, { required: true, min: 0 }),
  },
  validate: [validateData],
  validateUpdate: [immutableFields('data')],
  columns: [nameColumn, column<Revision>('Controller', showController), column<Revision>('Revision', ({ revision }) => revision), ageColumn],
});
export interface ControllerRevision extends Infer<typeof ControllerRevision> {}
