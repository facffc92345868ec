import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue } from '#apimachinery/field-error.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import type { TemplateMeta } from '#apimachinery/object-meta.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { column, defineResource, scale, status } from '#apimachinery/resource.ts';
import { atMostAll, scaledValue, validateIntOrPercent } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, int64, intOrString, list, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { PersistentVolumeClaim } from '../core/persistent-volume-claim.ts';
import { defaultPodSpec } from '../core/pod-defaults.ts';
import { PodTemplateSpec } from '../core/pod-template.ts';
import { workloadWarnings } from '../core/pod-warnings.ts';
import { validateAvailable, validateCollisions, validateCounts } from '../core/replica-counts.ts';
import { containersColumn, imagesColumn } from '../core/template-columns.ts';
import { validateRunsForEver, validateSelectorOf, validateTemplate } from '../core/validate-template.ts';
import { warnOfClaimSpec } from '../core/volume-warnings.ts';

export const RollingUpdateStatefulSetStrategy = struct('io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy', {
  partition: int32(1, { pointer: true, default: 0, min: 0 }),
  maxUnavailable: intOrString(2, { pointer: true }),
});
export interface RollingUpdateStatefulSetStrategy extends Infer<typeof RollingUpdateStatefulSetStrategy> {}

export const StatefulSetUpdateStrategy = struct('io.k8s.api.apps.v1.StatefulSetUpdateStrategy', {
  type: oneOf(1, ['OnDelete', 'RollingUpdate'], { default: 'RollingUpdate', worded: true }),
  rollingUpdate: pointer(2, RollingUpdateStatefulSetStrategy),
});
export interface StatefulSetUpdateStrategy extends Infer<typeof StatefulSetUpdateStrategy> {}

export const StatefulSetPersistentVolumeClaimRetentionPolicy = struct('io.k8s.api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy', {
  whenDeleted: oneOf(1, ['Retain', 'Delete'], { default: 'Retain' }),
  whenScaled: oneOf(2, ['Retain', 'Delete'], { default: 'Retain' }),
});
export interface StatefulSetPersistentVolumeClaimRetentionPolicy extends Infer<typeof StatefulSetPersistentVolumeClaimRetentionPolicy> {}

export const StatefulSetOrdinals = struct('io.k8s.api.apps.v1.StatefulSetOrdinals', {
  start: int32(1, { always: true, min: 0 }),
});
export interface StatefulSetOrdinals extends Infer<typeof StatefulSetOrdinals> {}

export const StatefulSetSpec = struct('io.k8s.api.apps.v1.StatefulSetSpec', {
  replicas: int32(1, { pointer: true, default: 1, min: 0 }),
  selector: pointer(2, LabelSelector, { required: true }),
  template: object(3, PodTemplateSpec, { required: true }),
  volumeClaimTemplates: list(4, PersistentVolumeClaim, { listType: 'atomic' }),
  serviceName: string(5, { always: true }),
  podManagementPolicy: oneOf(6, ['OrderedReady', 'Parallel'], { default: 'OrderedReady', worded: true }),
  updateStrategy: object(7, StatefulSetUpdateStrategy),
  revisionHistoryLimit: int32(8, { pointer: true, default: 10 }),
  minReadySeconds: int32(9, { min: 0 }),
  persistentVolumeClaimRetentionPolicy: pointer(10, StatefulSetPersistentVolumeClaimRetentionPolicy, { default: {} }),
  ordinals: pointer(11, StatefulSetOrdinals),
});
export interface StatefulSetSpec extends Infer<typeof StatefulSetSpec> {}

export const StatefulSetCondition = struct('io.k8s.api.apps.v1.StatefulSetCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface StatefulSetCondition extends Infer<typeof StatefulSetCondition> {}

export const StatefulSetStatus = struct('io.k8s.api.apps.v1.StatefulSetStatus', {
  observedGeneration: int64(1),
  replicas: int32(2, { required: true }),
  readyReplicas: int32(3),
  currentReplicas: int32(4),
  updatedReplicas: int32(5),
  currentRevision: string(6),
  updateRevision: string(7),
  collisionCount: int32(9, { pointer: true }),
  conditions: list(10, StatefulSetCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
  availableReplicas: int32(11, { always: true }),
});
export interface StatefulSetStatus extends Infer<typeof StatefulSetStatus> {}

type Parted = Parts<StatefulSetSpec, StatefulSetStatus>;

function defaultStatefulSet({ spec }: Draft<Parted>): void {
  defaultPodSpec(spec.template.spec);
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.partition ??= 0;
  }
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion ||= 'v1';
    claim.kind ||= 'PersistentVolumeClaim';
  }
}

/** A claim template is no stored object: it may lack its name. */
function nameOf(metadata: TemplateMeta): string {
  return metadata.name ?? '';
}

function* validateStatefulSet({ spec }: Parted): Iterable<FieldError> {
  yield* validateSelectorOf(spec.selector, spec.template, 'statefulset');
  // Volumes made from the claim templates come on top of the template's own.
  const claims = (spec.volumeClaimTemplates ?? []).map(({ metadata }) => ({ name: nameOf(metadata), persistentVolumeClaim: { claimName: nameOf(metadata) } }));
  const volumes = [...(spec.template.spec.volumes ?? []).filter((volume) => !claims.some(({ name }) => name === volume.name)), ...claims];
  yield* validateTemplate({ ...spec.template, spec: { ...spec.template.spec, volumes } });
  yield* validateRunsForEver(spec.template, 'StatefulSet');
  yield* validateStrategy(spec);
}

function* validateStrategy({ podManagementPolicy, updateStrategy }: StatefulSetSpec): Iterable<FieldError> {
  if (podManagementPolicy !== 'OrderedReady' && podManagementPolicy !== 'Parallel') yield invalidValue('spec.podManagementPolicy', podManagementPolicy, "must be 'OrderedReady' or 'Parallel'");
  const { rollingUpdate, type } = updateStrategy;
  if (type !== 'OnDelete' && type !== 'RollingUpdate') yield invalidValue('spec.updateStrategy', updateStrategy, "must be 'RollingUpdate' or 'OnDelete'");
  if (type === 'OnDelete' && rollingUpdate !== undefined) yield invalidValue('spec.updateStrategy.rollingUpdate', rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'");
  const most = rollingUpdate?.maxUnavailable;
  if (type !== 'RollingUpdate' || most === undefined) return;
  const path = 'spec.updateStrategy.rollingUpdate.maxUnavailable';
  yield* validateIntOrPercent(path, most);
  if (scaledValue(most, 100, 'up') === 0) yield invalidValue(path, most, 'cannot be 0');
  yield* atMostAll(path, most);
}

function* validateSetStatus({ status: now }: Parted, { status: old }: Parted): Iterable<FieldError> {
  yield* validateCounts(now, ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas', 'observedGeneration']);
  yield* validateAvailable(now, ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'], 'status.readyReplicas');
  yield* validateCollisions(now.collisionCount, old.collisionCount);
}

/** Of the claims that come with the set's pods, too. */
function* setWarnings(set: Parted, old: Parted | undefined): Iterable<string> {
  yield* workloadWarnings(set, old);
  if (old === undefined || !saysTheSame(set.spec, old.spec)) {
    for (const [index, { spec }] of (set.spec.volumeClaimTemplates ?? []).entries()) yield* warnOfClaimSpec(spec, `spec.volumeClaimTemplates[${index}].spec`);
  }
  if ((set.spec.revisionHistoryLimit ?? 0) < 0) yield 'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended';
}

const changeable = ['replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy', 'minReadySeconds'] as const;

function* validateFixedSpec({ spec }: Parted, { spec: old }: Parted): Iterable<FieldError> {
  const before: Record<string, unknown> = { ...old };
  for (const key of changeable) before[key] = spec[key];
  if (saysTheSame(spec, before)) return;
  const names = changeable.map((key) => `'${key}'`);
  yield forbiddenField('spec', `updates to statefulset spec for fields other than ${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''} are forbidden`);
}

export const StatefulSet = defineResource({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  shortNames: ['sts'],
  categories: ['all'],
  scope: 'Namespaced',
  fields: {
    spec: object(2, StatefulSetSpec),
    status: object(3, StatefulSetStatus),
  },
  subresources: [scale({ replicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' }), status()],
  strategy: { name: 'dns-label', warnings: setWarnings },
  defaults: defaultStatefulSet,
  validate: [validateStatefulSet],
  validateUpdate: [validateFixedSpec],
  validateStatusUpdate: [validateSetStatus],
  columns: [
    nameColumn,
    column<Parted>('Ready', ({ spec, status: now }) => `${now.readyReplicas ?? 0}/${spec.replicas ?? 1}`),
    ageColumn,
    containersColumn,
    imagesColumn,
  ],
});
export interface StatefulSet extends Infer<typeof StatefulSet> {}
