import { defineResource, scale, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, int64, intOrString, list, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import { PodTemplateSpec } from '../core/pod-template.ts';

export const RollingUpdateDeployment = struct('io.k8s.api.apps.v1.RollingUpdateDeployment', {
  maxUnavailable: intOrString(1, { pointer: true }),
  maxSurge: intOrString(2, { pointer: true }),
});
export interface RollingUpdateDeployment extends Infer<typeof RollingUpdateDeployment> {}

export const DeploymentStrategy = struct('io.k8s.api.apps.v1.DeploymentStrategy', {
  type: oneOf(1, ['Recreate', 'RollingUpdate']),
  rollingUpdate: pointer(2, RollingUpdateDeployment),
});
export interface DeploymentStrategy extends Infer<typeof DeploymentStrategy> {}

export const DeploymentSpec = struct('io.k8s.api.apps.v1.DeploymentSpec', {
  replicas: int32(1, { pointer: true }),
  selector: pointer(2, LabelSelector, { required: true }),
  template: object(3, PodTemplateSpec, { required: true }),
  strategy: object(4, DeploymentStrategy, { patch: 'retainKeys' }),
  minReadySeconds: int32(5),
  revisionHistoryLimit: int32(6, { pointer: true }),
  paused: bool(7),
  progressDeadlineSeconds: int32(9, { pointer: true }),
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
});
export interface Deployment extends Infer<typeof Deployment> {}
