import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int64, raw } from '#apimachinery/schema.ts';

export const ControllerRevision = defineResource({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  scope: 'Namespaced',
  fields: {
    data: raw(2),
    revision: int64(3, { required: true }),
  },
});
export interface ControllerRevision extends Infer<typeof ControllerRevision> {}
