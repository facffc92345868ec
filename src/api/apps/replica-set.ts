import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column, defineResource, scale, status } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, int64, list, object, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import { PodTemplateSpec } from '../core/pod-template.ts';
import { defaultPodSpec } from '../core/pod-defaults.ts';
import { workloadWarnings } from '../core/pod-warnings.ts';
import { validateReplicaCounts } from '../core/replica-counts.ts';
import { containersColumn, imagesColumn, selectorColumn } from '../core/template-columns.ts';
import { validateWorkload } from '../core/validate-template.ts';

export const ReplicaSetSpec = struct('io.k8s.api.apps.v1.ReplicaSetSpec', {
  replicas: int32(1, { pointer: true, default: 1, min: 0 }),
  minReadySeconds: int32(4, { min: 0 }),
  selector: pointer(2, LabelSelector, { required: true }),
  template: object(3, PodTemplateSpec),
});
export interface ReplicaSetSpec extends Infer<typeof ReplicaSetSpec> {}

export const ReplicaSetCondition = struct('io.k8s.api.apps.v1.ReplicaSetCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface ReplicaSetCondition extends Infer<typeof ReplicaSetCondition> {}

export const ReplicaSetStatus = struct('io.k8s.api.apps.v1.ReplicaSetStatus', {
  replicas: int32(1, { required: true }),
  fullyLabeledReplicas: int32(2),
  readyReplicas: int32(4),
  availableReplicas: int32(5),
  terminatingReplicas: int32(7, { pointer: true }),
  observedGeneration: int64(3),
  conditions: list(6, ReplicaSetCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface ReplicaSetStatus extends Infer<typeof ReplicaSetStatus> {}

type Parted = Parts<ReplicaSetSpec, ReplicaSetStatus>;

export const ReplicaSet = defineResource({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  scope: 'Namespaced',
  fields: {
    spec: object(2, ReplicaSetSpec),
    status: object(3, ReplicaSetStatus),
  },
  subresources: [scale({ replicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' }), status()],
  strategy: { warnings: workloadWarnings },
  defaults: ({ spec }) => defaultPodSpec(spec.template.spec),
  validate: [validateWorkload],
  validateUpdate: [immutableFields('spec.selector')],
  validateStatusUpdate: [validateReplicaCounts],
  columns: [
    nameColumn,
    column<Parted>('Desired', ({ spec }) => spec.replicas ?? 1, { type: 'integer' }),
    column<Parted>('Current', ({ status: now }) => now.replicas, { type: 'integer' }),
    column<Parted>('Ready', ({ status: now }) => now.readyReplicas ?? 0, { type: 'integer' }),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
  selectableFields: { 'status.replicas': ({ status: now }) => String(now.replicas) },
});
export interface ReplicaSet extends Infer<typeof ReplicaSet> {}
