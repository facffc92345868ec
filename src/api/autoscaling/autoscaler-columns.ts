/** How `kubectl get hpa` shows an autoscaler. Source: behaviour of Kubernetes' printer. */
import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column } from '#apimachinery/resource.ts';
import type { HorizontalPodAutoscalerSpec, HorizontalPodAutoscalerStatus, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from './horizontal-pod-autoscaler.ts';

type Autoscaler = Parts<HorizontalPodAutoscalerSpec, HorizontalPodAutoscalerStatus>;

export const autoscalerColumns = [
  nameColumn,
  column<Autoscaler>('Reference', ({ spec: { scaleTargetRef } }) => `${scaleTargetRef.kind}/${scaleTargetRef.name}`),
  column<Autoscaler>('Targets', showTargets),
  column<Autoscaler>('MinPods', ({ spec }) => String(spec.minReplicas ?? '<unset>')),
  column<Autoscaler>('MaxPods', ({ spec }) => spec.maxReplicas),
  column<Autoscaler>('Replicas', ({ status }) => status.currentReplicas ?? 0),
  ageColumn,
];

const shownMetrics = 2;

function showTargets({ spec, status }: Autoscaler): string {
  const metrics = spec.metrics ?? [];
  if (metrics.length === 0) return '<none>';
  const current = (status.currentMetrics as readonly MetricStatus[] | null | undefined) ?? [];
  const shown = metrics.slice(0, shownMetrics).map((metric, index) => showMetric(metric, current[index])).join(', ');
  return metrics.length > shownMetrics ? `${shown} + ${metrics.length - shownMetrics} more...` : shown;
}

function showMetric(metric: MetricSpec, status: MetricStatus | undefined): string {
  const { containerResource, external, object, pods, resource } = metric;
  if (external !== undefined) return showValue(external.target, status?.external?.current);
  if (object !== undefined) return showValue(object.target, status?.object?.current);
  if (pods !== undefined) return `${status?.pods?.current.averageValue ?? '<unknown>'}/${pods.target.averageValue ?? ''}`;
  if (resource !== undefined) return `${resource.name}: ${showShare(resource.target, status?.resource?.current)}`;
  if (containerResource !== undefined) return `${containerResource.name}: ${showShare(containerResource.target, status?.containerResource?.current)}`;
  return '<unknown type>';
}

function showValue(target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined) return `${current?.averageValue ?? '<unknown>'}/${target.averageValue} (avg)`;
  return `${current?.value ?? '<unknown>'}/${target.value ?? ''}`;
}

function showShare(target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined) return `${current?.averageValue ?? '<unknown>'}/${target.averageValue}`;
  const now = current?.averageUtilization === undefined ? '<unknown>' : `${current.averageUtilization}%`;
  return `${now}/${target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`}`;
}
