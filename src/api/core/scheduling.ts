import type { Infer } from '#apimachinery/schema.ts';
import { int32, int64, list, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';

export const NodeSelectorRequirement = struct('io.k8s.api.core.v1.NodeSelectorRequirement', {
  key: string(1, { required: true }),
  operator: oneOf(2, ['DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'], { required: true, mayBeEmpty: true, worded: true }),
  values: list(3, 'string', { listType: 'atomic' }),
});
export interface NodeSelectorRequirement extends Infer<typeof NodeSelectorRequirement> {}

export const NodeSelectorTerm = struct('io.k8s.api.core.v1.NodeSelectorTerm', {
  matchExpressions: list(1, NodeSelectorRequirement, { listType: 'atomic' }),
  matchFields: list(2, NodeSelectorRequirement, { listType: 'atomic' }),
}, { atomic: true });
export interface NodeSelectorTerm extends Infer<typeof NodeSelectorTerm> {}

export const NodeSelector = struct('io.k8s.api.core.v1.NodeSelector', {
  nodeSelectorTerms: list(1, NodeSelectorTerm, { required: true, listType: 'atomic' }),
}, { atomic: true });
export interface NodeSelector extends Infer<typeof NodeSelector> {}

export const PreferredSchedulingTerm = struct('io.k8s.api.core.v1.PreferredSchedulingTerm', {
  weight: int32(1, { required: true }),
  preference: object(2, NodeSelectorTerm, { required: true }),
});
export interface PreferredSchedulingTerm extends Infer<typeof PreferredSchedulingTerm> {}

export const NodeAffinity = struct('io.k8s.api.core.v1.NodeAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: pointer(1, NodeSelector),
  preferredDuringSchedulingIgnoredDuringExecution: list(2, PreferredSchedulingTerm, { listType: 'atomic' }),
});
export interface NodeAffinity extends Infer<typeof NodeAffinity> {}

export const PodAffinityTerm = struct('io.k8s.api.core.v1.PodAffinityTerm', {
  labelSelector: pointer(1, LabelSelector),
  namespaces: list(2, 'string', { listType: 'atomic' }),
  topologyKey: string(3, { required: true }),
  namespaceSelector: pointer(4, LabelSelector),
  matchLabelKeys: list(5, 'string', { listType: 'atomic' }),
  mismatchLabelKeys: list(6, 'string', { listType: 'atomic' }),
});
export interface PodAffinityTerm extends Infer<typeof PodAffinityTerm> {}

export const WeightedPodAffinityTerm = struct('io.k8s.api.core.v1.WeightedPodAffinityTerm', {
  weight: int32(1, { required: true }),
  podAffinityTerm: object(2, PodAffinityTerm, { required: true }),
});
export interface WeightedPodAffinityTerm extends Infer<typeof WeightedPodAffinityTerm> {}

export const PodAffinity = struct('io.k8s.api.core.v1.PodAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: list(1, PodAffinityTerm, { listType: 'atomic' }),
  preferredDuringSchedulingIgnoredDuringExecution: list(2, WeightedPodAffinityTerm, { listType: 'atomic' }),
});
export interface PodAffinity extends Infer<typeof PodAffinity> {}

export const PodAntiAffinity = struct('io.k8s.api.core.v1.PodAntiAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: list(1, PodAffinityTerm, { listType: 'atomic' }),
  preferredDuringSchedulingIgnoredDuringExecution: list(2, WeightedPodAffinityTerm, { listType: 'atomic' }),
});
export interface PodAntiAffinity extends Infer<typeof PodAntiAffinity> {}

export const Affinity = struct('io.k8s.api.core.v1.Affinity', {
  nodeAffinity: pointer(1, NodeAffinity),
  podAffinity: pointer(2, PodAffinity),
  podAntiAffinity: pointer(3, PodAntiAffinity),
});
export interface Affinity extends Infer<typeof Affinity> {}

export const Toleration = struct('io.k8s.api.core.v1.Toleration', {
  key: string(1),
  operator: oneOf(2, ['Equal', 'Exists', 'Lt', 'Gt']),
  value: string(3),
  effect: oneOf(4, ['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
  tolerationSeconds: int64(5, { pointer: true }),
});
export interface Toleration extends Infer<typeof Toleration> {}

export const TopologySpreadConstraint = struct('io.k8s.api.core.v1.TopologySpreadConstraint', {
  maxSkew: int32(1, { required: true }),
  topologyKey: string(2, { required: true }),
  whenUnsatisfiable: oneOf(3, ['DoNotSchedule', 'ScheduleAnyway'], { required: true, mayBeEmpty: true }),
  labelSelector: pointer(4, LabelSelector),
  minDomains: int32(5, { pointer: true }),
  nodeAffinityPolicy: oneOf(6, ['Honor', 'Ignore'], { pointer: true }),
  nodeTaintsPolicy: oneOf(7, ['Honor', 'Ignore'], { pointer: true }),
  matchLabelKeys: list(8, 'string', { listType: 'atomic' }),
});
export interface TopologySpreadConstraint extends Infer<typeof TopologySpreadConstraint> {}

export const Taint = struct('io.k8s.api.core.v1.Taint', {
  key: string(1, { required: true }),
  value: string(2),
  effect: oneOf(3, ['NoSchedule', 'PreferNoSchedule', 'NoExecute'], { required: true }),
  timeAdded: time(4, { pointer: true }),
});
export interface Taint extends Infer<typeof Taint> {}

export const TopologySelectorLabelRequirement = struct('io.k8s.api.core.v1.TopologySelectorLabelRequirement', {
  key: string(1, { required: true }),
  values: list(2, 'string', { required: true, listType: 'atomic' }),
});
export interface TopologySelectorLabelRequirement extends Infer<typeof TopologySelectorLabelRequirement> {}

export const TopologySelectorTerm = struct('io.k8s.api.core.v1.TopologySelectorTerm', {
  matchLabelExpressions: list(1, TopologySelectorLabelRequirement, { listType: 'atomic' }),
}, { atomic: true });
export interface TopologySelectorTerm extends Infer<typeof TopologySelectorTerm> {}
