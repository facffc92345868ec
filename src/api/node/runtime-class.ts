import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import { dns1123Label, validateLabels } from '#apimachinery/names.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, map, pointer, string, struct } from '#apimachinery/schema.ts';
import { warnOfNodeLabels } from '../core/node-label-warnings.ts';
import { Toleration } from '../core/scheduling.ts';
import { validateResources } from '../core/validate-resources.ts';
import { validateTolerations } from '../core/validate-scheduling.ts';

export const Overhead = struct('io.k8s.api.node.v1.Overhead', {
  podFixed: map(1, 'quantity'),
});
export interface Overhead extends Infer<typeof Overhead> {}

export const Scheduling = struct('io.k8s.api.node.v1.Scheduling', {
  nodeSelector: map(1, 'string', { atomic: true }),
  tolerations: list(2, Toleration, { listType: 'atomic' }),
});
export interface Scheduling extends Infer<typeof Scheduling> {}

interface Class {
  readonly handler: string;
  readonly overhead?: Overhead | undefined;
  readonly scheduling?: Scheduling | undefined;
}

function* validateClass({ handler, overhead, scheduling }: Class): Iterable<FieldError> {
  for (const message of dns1123Label(handler)) yield invalidValue('handler', handler, message);
  if (overhead !== undefined) yield* validateResources({ limits: overhead.podFixed }, 'overhead');
  yield* validateLabels(scheduling?.nodeSelector ?? {}, 'scheduling.nodeSelector');
  yield* validateTolerations(scheduling?.tolerations ?? [], 'scheduling.tolerations');
}

export const RuntimeClass = defineResource({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  scope: 'Cluster',
  fields: {
    handler: string(2, { required: true, mayBeEmpty: true }),
    overhead: pointer(3, Overhead),
    scheduling: pointer(4, Scheduling),
  },
  strategy: { needsResourceVersion: true, warnings: ({ scheduling }) => warnOfNodeLabels(scheduling?.nodeSelector, () => 'scheduling.nodeSelector') },
  validate: [validateClass],
  validateUpdate: [immutableFields('handler')],
  columns: [nameColumn, column<Class>('Handler', ({ handler }) => handler), ageColumn],
});
export interface RuntimeClass extends Infer<typeof RuntimeClass> {}
