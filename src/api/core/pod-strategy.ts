import type { Parts } from '#apimachinery/parts.ts';
import type { Draft, Strategy } from '#apimachinery/resource.ts';
import { mergeLabelKeys } from './match-label-keys.ts';
import { isTerminal } from './pod-status.ts';
import type { PodSpec } from './pod-template.ts';
import type { PodStatus } from './pod.ts';
import { podWarnings } from './pod-warnings.ts';
import { qosClassOf } from './qos.ts';
import { heedAppArmor } from './validate-pod-annotations.ts';
import { validatePodCreate } from './validate-pod.ts';
/** What the server does to pods before it validates them. Source: behaviour of the v1.36 API server. */

type Pod = Parts<PodSpec, PodStatus>;

export const podStrategy: Strategy<Pod> = {
  prepareForCreate(draft) {
    heedAppArmor(draft.metadata.annotations ?? {}, draft.spec);
    mergeLabelKeys(draft.spec, draft.metadata.labels);
    draft.status = { phase: 'Pending', qosClass: qosClassOf(draft.spec) };
    if ((draft.spec.schedulingGates ?? []).length > 0) draft.status.conditions = [gatedCondition()];
  },

  validateCreate: validatePodCreate,
  warnings: podWarnings,

  prepareForStatusUpdate(draft, old) {
    if (draft.status.qosClass === undefined && old.status.qosClass !== undefined) draft.status.qosClass = old.status.qosClass;
  },

  /** A pod that no kubelet looks after, or that has finished, needs no time to stop. */
  gracePeriodSeconds(pod, requested) {
    const unkept = pod.spec.nodeName === undefined || isTerminal(pod);
    const seconds = unkept ? 0 : (requested ?? pod.spec.terminationGracePeriodSeconds ?? 0);
    // A negative period was once accepted; it means "as short as can be, but not forced".
    return seconds < 0 ? 1 : seconds === 0 ? undefined : seconds;
  },
};

function gatedCondition(): Draft<NonNullable<PodStatus['conditions']>[number]> {
  return { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates' };
}

/** For the subresource `ephemeralcontainers`: of `draft` only these containers count. */
export function takeEphemeralContainers(draft: Draft<Pod>, old: Pod): void {
  const { ephemeralContainers } = draft.spec;
  draft.spec = { ...(old.spec as Draft<PodSpec>), ephemeralContainers };
  draft.status = old.status as Draft<PodStatus>;
}

/** For the subresource `resize`: of `draft` only the containers' (and the pod's) resources and resize policies count. */
export function takeResources(draft: Draft<Pod>, old: Pod): void {
  const { containers, initContainers, resources } = draft.spec;
  const spec = { ...(old.spec as Draft<PodSpec>) };
  spec.containers = spec.containers.map((container) => {
    const asked = containers.find((each) => each.name === container.name);
    return asked === undefined ? container : { ...container, resources: asked.resources, resizePolicy: asked.resizePolicy };
  });
  spec.initContainers = spec.initContainers?.map((container) => {
    const asked = initContainers?.find((each) => each.name === container.name);
    return asked === undefined ? container : { ...container, resources: asked.resources, resizePolicy: asked.resizePolicy };
  });
  if (resources !== undefined) spec.resources = resources;
  draft.spec = spec;
  draft.status = old.status as Draft<PodStatus>;
}
