import { defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, list, object, pointer, string, struct, time } from '#apimachinery/schema.ts';

export const QueuingConfiguration = struct('io.k8s.api.flowcontrol.v1.QueuingConfiguration', {
  queues: int32(1, { always: true }),
  handSize: int32(2, { always: true }),
  queueLengthLimit: int32(3, { always: true }),
});
export interface QueuingConfiguration extends Infer<typeof QueuingConfiguration> {}

export const LimitResponse = struct('io.k8s.api.flowcontrol.v1.LimitResponse', {
  type: string(1, { required: true }),
  queuing: pointer(2, QueuingConfiguration),
});
export interface LimitResponse extends Infer<typeof LimitResponse> {}

export const LimitedPriorityLevelConfiguration = struct('io.k8s.api.flowcontrol.v1.LimitedPriorityLevelConfiguration', {
  nominalConcurrencyShares: int32(1, { always: true, pointer: true }),
  limitResponse: object(2, LimitResponse),
  lendablePercent: int32(3, { pointer: true }),
  borrowingLimitPercent: int32(4, { pointer: true }),
});
export interface LimitedPriorityLevelConfiguration extends Infer<typeof LimitedPriorityLevelConfiguration> {}

export const ExemptPriorityLevelConfiguration = struct('io.k8s.api.flowcontrol.v1.ExemptPriorityLevelConfiguration', {
  nominalConcurrencyShares: int32(1, { pointer: true }),
  lendablePercent: int32(2, { pointer: true }),
});
export interface ExemptPriorityLevelConfiguration extends Infer<typeof ExemptPriorityLevelConfiguration> {}

export const PriorityLevelConfigurationSpec = struct('io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec', {
  type: string(1, { required: true }),
  limited: pointer(2, LimitedPriorityLevelConfiguration),
  exempt: pointer(3, ExemptPriorityLevelConfiguration),
});
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
});
export interface PriorityLevelConfiguration extends Infer<typeof PriorityLevelConfiguration> {}
