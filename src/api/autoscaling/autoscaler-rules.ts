/** Defaults and rules of autoscalers. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1123Label, pathSegment } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { compareQuantity } from '#apimachinery/quantity.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { nonNegativeNumber } from '#apimachinery/rules.ts';
import { containerResourceName, nonNegative } from '../core/validate-resources.ts';
import type { CrossVersionObjectReference, HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscalerSpec, HorizontalPodAutoscalerStatus, MetricSpec, MetricTarget } from './horizontal-pod-autoscaler.ts';

type Autoscaler = Parts<HorizontalPodAutoscalerSpec, HorizontalPodAutoscalerStatus>;

const prefix = 'autoscaling.alpha.kubernetes.io/';
/** Annotations in which the older version has what it has no fields for. */
export const carried = { metrics: `${prefix}metrics`, currentMetrics: `${prefix}current-metrics`, conditions: `${prefix}conditions`, behavior: `${prefix}behavior` } as const;

/** Without metrics, pods are kept at this share of the CPU they request. */
const defaultCpuPercent = 80;

/** The metric that keeps pods at this share of the CPU they request. */
export function cpuShare(percent = defaultCpuPercent): Draft<MetricSpec> {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } } };
}

export function defaultAutoscaler({ metadata, spec }: Draft<Autoscaler>): void {
  // They carry fields for the older version, in which alone they mean something.
  for (const key of Object.values(carried)) delete metadata.annotations?.[key];
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
  yield* validateReference(spec.scaleTargetRef, 'spec.scaleTargetRef');
  for (const [index, metric] of (spec.metrics ?? []).entries()) yield* validateMetric(metric, `spec.metrics[${index}]`);
  for (const direction of ['scaleUp', 'scaleDown'] as const) {
    const rules = spec.behavior?.[direction];
    if (rules !== undefined) yield* validateScaling(rules, `spec.behavior.${direction}`);
  }
}

const sources = { ContainerResource: 'containerResource', External: 'external', Object: 'object', Pods: 'pods', Resource: 'resource' } as const;
/** In which order they are looked at: only the first that is given is. */
const order = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;

function* validateMetric(metric: MetricSpec, path: string): Iterable<FieldError> {
  if (metric.type === '') yield required(`${path}.type`, 'must specify a metric source type');
  const expected = Object.hasOwn(sources, metric.type) ? sources[metric.type as keyof typeof sources] : undefined;
  if (expected === undefined) yield notSupported(`${path}.type`, metric.type, Object.keys(sources));
  const given = order.filter((source) => metric[source] !== undefined);
  if (given[0] !== undefined) yield* validateSource(metric, given[0], `${path}.${given[0]}`);
  if (expected !== undefined && metric[expected] === undefined) yield required(`${path}.${expected}`, 'must populate information for the given metric source');
  if (given.length === 1) return;
  for (const source of given) if (source !== expected) yield forbiddenField(`${path}.${source}`, 'must populate the given metric source only');
}

function* validateSource({ containerResource, external, object, pods, resource }: MetricSpec, source: (typeof order)[number], path: string): Iterable<FieldError> {
  if (source === 'object' && object !== undefined) {
    yield* validateReference(object.describedObject, `${path}.describedObject`);
    yield* validateIdentifier(object.metric.name, path);
    yield* validateTarget(object.target, `${path}.target`);
    if (object.target.value === undefined && object.target.averageValue === undefined) yield required(`${path}.target.averageValue`, 'must set either a target value or averageValue');
  }
  if (source === 'external' && external !== undefined) {
    const { averageValue, value } = external.target;
    yield* validateIdentifier(external.metric.name, path);
    yield* validateTarget(external.target, `${path}.target`);
    if (value === undefined && averageValue === undefined) yield required(`${path}.target.averageValue`, 'must set either a target value for metric or a per-pod target');
    if (value !== undefined && averageValue !== undefined) yield forbiddenField(`${path}.target.value`, 'may not set both a target value for metric and a per-pod target');
  }
  if (source === 'pods' && pods !== undefined) {
    yield* validateIdentifier(pods.metric.name, path);
    yield* validateTarget(pods.target, `${path}.target`);
    if (pods.target.averageValue === undefined) yield required(`${path}.target.averageValue`, 'must specify a positive target averageValue');
  }
  if (source === 'resource' && resource !== undefined) {
    if (resource.name === '') yield required(`${path}.name`, 'must specify a resource name');
    yield* validateShare(resource.target, `${path}.target`);
  }
  if (source !== 'containerResource' || containerResource === undefined) return;
  if (containerResource.name === '') yield required(`${path}.name`, 'must specify a resource name');
  else yield* containerResourceName(containerResource.name, `${path}.name`);
  if (containerResource.container === '') yield required(`${path}.container`, 'must specify a container');
  else for (const message of dns1123Label(containerResource.container)) yield invalidValue(`${path}.container`, containerResource.container, message);
  yield* validateShare(containerResource.target, `${path}.target`);
}

/** Of a resource that is requested: a share of the request, or an amount. */
function* validateShare(target: MetricTarget, path: string): Iterable<FieldError> {
  yield* validateTarget(target, path);
  const { averageUtilization, averageValue } = target;
  if (averageUtilization === undefined && averageValue === undefined) yield required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization');
  if (averageUtilization !== undefined && averageValue !== undefined) yield forbiddenField(`${path}.averageValue`, 'may not set both a target raw value and a target utilization');
}

function* validateTarget({ averageUtilization, averageValue, type, value }: MetricTarget, path: string): Iterable<FieldError> {
  if (type === '') yield required(`${path}.type`, 'must specify a metric target type');
  if (!['AverageValue', 'Utilization', 'Value'].includes(type)) yield invalidValue(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue');
  for (const [key, amount] of Object.entries({ value, averageValue })) {
    if (amount !== undefined && compareQuantity(amount, '0') <= 0) yield invalidValue(`${path}.${key}`, amount, 'must be positive');
  }
  if (averageUtilization !== undefined && averageUtilization < 1) yield invalidValue(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0');
}

function* validateIdentifier(name: string, path: string): Iterable<FieldError> {
  if (name === '') yield required(`${path}.metric.name`, 'must specify a metric name');
  else for (const message of pathSegment(name)) yield invalidValue(`${path}.metric.name`, name, message);
}

function* validateReference(reference: CrossVersionObjectReference, path: string): Iterable<FieldError> {
  for (const key of ['kind', 'name'] as const) for (const message of pathSegment(reference[key])) yield invalidValue(`${path}.${key}`, reference[key], message);
}

export function* validateAutoscalerStatus({ status }: Autoscaler): Iterable<FieldError> {
  yield* nonNegativeNumber('status.currentReplicas', status.currentReplicas);
  yield* nonNegativeNumber('status.desiredReplicas', status.desiredReplicas);
}

/** Seconds: an hour of looking back, half an hour for one policy. */
const maxStabilization = 3600;
const maxPeriod = 1800;

function* validateScaling(rules: HPAScalingRules, path: string): Iterable<FieldError> {
  const { policies = [], selectPolicy, stabilizationWindowSeconds: window, tolerance } = rules;
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
  if (tolerance !== undefined) yield* nonNegative(tolerance, `${path}.tolerance`);
}
