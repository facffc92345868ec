import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { pointer } from '#apimachinery/schema.ts';
import { DeleteOptions } from '#apimachinery/meta-types.ts';

export const Eviction = defineResource({
  group: 'policy',
  version: 'v1',
  kind: 'Eviction',
  plural: 'evictions',
  scope: 'Namespaced',
  verbs: [],
  fields: {
    deleteOptions: pointer(2, DeleteOptions),
  },
});
export interface Eviction extends Infer<typeof Eviction> {}
