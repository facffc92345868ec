import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, map } from '#apimachinery/schema.ts';

export const ConfigMap = defineResource({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  scope: 'Namespaced',
  fields: {
    immutable: bool(4, { pointer: true }),
    data: map(2, 'string'),
    binaryData: map(3, 'bytes'),
  },
});
export interface ConfigMap extends Infer<typeof ConfigMap> {}
