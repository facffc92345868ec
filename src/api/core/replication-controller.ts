import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, required } from '#apimachinery/field-error.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { column, defineResource, scale, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, int64, list, map, object, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { matchesLabels, selectorFromMap } from '#apimachinery/selector.ts';
import { defaultPodSpec } from './pod-defaults.ts';
import { PodTemplateSpec } from './pod-template.ts';
import { workloadWarnings } from './pod-warnings.ts';
import { validateReplicaCounts } from './replica-counts.ts';
import { containersColumn, imagesColumn, mapSelectorColumn } from './template-columns.ts';
import { validateRunsForEver, validateTemplate } from './validate-template.ts';

export const ReplicationControllerSpec = struct('io.k8s.api.core.v1.ReplicationControllerSpec', {
  replicas: int32(1, { pointer: true, default: 1, published: true, min: 0 }),
  minReadySeconds: int32(4, { default: 0, published: true, min: 0 }),
  selector: map(2, 'string', { atomic: true }),
  template: pointer(3, PodTemplateSpec),
});
export interface ReplicationControllerSpec extends Infer<typeof ReplicationControllerSpec> {}

export const ReplicationControllerCondition = struct('io.k8s.api.core.v1.ReplicationControllerCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface ReplicationControllerCondition extends Infer<typeof ReplicationControllerCondition> {}

export const ReplicationControllerStatus = struct('io.k8s.api.core.v1.ReplicationControllerStatus', {
  replicas: int32(1, { required: true }),
  fullyLabeledReplicas: int32(2),
  readyReplicas: int32(4),
  availableReplicas: int32(5),
  observedGeneration: int64(3),
  conditions: list(6, ReplicationControllerCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface ReplicationControllerStatus extends Infer<typeof ReplicationControllerStatus> {}

type Parted = Parts<ReplicationControllerSpec, ReplicationControllerStatus>;

/** Selector and labels left out are those of the template. */
function defaultController({ metadata, spec }: Draft<Parted>): void {
  if (spec.template === undefined) return;
  defaultPodSpec(spec.template.spec);
  const { labels } = spec.template.metadata;
  if (labels === undefined) return;
  spec.selector ??= { ...labels };
  metadata.labels ??= { ...labels };
}

function* validateController({ spec: { selector = {}, template } }: Parted): Iterable<FieldError> {
  if (Object.keys(selector).length === 0) yield required('spec.selector');
  if (template === undefined) {
    yield required('spec.template');
    return;
  }
  if (Object.keys(selector).length > 0 && !matchesLabels(selectorFromMap(selector), template.metadata.labels)) {
    yield invalidValue('spec.template.metadata.labels', template.metadata.labels ?? {}, '`selector` does not match template `labels`');
  }
  yield* validateTemplate(template);
  yield* validateRunsForEver(template, 'ReplicationController');
}

export const ReplicationController = defineResource({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  shortNames: ['rc'],
  categories: ['all'],
  scope: 'Namespaced',
  storePrefix: 'controllers',
  fields: {
    spec: object(2, ReplicationControllerSpec),
    status: object(3, ReplicationControllerStatus),
  },
  subresources: [scale({ replicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' }), status()],
  defaults: defaultController,
  strategy: { warnings: workloadWarnings },
  validate: [validateController],
  validateStatusUpdate: [validateReplicaCounts],
  columns: [
    nameColumn,
    column<Parted>('Desired', ({ spec }) => spec.replicas ?? 1, { type: 'integer' }),
    column<Parted>('Current', ({ status: now }) => now.replicas, { type: 'integer' }),
    column<Parted>('Ready', ({ status: now }) => now.readyReplicas ?? 0, { type: 'integer' }),
    ageColumn,
    containersColumn,
    imagesColumn,
    mapSelectorColumn,
  ],
  selectableFields: { 'status.replicas': ({ status: now }) => String(now.replicas) },
});
export interface ReplicationController extends Infer<typeof ReplicationController> {}
