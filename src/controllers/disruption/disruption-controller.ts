/** Keeps the status of disruption budgets, by which evictions are allowed. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { matchesLabels } from '#apimachinery/selector.ts';
import { Deployment } from '#api/apps/deployment.ts';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import { StatefulSet } from '#api/apps/stateful-set.ts';
import { Pod } from '#api/core/pod.ts';
import { isActive, isReady } from '#api/core/pod-status.ts';
import { ReplicationController } from '#api/core/replication-controller.ts';
import { PodDisruptionBudget } from '#api/policy/pod-disruption-budget.ts';
import { keyOf } from '#client/informer.ts';
import { done, recheckAfter, watch } from '#reconcile/controller.ts';
import type { ControllerLister } from '#reconcile/controller-lister.ts';
import { controllerOf, queryOf } from '#reconcile/controller-lister.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { planDisruption } from './plan-disruption.ts';

export const disruptionController = defineController<PodDisruptionBudget>({
  name: 'disruption-controller',
  component: 'controllermanager',
  for: PodDisruptionBudget,
  watches: [
    watch(Pod, budgetsOf, (pod, old) => isReady(pod) !== isReady(old) || isActive(pod) !== isActive(old) || !saysTheSame(pod.metadata.labels, old.metadata.labels)),
    // A new size is a new expectation.
    watch(Deployment, budgetsIn, (is, was) => is.spec.replicas !== was.spec.replicas),
    watch(ReplicaSet, budgetsIn, (is, was) => is.spec.replicas !== was.spec.replicas),
    watch(StatefulSet, budgetsIn, (is, was) => is.spec.replicas !== was.spec.replicas),
    watch(ReplicationController, budgetsIn, (is, was) => is.spec.replicas !== was.spec.replicas),
  ],

  async reconcile(key, { lister, client, clock, recorder, signal }) {
    const budget = lister.get(PodDisruptionBudget, key);
    if (budget === undefined || budget.metadata.deletionTimestamp !== undefined) return done;
    const query = queryOf(budget.spec.selector);
    const pods = lister.list(Pod, budget.metadata.namespace).filter(({ metadata }) => matchesLabels(query, metadata.labels));
    if (pods.length === 0) recorder.event({ object: budget }, 'Normal', 'NoPods', 'No matching pods found');
    const { status, recheckAfterMs } = planDisruption({ budget, pods, wantedPods: wantedPods(pods, lister), nowMs: clock.nowMs() });
    if (!saysTheSame(status, budget.status)) await client.updateStatus(PodDisruptionBudget, { ...budget, status }, { signal });
    return recheckAfter(recheckAfterMs);
  },
});

function budgetsOf({ metadata }: Pod, lister: ControllerLister): readonly string[] {
  const budgets = lister.list(PodDisruptionBudget, metadata.namespace);
  return budgets.filter(({ spec }) => matchesLabels(queryOf(spec.selector), metadata.labels)).map(keyOf);
}

function budgetsIn({ metadata }: KubeObject, lister: ControllerLister): readonly string[] {
  return lister.list(PodDisruptionBudget, metadata.namespace).map(keyOf);
}

/** The sizes of all controllers that own one of the pods; undefined when a pod has none with a size. */
function wantedPods(pods: readonly Pod[], lister: ControllerLister): number | undefined {
  const sizes = new Map<string, number>();
  for (const pod of pods) {
    const owner = scaledOwner(pod, lister);
    if (owner === undefined) return undefined;
    sizes.set(owner.uid, owner.replicas);
  }
  let total = 0;
  for (const size of sizes.values()) total += size;
  return total;
}

interface Scaled {
  readonly uid: string;
  readonly replicas: number;
}

function scaledOwner(pod: Pod, lister: ControllerLister): Scaled | undefined {
  const reference = controllerOf(pod);
  if (reference === undefined) return undefined;
  const key = `${pod.metadata.namespace}/${reference.name}`;
  const sized = (object: StatefulSet | ReplicationController | ReplicaSet | Deployment | undefined): Scaled | undefined =>
    object === undefined ? undefined : { uid: object.metadata.uid, replicas: object.spec.replicas ?? 1 };
  switch (reference.kind) {
    case ReplicaSet.kind: {
      const replicaSet = lister.get(ReplicaSet, key);
      const parent = replicaSet === undefined ? undefined : controllerOf(replicaSet);
      return parent?.kind === Deployment.kind ? sized(lister.get(Deployment, `${pod.metadata.namespace}/${parent.name}`)) : sized(replicaSet);
    }
    case StatefulSet.kind:
      return sized(lister.get(StatefulSet, key));
    case ReplicationController.kind:
      return sized(lister.get(ReplicationController, key));
    default:
      return undefined;
  }
}
