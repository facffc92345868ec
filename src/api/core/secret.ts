import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, map, string } from '#apimachinery/schema.ts';

export const Secret = defineResource({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  scope: 'Namespaced',
  fields: {
    immutable: bool(5, { pointer: true }),
    data: map(2, 'bytes'),
    stringData: map(4, 'string'),
    type: string(3),
  },
});
export interface Secret extends Infer<typeof Secret> {}
