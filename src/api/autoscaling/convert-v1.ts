/**
 * autoscaling/v1 and v2 of an autoscaler. What the older version has no fields for travels in annotations, so that
 * the way there and back loses nothing.
 *
 * Source: behaviour of the v1.36 API server (annotations autoscaling.alpha.kubernetes.io/...).
 */
import type { KubeObject, NamespacedMeta } from '#apimachinery/object-meta.ts';
import { carried, cpuShare } from './autoscaler-rules.ts';
import type { HorizontalPodAutoscalerSpec as SpecV1, HorizontalPodAutoscalerStatus as StatusV1 } from './horizontal-pod-autoscaler-v1.ts';
import type { HorizontalPodAutoscalerSpec, HorizontalPodAutoscalerStatus, MetricSpec, MetricStatus } from './horizontal-pod-autoscaler.ts';

interface V1 extends KubeObject {
  readonly metadata: NamespacedMeta;
  readonly spec: SpecV1;
  readonly status: StatusV1;
}
interface V2 extends KubeObject {
  readonly metadata: NamespacedMeta;
  readonly spec: HorizontalPodAutoscalerSpec;
  readonly status: HorizontalPodAutoscalerStatus;
}

export function toV1(object: KubeObject): KubeObject {
  const { metadata, spec, status } = whole(object as V2);
  const { metrics = [], behavior, ...plainSpec } = spec;
  const { currentMetrics, conditions, ...plainStatus } = status;
  const cpu = metrics.find(isCpuShare);
  const cpuNow = (currentMetrics as readonly MetricStatus[] | null | undefined)?.find((each) => each.resource?.name === 'cpu');
  const annotations: Record<string, string> = { ...metadata.annotations };
  carry(annotations, carried.metrics, metrics.filter((metric) => metric !== cpu));
  carry(annotations, carried.currentMetrics, currentMetrics);
  carry(annotations, carried.conditions, conditions);
  if (behavior !== undefined) annotations[carried.behavior] = JSON.stringify(behavior);
  const made: V1 = {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: withAnnotations(metadata, annotations),
    spec: { ...plainSpec, ...given('targetCPUUtilizationPercentage', cpu?.resource?.target.averageUtilization) },
    status: { ...plainStatus, currentReplicas: plainStatus.currentReplicas ?? 0, ...given('currentCPUUtilizationPercentage', cpuNow?.resource?.current.averageUtilization) },
  };
  return made;
}

export function fromV1(object: KubeObject): KubeObject {
  const { metadata, spec, status } = whole(object as V1);
  const { targetCPUUtilizationPercentage: cpuPercent, ...plainSpec } = spec;
  const { currentCPUUtilizationPercentage: _shown, ...plainStatus } = status;
  const annotations: Record<string, string> = { ...metadata.annotations };
  const others = (uncarry(annotations, carried.metrics) ?? []) as readonly MetricSpec[];
  // v1 has no default of its own for the target: it is what v2 takes when there are no metrics.
  const cpu = cpuPercent === undefined && others.length > 0 ? [] : [cpuShare(cpuPercent)];
  const metrics: readonly MetricSpec[] = [...cpu, ...others];
  const made: V2 = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    spec: {
      ...plainSpec,
      metrics,
      ...given('behavior', uncarry(annotations, carried.behavior) as HorizontalPodAutoscalerSpec['behavior']),
    },
    status: {
      ...plainStatus,
      currentMetrics: (uncarry(annotations, carried.currentMetrics) ?? null) as HorizontalPodAutoscalerStatus['currentMetrics'],
      ...given('conditions', uncarry(annotations, carried.conditions) as HorizontalPodAutoscalerStatus['conditions']),
    },
    metadata: withAnnotations(metadata, annotations),
  };
  return made;
}

function isCpuShare({ resource }: MetricSpec): boolean {
  return resource?.name === 'cpu' && resource.target.averageUtilization !== undefined;
}

function carry(annotations: Record<string, string>, key: string, values: readonly unknown[] | null | undefined): void {
  if (values !== undefined && values !== null && values.length > 0) annotations[key] = JSON.stringify(values);
}

/** What was carried under `key`; a text that a client broke counts as nothing. */
function uncarry(annotations: Record<string, string>, key: string): unknown {
  const text = annotations[key];
  if (text === undefined) return undefined;
  delete annotations[key];
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function withAnnotations({ annotations: _before, ...metadata }: NamespacedMeta, annotations: Record<string, string>): NamespacedMeta {
  return Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations };
}

/** Field ownership looks at parts of objects, too: those may lack what every object has. */
function whole<T extends V1 | V2>(object: T): T {
  const { spec = {}, status = {} } = object as { readonly spec?: object; readonly status?: object };
  return { ...object, spec, status };
}

/** A field that is there only when it has a value: one that is there without is no JSON. */
function given<K extends string, T>(key: K, value: T | undefined): { readonly [key in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [key in K]?: T });
}
