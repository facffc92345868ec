/** Defaults and rules of autoscalers. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import type { HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscalerSpec, HorizontalPodAutoscalerStatus, MetricSpec, MetricTarget } from './horizontal-pod-autoscaler.ts';

type Autoscaler = Parts<HorizontalPodAutoscalerSpec, HorizontalPodAutoscalerStatus>;

/** Without metrics, pods are kept at this share of the CPU they request. */
const defaultCpuPercent = 80;

/** The metric that keeps pods at this share of the CPU they request. */
export function cpuShare(percent = defaultCpuPercent): Draft<MetricSpec> {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } } };
}

export function defaultAutoscaler({ spec }: Draft<Autoscaler>): void {
  if ((spec.metrics ?? []).length === 0) spec.metrics = [cpuShare(defaultCpuPercent)];
  if (spec.behavior === undefined) return;
  const everything: HPAScalingPolicy = { type: 'Percent', value: 100, periodSeconds: 15 };
  if (spec.behavior.scaleUp !== undefined) {
    spec.behavior.scaleUp.stabilizationWindowSeconds ??= 0;
    defaultScaling(spec.behavior.scaleUp, [{ type: 'Pods', value: 4, periodSeconds: 15 }, everything]);
  }
  if (spec.behavior.scaleDown !== undefined) defaultScaling(spec.behavior.scaleDown, [everything]);
}

function defaultScaling(rules: Draft<HPAScalingRules>, policies: HPAScalingPolicy[]): void {
  rules.selectPolicy ??= 'Max';
  rules.policies ??= policies;
}

export function* validateAutoscaler({ spec }: Autoscaler): Iterable<FieldError> {
  const { maxReplicas, minReplicas } = spec;
  if (minReplicas !== undefined && minReplicas < 1) yield invalidValue('spec.minReplicas', minReplicas, 'must be greater than or equal to 1');
  if (maxReplicas < 1) yield invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than 0');
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    yield invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`');
  }
  for (const [index, metric] of (spec.metrics ?? []).entries()) yield* validateMetric(metric, `spec.metrics[${index}]`);
  for (const direction of ['scaleUp', 'scaleDown'] as const) {
    const rules = spec.behavior?.[direction];
    if (rules !== undefined) yield* validateScaling(rules, `spec.behavior.${direction}`);
  }
}

const sources = { ContainerResource: 'containerResource', External: 'external', Object: 'object', Pods: 'pods', Resource: 'resource' } as const;

function* validateMetric(metric: MetricSpec, path: string): Iterable<FieldError> {
  if (!Object.hasOwn(sources, metric.type)) {
    if (metric.type !== '') yield notSupported(`${path}.type`, metric.type, Object.keys(sources));
    return;
  }
  const source = sources[metric.type as keyof typeof sources];
  const given = metric[source];
  if (given === undefined) yield required(`${path}.${source}`, 'must populate information for the given metric source');
  else yield* validateTarget(given.target, `${path}.${source}.target`);
  for (const other of Object.values(sources)) {
    if (other !== source && metric[other] !== undefined) yield forbiddenField(`${path}.${other}`, 'must populate the given metric source only');
  }
}

function* validateTarget(target: MetricTarget, path: string): Iterable<FieldError> {
  const types = ['AverageValue', 'Utilization', 'Value'];
  if (target.type === '') return;
  if (!types.includes(target.type)) yield invalidValue(`${path}.type`, target.type, 'must be either Utilization, Value, or AverageValue');
  if (target.averageUtilization !== undefined && target.averageUtilization < 1) yield invalidValue(`${path}.averageUtilization`, target.averageUtilization, 'must be greater than 0');
  if (target.averageUtilization === undefined && target.averageValue === undefined && target.value === undefined) {
    yield required(path, 'must set either a target raw value or a target utilization');
  }
}

/** Seconds: an hour of looking back, half an hour for one policy. */
const maxStabilization = 3600;
const maxPeriod = 1800;

function* validateScaling(rules: HPAScalingRules, path: string): Iterable<FieldError> {
  const { policies = [], selectPolicy, stabilizationWindowSeconds: window } = rules;
  if (window !== undefined && window < 0) yield invalidValue(`${path}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero');
  if (window !== undefined && window > maxStabilization) yield invalidValue(`${path}.stabilizationWindowSeconds`, window, `must be less than or equal to ${maxStabilization}`);
  const choices = ['Disabled', 'Max', 'Min'];
  if (selectPolicy !== undefined && !choices.includes(selectPolicy)) yield notSupported(`${path}.selectPolicy`, selectPolicy, choices);
  if (policies.length === 0) yield required(`${path}.policies`, 'must specify at least one Policy');
  for (const [index, { type, value, periodSeconds }] of policies.entries()) {
    const at = `${path}.policies[${index}]`;
    if (type !== 'Pods' && type !== 'Percent') yield notSupported(`${at}.type`, type, ['Percent', 'Pods']);
    if (value <= 0) yield invalidValue(`${at}.value`, value, 'must be greater than zero');
    if (periodSeconds <= 0) yield invalidValue(`${at}.periodSeconds`, periodSeconds, 'must be greater than zero');
    if (periodSeconds > maxPeriod) yield invalidValue(`${at}.periodSeconds`, periodSeconds, `must be less than or equal to ${maxPeriod}`);
  }
}
