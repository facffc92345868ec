/**
 * Keeps as many live pods as a ReplicaSet or ReplicationController asks for. One implementation; a `ReplicaKind` says
 * what differs.
 */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { LabelQuery } from '#apimachinery/selector.ts';
import { selectorFromMap } from '#apimachinery/selector.ts';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import type { ReplicaSetStatus } from '#api/apps/replica-set.ts';
import { Pod } from '#api/core/pod.ts';
import { isActive, isTerminal, isTerminating } from '#api/core/pod-status.ts';
import type { PodTemplateSpec } from '#api/core/pod-template.ts';
import { ReplicationController } from '#api/core/replication-controller.ts';
import { claim, controllerReference } from '#reconcile/adoption.ts';
import { slowStartBatches } from '#reconcile/batches.ts';
import type { Controller, ReconcileContext } from '#reconcile/controller.ts';
import { done, recheckAfter } from '#reconcile/controller.ts';
import type { ControllerLister } from '#reconcile/controller-lister.ts';
import { controllerOf, queryOf } from '#reconcile/controller-lister.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { createPod, deletePod, isNamespaceTerminating, messageOf, podFromTemplate } from '../pod-control.ts';
import type { ReplicaPlan } from './plan-replicas.ts';
import { planReplicas, planStatus } from './plan-replicas.ts';

interface ReplicaSpec {
  readonly replicas: number;
  readonly minReadySeconds: number;
  readonly query: LabelQuery;
  readonly template: PodTemplateSpec | undefined;
}

interface ReplicaKind<T extends KubeObject & { readonly status: ReplicaSetStatus }> {
  readonly name: string;
  readonly component: string;
  readonly kind: ResourceKind<T>;
  readonly specOf: (owner: T) => ReplicaSpec;
  readonly reportsTerminating: boolean;
}

function replicaController<T extends KubeObject & { readonly status: ReplicaSetStatus }>(of: ReplicaKind<T>): Controller {
  const { kind, specOf } = of;
  return defineController<T>({
    name: of.name,
    component: of.component,
    for: kind,
    owns: [Pod],
    selects: (owner) => specOf(owner).query,
    async reconcile(key, context) {
      const owner = context.lister.get(kind, key);
      if (owner === undefined) return done;
      const spec = specOf(owner);
      const active = await claim(Pod, { kind, owner, query: spec.query, counts: isActive }, context);
      const related = (): readonly Pod[] => relatedPods(kind, owner, context.lister);
      const nowMs = context.clock.nowMs();
      const plan = planReplicas({ replicas: spec.replicas, isTerminating: isTerminating(owner) }, active, related, nowMs);
      const error = await carryOut(plan, { kind, owner, spec }, context);
      const { status, recheckAfterMs } = planStatus({
        generation: owner.metadata.generation ?? 0,
        minReadySeconds: spec.minReadySeconds,
        templateLabels: spec.template?.metadata.labels ?? {},
        active,
        terminating: of.reportsTerminating ? countTerminating(owner, context.lister) : undefined,
        conditions: owner.status.conditions,
        failure: error === undefined ? undefined : { reason: plan.create > 0 ? 'FailedCreate' : 'FailedDelete', message: messageOf(error) },
        nowMs,
      });
      if (!saysTheSame(status, owner.status)) await context.client.updateStatus(kind, { ...owner, status }, { signal: context.signal });
      if (error !== undefined) throw error;
      return recheckAfter(recheckAfterMs);
    },
  });
}

interface Owned<T extends KubeObject> {
  readonly kind: ResourceKind<T>;
  readonly owner: T;
  readonly spec: ReplicaSpec;
}

/** Returns the first failure. In a namespace that is going away none counts. */
async function carryOut<T extends KubeObject>(plan: ReplicaPlan, { kind, owner, spec }: Owned<T>, context: ReconcileContext): Promise<unknown> {
  if (plan.create > 0 && spec.template !== undefined) {
    const pod = podFromTemplate(spec.template, owner, controllerReference(kind, owner));
    const { error } = await slowStartBatches(plan.create, () => createPod(pod, owner, context));
    return isNamespaceTerminating(error) ? undefined : error;
  }
  const results = await Promise.allSettled(plan.remove.map((pod) => deletePod(pod, owner, context)));
  return results.find((result) => result.status === 'rejected')?.reason;
}

/** The live pods of all sets that have the same controller: those of the other revisions of a Deployment. */
function relatedPods<T extends KubeObject>(kind: ResourceKind<T>, owner: T, lister: ControllerLister): readonly Pod[] {
  const controller = controllerOf(owner);
  if (controller === undefined) return lister.ownedBy(Pod, owner).filter(isActive);
  const siblings = lister.ownedBy(kind, { ...owner, metadata: { ...owner.metadata, uid: controller.uid } });
  return siblings.flatMap((sibling) => lister.ownedBy(Pod, sibling).filter(isActive));
}

function countTerminating(owner: KubeObject, lister: ControllerLister): number {
  let count = 0;
  for (const pod of lister.ownedBy(Pod, owner)) if (isTerminating(pod) && !isTerminal(pod)) count++;
  return count;
}

export const replicaSetController = replicaController<ReplicaSet>({
  name: 'replicaset-controller',
  component: 'replicaset-controller',
  kind: ReplicaSet,
  specOf: ({ spec }) => ({
    replicas: spec.replicas ?? 1,
    minReadySeconds: spec.minReadySeconds ?? 0,
    query: queryOf(spec.selector),
    template: spec.template,
  }),
  reportsTerminating: true,
});

const selectors = new WeakMap<object, LabelQuery>();

/** A map of labels as a query; made once per (frozen) map. */
function queryOfMap(labels: Readonly<Record<string, string>> | undefined): LabelQuery {
  if (labels === undefined) return queryOf(undefined);
  const known = selectors.get(labels);
  if (known !== undefined) return known;
  const query = selectorFromMap(labels);
  selectors.set(labels, query);
  return query;
}

export const replicationController = replicaController<ReplicationController>({
  name: 'replicationcontroller-controller',
  component: 'replication-controller',
  kind: ReplicationController,
  specOf: ({ spec }) => ({
    replicas: spec.replicas ?? 1,
    minReadySeconds: spec.minReadySeconds ?? 0,
    query: queryOfMap(spec.selector),
    template: spec.template,
  }),
  reportsTerminating: false,
});
