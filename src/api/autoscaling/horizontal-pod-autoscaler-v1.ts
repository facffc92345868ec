import type { KubeObject } from '#apimachinery/object-meta.ts';
import { defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, int64, object, string, struct, time } from '#apimachinery/schema.ts';
import { autoscalerColumns } from './autoscaler-columns.ts';
import { fromV1, toV1 } from './convert-v1.ts';
import { HorizontalPodAutoscaler as HorizontalPodAutoscalerV2 } from './horizontal-pod-autoscaler.ts';

export const CrossVersionObjectReference = struct('io.k8s.api.autoscaling.v1.CrossVersionObjectReference', {
  kind: string(1, { required: true }),
  name: string(2, { required: true }),
  apiVersion: string(3),
}, { atomic: true });
export interface CrossVersionObjectReference extends Infer<typeof CrossVersionObjectReference> {}

export const HorizontalPodAutoscalerSpec = struct('io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerSpec', {
  scaleTargetRef: object(1, CrossVersionObjectReference, { required: true }),
  minReplicas: int32(2, { pointer: true, default: 1 }),
  maxReplicas: int32(3, { required: true }),
  targetCPUUtilizationPercentage: int32(4, { pointer: true }),
});
export interface HorizontalPodAutoscalerSpec extends Infer<typeof HorizontalPodAutoscalerSpec> {}

export const HorizontalPodAutoscalerStatus = struct('io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerStatus', {
  observedGeneration: int64(1, { pointer: true }),
  lastScaleTime: time(2, { pointer: true }),
  currentReplicas: int32(3, { required: true }),
  desiredReplicas: int32(4, { required: true }),
  currentCPUUtilizationPercentage: int32(5, { pointer: true }),
});
export interface HorizontalPodAutoscalerStatus extends Infer<typeof HorizontalPodAutoscalerStatus> {}

export const HorizontalPodAutoscaler = defineResource({
  group: 'autoscaling',
  version: 'v1',
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
  columns: autoscalerColumns.map((each) => ({ ...each, value: (autoscaler: KubeObject, nowMs: number) => each.value(fromV1(autoscaler) as never, nowMs) })),
  convertedFrom: { hub: () => HorizontalPodAutoscalerV2, fromHub: toV1, toHub: fromV1 },
});
export interface HorizontalPodAutoscaler extends Infer<typeof HorizontalPodAutoscaler> {}
