import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, list, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { validateConditions, validatePriorityLevel } from './validate-flow-control.ts';

export const QueuingConfiguration = struct('io.k8s.api.flowcontrol.v1.QueuingConfiguration', {
  queues: int32(1, { always: true, default: 64 }),
  handSize: int32(2, { always: true, default: 8 }),
  queueLengthLimit: int32(3, { always: true, default: 50 }),
});
export interface QueuingConfiguration extends Infer<typeof QueuingConfiguration> {}

export const LimitResponse = struct('io.k8s.api.flowcontrol.v1.LimitResponse', {
  type: oneOf(1, ['Queue', 'Reject'], { required: true }),
  queuing: pointer(2, QueuingConfiguration),
}, { union: { discriminator: 'type', of: ['queuing'] } });
export interface LimitResponse extends Infer<typeof LimitResponse> {}

export const LimitedPriorityLevelConfiguration = struct('io.k8s.api.flowcontrol.v1.LimitedPriorityLevelConfiguration', {
  nominalConcurrencyShares: int32(1, { always: true, pointer: true, default: 30 }),
  limitResponse: object(2, LimitResponse),
  lendablePercent: int32(3, { pointer: true, default: 0 }),
  borrowingLimitPercent: int32(4, { pointer: true }),
});
export interface LimitedPriorityLevelConfiguration extends Infer<typeof LimitedPriorityLevelConfiguration> {}

export const ExemptPriorityLevelConfiguration = struct('io.k8s.api.flowcontrol.v1.ExemptPriorityLevelConfiguration', {
  nominalConcurrencyShares: int32(1, { pointer: true, default: 0 }),
  lendablePercent: int32(2, { pointer: true, default: 0 }),
});
export interface ExemptPriorityLevelConfiguration extends Infer<typeof ExemptPriorityLevelConfiguration> {}

export const PriorityLevelConfigurationSpec = struct('io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec', {
  type: oneOf(1, ['Exempt', 'Limited'], { required: true }),
  limited: pointer(2, LimitedPriorityLevelConfiguration),
  exempt: pointer(3, ExemptPriorityLevelConfiguration),
}, { union: { discriminator: 'type', of: ['exempt', 'limited'] } });
export interface PriorityLevelConfigurationSpec extends Infer<typeof PriorityLevelConfigurationSpec> {}

export const PriorityLevelConfigurationCondition = struct('io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationCondition', {
  type: string(1),
  status: string(2),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface PriorityLevelConfigurationCondition extends Infer<typeof PriorityLevelConfigurationCondition> {}

export const PriorityLevelConfigurationStatus = struct('io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationStatus', {
  conditions: list(1, PriorityLevelConfigurationCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface PriorityLevelConfigurationStatus extends Infer<typeof PriorityLevelConfigurationStatus> {}

type Parted = Parts<PriorityLevelConfigurationSpec, PriorityLevelConfigurationStatus>;

function orNone(value: number | undefined): number | string {
  return value ?? '<none>';
}

export const PriorityLevelConfiguration = defineResource({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  scope: 'Cluster',
  fields: {
    spec: object(2, PriorityLevelConfigurationSpec),
    status: object(3, PriorityLevelConfigurationStatus),
  },
  subresources: [status()],
  defaults: ({ spec }) => {
    if (spec.type === 'Exempt') spec.exempt ??= { nominalConcurrencyShares: 0, lendablePercent: 0 };
  },
  validate: [validatePriorityLevel],
  validateStatusUpdate: [validateConditions],
  columns: [
    nameColumn,
    column<Parted>('Type', ({ spec }) => spec.type),
    column<Parted>('NominalConcurrencyShares', ({ spec }) => orNone(spec.limited?.nominalConcurrencyShares ?? spec.exempt?.nominalConcurrencyShares)),
    column<Parted>('Queues', ({ spec }) => orNone(spec.limited?.limitResponse.queuing?.queues)),
    column<Parted>('HandSize', ({ spec }) => orNone(spec.limited?.limitResponse.queuing?.handSize)),
    column<Parted>('QueueLengthLimit', ({ spec }) => orNone(spec.limited?.limitResponse.queuing?.queueLengthLimit)),
    ageColumn,
  ],
});
export interface PriorityLevelConfiguration extends Infer<typeof PriorityLevelConfiguration> {}
