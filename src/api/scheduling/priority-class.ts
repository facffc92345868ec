import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, oneOf, string } from '#apimachinery/schema.ts';

export const PriorityClass = defineResource({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  scope: 'Cluster',
  fields: {
    value: int32(2, { always: true }),
    globalDefault: bool(3),
    description: string(4),
    preemptionPolicy: oneOf(5, ['PreemptLowerPriority', 'Never'], { pointer: true }),
  },
});
export interface PriorityClass extends Infer<typeof PriorityClass> {}
