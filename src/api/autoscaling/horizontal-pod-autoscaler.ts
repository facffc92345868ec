import { LabelSelector } from '#apimachinery/label-selector.ts';
import { defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, int64, list, object, pointer, quantity, string, struct, time } from '#apimachinery/schema.ts';
import { autoscalerColumns } from './autoscaler-columns.ts';
import { defaultAutoscaler, validateAutoscaler, validateAutoscalerStatus } from './autoscaler-rules.ts';

export const CrossVersionObjectReference = struct('io.k8s.api.autoscaling.v2.CrossVersionObjectReference', {
  kind: string(1, { required: true }),
  name: string(2, { required: true }),
  apiVersion: string(3),
});
export interface CrossVersionObjectReference extends Infer<typeof CrossVersionObjectReference> {}

export const MetricTarget = struct('io.k8s.api.autoscaling.v2.MetricTarget', {
  type: string(1, { required: true }),
  value: quantity(2, { pointer: true }),
  averageValue: quantity(3, { pointer: true }),
  averageUtilization: int32(4, { pointer: true }),
});
export interface MetricTarget extends Infer<typeof MetricTarget> {}

export const MetricIdentifier = struct('io.k8s.api.autoscaling.v2.MetricIdentifier', {
  name: string(1, { required: true }),
  selector: pointer(2, LabelSelector),
});
export interface MetricIdentifier extends Infer<typeof MetricIdentifier> {}

export const ObjectMetricSource = struct('io.k8s.api.autoscaling.v2.ObjectMetricSource', {
  describedObject: object(1, CrossVersionObjectReference, { required: true }),
  target: object(2, MetricTarget, { required: true }),
  metric: object(3, MetricIdentifier, { required: true }),
});
export interface ObjectMetricSource extends Infer<typeof ObjectMetricSource> {}

export const PodsMetricSource = struct('io.k8s.api.autoscaling.v2.PodsMetricSource', {
  metric: object(1, MetricIdentifier, { required: true }),
  target: object(2, MetricTarget, { required: true }),
});
export interface PodsMetricSource extends Infer<typeof PodsMetricSource> {}

export const ResourceMetricSource = struct('io.k8s.api.autoscaling.v2.ResourceMetricSource', {
  name: string(1, { required: true }),
  target: object(2, MetricTarget, { required: true }),
});
export interface ResourceMetricSource extends Infer<typeof ResourceMetricSource> {}

export const ContainerResourceMetricSource = struct('io.k8s.api.autoscaling.v2.ContainerResourceMetricSource', {
  name: string(1, { required: true }),
  target: object(2, MetricTarget, { required: true }),
  container: string(3, { required: true }),
});
export interface ContainerResourceMetricSource extends Infer<typeof ContainerResourceMetricSource> {}

export const ExternalMetricSource = struct('io.k8s.api.autoscaling.v2.ExternalMetricSource', {
  metric: object(1, MetricIdentifier, { required: true }),
  target: object(2, MetricTarget, { required: true }),
});
export interface ExternalMetricSource extends Infer<typeof ExternalMetricSource> {}

export const MetricSpec = struct('io.k8s.api.autoscaling.v2.MetricSpec', {
  type: string(1, { required: true }),
  object: pointer(2, ObjectMetricSource),
  pods: pointer(3, PodsMetricSource),
  resource: pointer(4, ResourceMetricSource),
  containerResource: pointer(7, ContainerResourceMetricSource),
  external: pointer(5, ExternalMetricSource),
});
export interface MetricSpec extends Infer<typeof MetricSpec> {}

export const HPAScalingPolicy = struct('io.k8s.api.autoscaling.v2.HPAScalingPolicy', {
  type: string(1, { required: true }),
  value: int32(2, { required: true }),
  periodSeconds: int32(3, { required: true }),
});
export interface HPAScalingPolicy extends Infer<typeof HPAScalingPolicy> {}

export const HPAScalingRules = struct('io.k8s.api.autoscaling.v2.HPAScalingRules', {
  stabilizationWindowSeconds: int32(3, { pointer: true }),
  selectPolicy: string(1, { pointer: true }),
  policies: list(2, HPAScalingPolicy, { listType: 'atomic' }),
  tolerance: quantity(4, { pointer: true }),
});
export interface HPAScalingRules extends Infer<typeof HPAScalingRules> {}

export const HorizontalPodAutoscalerBehavior = struct('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior', {
  scaleUp: pointer(1, HPAScalingRules),
  scaleDown: pointer(2, HPAScalingRules),
});
export interface HorizontalPodAutoscalerBehavior extends Infer<typeof HorizontalPodAutoscalerBehavior> {}

export const HorizontalPodAutoscalerSpec = struct('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec', {
  scaleTargetRef: object(1, CrossVersionObjectReference, { required: true }),
  minReplicas: int32(2, { pointer: true, default: 1 }),
  maxReplicas: int32(3, { required: true }),
  metrics: list(4, MetricSpec, { listType: 'atomic' }),
  behavior: pointer(5, HorizontalPodAutoscalerBehavior),
});
export interface HorizontalPodAutoscalerSpec extends Infer<typeof HorizontalPodAutoscalerSpec> {}

export const MetricValueStatus = struct('io.k8s.api.autoscaling.v2.MetricValueStatus', {
  value: quantity(1, { pointer: true }),
  averageValue: quantity(2, { pointer: true }),
  averageUtilization: int32(3, { pointer: true }),
});
export interface MetricValueStatus extends Infer<typeof MetricValueStatus> {}

export const ObjectMetricStatus = struct('io.k8s.api.autoscaling.v2.ObjectMetricStatus', {
  metric: object(1, MetricIdentifier, { required: true }),
  current: object(2, MetricValueStatus, { required: true }),
  describedObject: object(3, CrossVersionObjectReference, { required: true }),
});
export interface ObjectMetricStatus extends Infer<typeof ObjectMetricStatus> {}

export const PodsMetricStatus = struct('io.k8s.api.autoscaling.v2.PodsMetricStatus', {
  metric: object(1, MetricIdentifier, { required: true }),
  current: object(2, MetricValueStatus, { required: true }),
});
export interface PodsMetricStatus extends Infer<typeof PodsMetricStatus> {}

export const ResourceMetricStatus = struct('io.k8s.api.autoscaling.v2.ResourceMetricStatus', {
  name: string(1, { required: true }),
  current: object(2, MetricValueStatus, { required: true }),
});
export interface ResourceMetricStatus extends Infer<typeof ResourceMetricStatus> {}

export const ContainerResourceMetricStatus = struct('io.k8s.api.autoscaling.v2.ContainerResourceMetricStatus', {
  name: string(1, { required: true }),
  current: object(2, MetricValueStatus, { required: true }),
  container: string(3, { required: true }),
});
export interface ContainerResourceMetricStatus extends Infer<typeof ContainerResourceMetricStatus> {}

export const ExternalMetricStatus = struct('io.k8s.api.autoscaling.v2.ExternalMetricStatus', {
  metric: object(1, MetricIdentifier, { required: true }),
  current: object(2, MetricValueStatus, { required: true }),
});
export interface ExternalMetricStatus extends Infer<typeof ExternalMetricStatus> {}

export const MetricStatus = struct('io.k8s.api.autoscaling.v2.MetricStatus', {
  type: string(1, { required: true }),
  object: pointer(2, ObjectMetricStatus),
  pods: pointer(3, PodsMetricStatus),
  resource: pointer(4, ResourceMetricStatus),
  containerResource: pointer(7, ContainerResourceMetricStatus),
  external: pointer(5, ExternalMetricStatus),
});
export interface MetricStatus extends Infer<typeof MetricStatus> {}

export const HorizontalPodAutoscalerCondition = struct('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface HorizontalPodAutoscalerCondition extends Infer<typeof HorizontalPodAutoscalerCondition> {}

export const HorizontalPodAutoscalerStatus = struct('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus', {
  observedGeneration: int64(1, { pointer: true }),
  lastScaleTime: time(2, { pointer: true }),
  currentReplicas: int32(3),
  desiredReplicas: int32(4, { required: true }),
  currentMetrics: list(5, MetricStatus, { always: true, listType: 'atomic' }),
  conditions: list(6, HorizontalPodAutoscalerCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface HorizontalPodAutoscalerStatus extends Infer<typeof HorizontalPodAutoscalerStatus> {}

export const HorizontalPodAutoscaler = defineResource({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  scope: 'Namespaced',
  fields: {
    spec: object(2, HorizontalPodAutoscalerSpec, { required: true }),
    status: object(3, HorizontalPodAutoscalerStatus),
  },
  subresources: [status()],
  strategy: { generation: false },
  defaults: defaultAutoscaler,
  validate: [validateAutoscaler],
  validateStatusUpdate: [validateAutoscalerStatus],
  columns: autoscalerColumns,
});
export interface HorizontalPodAutoscaler extends Infer<typeof HorizontalPodAutoscaler> {}
