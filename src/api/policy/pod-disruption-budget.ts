import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { Condition, validateConditions } from '#apimachinery/condition.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import { atMostAll, nonNegativeNumber, validateIntOrPercent } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, int64, intOrString, list, map, object, oneOf, pointer, struct } from '#apimachinery/schema.ts';
import { validateLabelSelector } from '#apimachinery/selector.ts';

export const PodDisruptionBudgetSpec = struct('io.k8s.api.policy.v1.PodDisruptionBudgetSpec', {
  minAvailable: intOrString(1, { pointer: true }),
  selector: pointer(2, LabelSelector, { patch: 'replace' }),
  maxUnavailable: intOrString(3, { pointer: true }),
  unhealthyPodEvictionPolicy: oneOf(4, ['AlwaysAllow', 'IfHealthyBudget'], { pointer: true }),
});
export interface PodDisruptionBudgetSpec extends Infer<typeof PodDisruptionBudgetSpec> {}

export const PodDisruptionBudgetStatus = struct('io.k8s.api.policy.v1.PodDisruptionBudgetStatus', {
  observedGeneration: int64(1),
  disruptedPods: map(2, 'time'),
  disruptionsAllowed: int32(3, { always: true }),
  currentHealthy: int32(4, { always: true }),
  desiredHealthy: int32(5, { always: true }),
  expectedPods: int32(6, { always: true }),
  conditions: list(7, Condition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface PodDisruptionBudgetStatus extends Infer<typeof PodDisruptionBudgetStatus> {}

type Parted = Parts<PodDisruptionBudgetSpec, PodDisruptionBudgetStatus>;

function* validateBudget({ spec }: Parted): Iterable<FieldError> {
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) yield invalidValue('spec', spec, 'minAvailable and maxUnavailable cannot be both set');
  for (const key of ['minAvailable', 'maxUnavailable'] as const) {
    yield* validateIntOrPercent(`spec.${key}`, spec[key]);
    yield* atMostAll(`spec.${key}`, spec[key]);
  }
  yield* validateLabelSelector('spec.selector', spec.selector);
}

function* validateBudgetStatus({ status: now }: Parted): Iterable<FieldError> {
  yield* validateConditions(now.conditions ?? [], 'status.conditions');
  for (const key of ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const) yield* nonNegativeNumber(`status.${key}`, now[key]);
}

export const PodDisruptionBudget = defineResource({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  scope: 'Namespaced',
  fields: {
    spec: object(2, PodDisruptionBudgetSpec),
    status: object(3, PodDisruptionBudgetStatus),
  },
  subresources: [status()],
  strategy: { needsResourceVersion: true },
  validate: [validateBudget],
  validateStatusUpdate: [validateBudgetStatus],
  columns: [
    nameColumn,
    column<Parted>('Min Available', ({ spec }) => String(spec.minAvailable ?? 'N/A')),
    column<Parted>('Max Unavailable', ({ spec }) => String(spec.maxUnavailable ?? 'N/A')),
    column<Parted>('Allowed Disruptions', ({ status: now }) => now.disruptionsAllowed, { type: 'integer' }),
    ageColumn,
  ],
});
export interface PodDisruptionBudget extends Infer<typeof PodDisruptionBudget> {}
