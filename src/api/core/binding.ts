import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { object } from '#apimachinery/schema.ts';
import { ObjectReference } from './references.ts';

export const Binding = defineResource({
  group: '',
  version: 'v1',
  kind: 'Binding',
  plural: 'bindings',
  scope: 'Namespaced',
  verbs: ['create'],
  fields: {
    target: object(2, ObjectReference, { required: true }),
  },
});
export interface Binding extends Infer<typeof Binding> {}
