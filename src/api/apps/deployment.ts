import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported } from '#apimachinery/field-error.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { column, defineResource, scale, status } from '#apimachinery/resource.ts';
import { atMostAll, immutableFields, percentOf, validateIntOrPercent } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, int64, intOrString, list, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import { PodTemplateSpec } from '../core/pod-template.ts';
import { defaultPodSpec } from '../core/pod-defaults.ts';
import { workloadWarnings } from '../core/pod-warnings.ts';
import { validateAvailable, validateCollisions, validateCounts } from '../core/replica-counts.ts';
import { containersColumn, imagesColumn, selectorColumn } from '../core/template-columns.ts';
import { validateWorkload } from '../core/validate-template.ts';

export const RollingUpdateDeployment = struct('io.k8s.api.apps.v1.RollingUpdateDeployment', {
  maxUnavailable: intOrString(1, { pointer: true }),
  maxSurge: intOrString(2, { pointer: true }),
});
export interface RollingUpdateDeployment extends Infer<typeof RollingUpdateDeployment> {}

export const DeploymentStrategy = struct('io.k8s.api.apps.v1.DeploymentStrategy', {
  type: oneOf(1, ['Recreate', 'RollingUpdate'], { default: 'RollingUpdate', worded: true }),
  rollingUpdate: pointer(2, RollingUpdateDeployment),
});
export interface DeploymentStrategy extends Infer<typeof DeploymentStrategy> {}

export const DeploymentSpec = struct('io.k8s.api.apps.v1.DeploymentSpec', {
  replicas: int32(1, { pointer: true, default: 1, min: 0 }),
  selector: pointer(2, LabelSelector, { required: true }),
  template: object(3, PodTemplateSpec, { required: true }),
  strategy: object(4, DeploymentStrategy, { patch: 'retainKeys' }),
  minReadySeconds: int32(5, { min: 0 }),
  revisionHistoryLimit: int32(6, { pointer: true, default: 10, min: 0 }),
  paused: bool(7),
  progressDeadlineSeconds: int32(9, { pointer: true, default: 600, min: 0 }), // seconds
});
export interface DeploymentSpec extends Infer<typeof DeploymentSpec> {}

export const DeploymentCondition = struct('io.k8s.api.apps.v1.DeploymentCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastUpdateTime: time(6),
  lastTransitionTime: time(7),
  reason: string(4),
  message: string(5),
});
export interface DeploymentCondition extends Infer<typeof DeploymentCondition> {}

export const DeploymentStatus = struct('io.k8s.api.apps.v1.DeploymentStatus', {
  observedGeneration: int64(1),
  replicas: int32(2),
  updatedReplicas: int32(3),
  readyReplicas: int32(7),
  availableReplicas: int32(4),
  unavailableReplicas: int32(5),
  terminatingReplicas: int32(9, { pointer: true }),
  conditions: list(6, DeploymentCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
  collisionCount: int32(8, { pointer: true }),
});
export interface DeploymentStatus extends Infer<typeof DeploymentStatus> {}

type Parted = Parts<DeploymentSpec, DeploymentStatus>;

function defaultDeployment({ spec }: Draft<Parted>): void {
  defaultPodSpec(spec.template.spec);
  if (spec.strategy.type !== 'RollingUpdate') return;
  spec.strategy.rollingUpdate ??= {};
  spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
  spec.strategy.rollingUpdate.maxSurge ??= '25%';
}

function* validateDeadline({ spec }: Parted): Iterable<FieldError> {
  const { progressDeadlineSeconds, minReadySeconds = 0 } = spec;
  if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds) {
    yield invalidValue('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds');
  }
}

function* validateStrategy({ spec: { strategy } }: Parted): Iterable<FieldError> {
  const at = 'spec.strategy.rollingUpdate';
  const rolling = strategy.rollingUpdate;
  if (strategy.type !== 'Recreate' && strategy.type !== 'RollingUpdate') yield notSupported('spec.strategy', strategy, ['Recreate', 'RollingUpdate']);
  if (strategy.type === 'Recreate' && rolling !== undefined) yield forbiddenField(at, "may not be specified when strategy `type` is 'Recreate'");
  if (strategy.type !== 'RollingUpdate' || rolling === undefined) return;
  const { maxUnavailable = 0, maxSurge = 0 } = rolling;
  yield* validateIntOrPercent(`${at}.maxUnavailable`, maxUnavailable);
  yield* validateIntOrPercent(`${at}.maxSurge`, maxSurge);
  if (isNone(maxUnavailable) && isNone(maxSurge)) yield invalidValue(`${at}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0');
  yield* atMostAll(`${at}.maxUnavailable`, maxUnavailable);
}

function isNone(amount: number | string): boolean {
  return typeof amount === 'number' ? amount === 0 : percentOf(amount) === 0;
}

function* validateDeploymentStatus({ status: now }: Parted, { status: old }: Parted): Iterable<FieldError> {
  yield* validateCounts(now, ['observedGeneration', 'replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'unavailableReplicas', 'terminatingReplicas']);
  yield* validateAvailable(now, ['updatedReplicas', 'readyReplicas', 'availableReplicas'], 'readyReplicas');
  yield* validateCollisions(now.collisionCount, old.collisionCount);
}

export const Deployment = defineResource({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  scope: 'Namespaced',
  fields: {
    spec: object(2, DeploymentSpec),
    status: object(3, DeploymentStatus),
  },
  subresources: [scale({ replicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' }), status()],
  strategy: {
    warnings: workloadWarnings,
    // Annotations go down to the replica sets.
    prepareForUpdate({ metadata }, { metadata: old }) {
      if (!saysTheSame(metadata.annotations ?? {}, old.annotations ?? {})) metadata.generation = (old.generation ?? 0) + 1;
    },
    prepareForStatusUpdate({ metadata }, { metadata: old }) {
      if (old.labels === undefined) delete metadata.labels;
      else metadata.labels = { ...old.labels };
    },
  },
  defaults: defaultDeployment,
  validate: [validateWorkload, validateDeadline, validateStrategy],
  validateUpdate: [immutableFields('spec.selector')],
  validateStatusUpdate: [validateDeploymentStatus],
  columns: [
    nameColumn,
    column<Parted>('Ready', ({ spec, status: now }) => `${now.readyReplicas ?? 0}/${spec.replicas ?? 1}`),
    column<Parted>('Up-to-date', ({ status: now }) => now.updatedReplicas ?? 0),
    column<Parted>('Available', ({ status: now }) => now.availableReplicas ?? 0),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
});
export interface Deployment extends Infer<typeof Deployment> {}
