import { ageColumn, formatLabels, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import { atMostAll, immutableFields, scaledValue, validateIntOrPercent } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, int64, intOrString, list, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { defaultPodSpec } from '../core/pod-defaults.ts';
import { PodTemplateSpec } from '../core/pod-template.ts';
import { templateWarnings } from '../core/pod-warnings.ts';
import { validateCollisions, validateCounts } from '../core/replica-counts.ts';
import { containersColumn, imagesColumn, selectorColumn } from '../core/template-columns.ts';
import { validateRunsForEver, validateSelectorOf, validateTemplate } from '../core/validate-template.ts';

export const RollingUpdateDaemonSet = struct('io.k8s.api.apps.v1.RollingUpdateDaemonSet', {
  maxUnavailable: intOrString(1, { pointer: true }),
  maxSurge: intOrString(2, { pointer: true }),
});
export interface RollingUpdateDaemonSet extends Infer<typeof RollingUpdateDaemonSet> {}

export const DaemonSetUpdateStrategy = struct('io.k8s.api.apps.v1.DaemonSetUpdateStrategy', {
  type: oneOf(1, ['OnDelete', 'RollingUpdate'], { default: 'RollingUpdate', worded: true }),
  rollingUpdate: pointer(2, RollingUpdateDaemonSet),
});
export interface DaemonSetUpdateStrategy extends Infer<typeof DaemonSetUpdateStrategy> {}

export const DaemonSetSpec = struct('io.k8s.api.apps.v1.DaemonSetSpec', {
  selector: pointer(1, LabelSelector, { required: true }),
  template: object(2, PodTemplateSpec, { required: true }),
  updateStrategy: object(3, DaemonSetUpdateStrategy),
  minReadySeconds: int32(4, { min: 0 }),
  revisionHistoryLimit: int32(6, { pointer: true, default: 10, min: 0 }),
});
export interface DaemonSetSpec extends Infer<typeof DaemonSetSpec> {}

export const DaemonSetCondition = struct('io.k8s.api.apps.v1.DaemonSetCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface DaemonSetCondition extends Infer<typeof DaemonSetCondition> {}

export const DaemonSetStatus = struct('io.k8s.api.apps.v1.DaemonSetStatus', {
  currentNumberScheduled: int32(1, { required: true }),
  numberMisscheduled: int32(2, { required: true }),
  desiredNumberScheduled: int32(3, { required: true }),
  numberReady: int32(4, { required: true }),
  observedGeneration: int64(5),
  updatedNumberScheduled: int32(6),
  numberAvailable: int32(7),
  numberUnavailable: int32(8),
  collisionCount: int32(9, { pointer: true }),
  conditions: list(10, DaemonSetCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface DaemonSetStatus extends Infer<typeof DaemonSetStatus> {}

type Parted = Parts<DaemonSetSpec, DaemonSetStatus>;

function defaultDaemonSet({ spec }: Draft<Parted>): void {
  defaultPodSpec(spec.template.spec);
  if (spec.updateStrategy.type !== 'RollingUpdate') return;
  spec.updateStrategy.rollingUpdate ??= {};
  spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
  spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
}

function* validateDaemonSet({ spec }: Parted): Iterable<FieldError> {
  yield* validateSelectorOf(spec.selector, spec.template, 'daemonset');
  yield* validateTemplate(spec.template);
  yield* validateRunsForEver(spec.template, 'DaemonSet');
  const { type } = spec.updateStrategy;
  if (type !== 'OnDelete' && type !== 'RollingUpdate') yield notSupported('spec.updateStrategy', spec.updateStrategy, ['RollingUpdate', 'OnDelete']);
  const rolling = spec.updateStrategy.rollingUpdate;
  if (type !== 'RollingUpdate' || rolling === undefined) return;
  const at = 'spec.updateStrategy.rollingUpdate';
  const { maxSurge = 0, maxUnavailable = 0 } = rolling;
  yield* validateIntOrPercent(`${at}.maxUnavailable`, maxUnavailable);
  yield* validateIntOrPercent(`${at}.maxSurge`, maxSurge);
  yield* atMostAll(`${at}.maxUnavailable`, maxUnavailable);
  yield* atMostAll(`${at}.maxSurge`, maxSurge);
  const surges = scaledValue(maxSurge, 100, 'up') > 0;
  const lacks = scaledValue(maxUnavailable, 100, 'up') > 0;
  if (surges && lacks) yield invalidValue(`${at}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero');
  if (!surges && !lacks) yield required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0');
}

function* validateSetStatus({ status: now }: Parted, { status: old }: Parted): Iterable<FieldError> {
  yield* validateCounts(now, [
    'currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady', 'observedGeneration', 'updatedNumberScheduled', 'numberAvailable', 'numberUnavailable',
  ]);
  yield* validateCollisions(now.collisionCount, old.collisionCount);
}

export const DaemonSet = defineResource({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  shortNames: ['ds'],
  categories: ['all'],
  scope: 'Namespaced',
  fields: {
    spec: object(2, DaemonSetSpec),
    status: object(3, DaemonSetStatus),
  },
  subresources: [status()],
  strategy: { warnings: templateWarnings },
  defaults: defaultDaemonSet,
  validate: [validateDaemonSet],
  validateUpdate: [immutableFields('spec.selector')],
  validateStatusUpdate: [validateSetStatus],
  columns: [
    nameColumn,
    column<Parted>('Desired', ({ status: now }) => now.desiredNumberScheduled, { type: 'integer' }),
    column<Parted>('Current', ({ status: now }) => now.currentNumberScheduled, { type: 'integer' }),
    column<Parted>('Ready', ({ status: now }) => now.numberReady, { type: 'integer' }),
    column<Parted>('Up-to-date', ({ status: now }) => now.updatedNumberScheduled ?? 0, { type: 'integer' }),
    column<Parted>('Available', ({ status: now }) => now.numberAvailable ?? 0, { type: 'integer' }),
    column<Parted>('Node Selector', ({ spec }) => formatLabels(spec.template.spec.nodeSelector)),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
});
export interface DaemonSet extends Infer<typeof DaemonSet> {}
