/**
 * `matchLabelKeys` and `mismatchLabelKeys`: a pod's own labels become part of the selectors it looks for others with,
 * once, when it is created. So a new version of a Deployment is spread without regard to the old one.
 *
 * Source: Kubernetes documentation "Pod Topology Spread Constraints", "Inter-pod affinity".
 */
import type { Draft } from '#apimachinery/resource.ts';
import type { LabelSelector } from '#apimachinery/label-selector.ts';
import type { PodSpec } from './pod-template.ts';

type Labels = Readonly<Record<string, string>>;

export function mergeLabelKeys(spec: Draft<PodSpec>, labels: Labels = {}): void {
  for (const constraint of spec.topologySpreadConstraints ?? []) merge(constraint.labelSelector, constraint.matchLabelKeys, 'In', labels);
  for (const affinity of [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity]) {
    const preferred = (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => each.podAffinityTerm);
    for (const term of [...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []), ...preferred]) {
      merge(term.labelSelector, term.matchLabelKeys, 'In', labels);
      merge(term.labelSelector, term.mismatchLabelKeys, 'NotIn', labels);
    }
  }
}

/** A key that the pod has no label for says nothing. */
function merge(selector: Draft<LabelSelector> | undefined, keys: readonly string[] | undefined, operator: 'In' | 'NotIn', labels: Labels): void {
  if (selector === undefined) return;
  for (const key of keys ?? []) {
    const value = labels[key];
    if (value !== undefined) selector.matchExpressions = [...(selector.matchExpressions ?? []), { key, operator, values: [value] }];
  }
}
