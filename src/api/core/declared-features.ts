/**
 * What a pod needs of its node's kubelet beyond what every kubelet can, by the names that nodes declare in their status.
 * Pure. Source: KEP-5328 (on by default since v1.36).
 */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { PodSpec } from './pod-template.ts';

export const restartsAllContainers = 'RestartAllContainersOnContainerExits';
export const resizesInitContainers = 'InPlacePodVerticalScalingInitContainers';
export const resizesPods = 'InPlacePodLevelResourcesVerticalScaling';

/** What a node must declare before the pod is placed there, sorted. */
export function featuresToRun({ containers, initContainers = [] }: Pick<PodSpec, 'containers' | 'initContainers'>): readonly string[] {
  const restartsAll = [...initContainers, ...containers].some(({ restartPolicyRules }) => restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers') === true);
  return restartsAll ? [restartsAllContainers] : [];
}

/** What the pod's node must declare for this change of it, sorted. */
export function featuresToChange(old: PodSpec, now: PodSpec): readonly string[] {
  const needed: string[] = [];
  if (!saysTheSame(old.resources ?? {}, now.resources ?? {})) needed.push(resizesPods);
  const changesInit = (old.initContainers ?? []).some((before, index) => before.restartPolicy !== 'Always' && !saysTheSame(before.resources, now.initContainers?.[index]?.resources));
  if (changesInit) needed.push(resizesInitContainers);
  return needed;
}

/** Those that the node does not declare. */
export function undeclared(features: readonly string[], { status }: { readonly status: { readonly declaredFeatures?: readonly string[] | undefined } }): readonly string[] {
  return features.filter((feature) => status.declaredFeatures?.includes(feature) !== true);
}
