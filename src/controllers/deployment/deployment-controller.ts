/** Rolls out pod templates: one ReplicaSet per template, sized so that enough pods serve at any time. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { Given } from '#apimachinery/resource.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { Deployment } from '#api/apps/deployment.ts';
import type { DeploymentStatus } from '#api/apps/deployment.ts';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import { Pod } from '#api/core/pod.ts';
import { isTerminal } from '#api/core/pod-status.ts';
import { claim } from '#reconcile/adoption.ts';
import type { ReconcileContext } from '#reconcile/controller.ts';
import { done, recheckAfter, watch } from '#reconcile/controller.ts';
import { controllerOf, queryOf } from '#reconcile/controller-lister.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { isNamespaceTerminating, messageOf } from '../pod-control.ts';
import { templateText } from '../template-hash.ts';
import type { ReplicaSetChange } from './plan-deployment.ts';
import { planDeployment } from './plan-deployment.ts';
import { hasDeadline, setCondition } from './plan-status.ts';
import { replicasOf, revisionAnnotation } from './replica-sets.ts';

export const deploymentController = defineController<Deployment>({
  name: 'deployment-controller',
  for: Deployment,
  owns: [ReplicaSet],
  selects: ({ spec }) => queryOf(spec.selector),
  // Recreate goes on when the last old pod is gone; other pods are the ReplicaSets' business.
  watches: [watch(Pod, keysAfterPod, (pod, old) => isTerminal(pod) !== isTerminal(old))],

  async reconcile(key, context) {
    const deployment = context.lister.get(Deployment, key);
    if (deployment === undefined) return done;
    const query = queryOf(deployment.spec.selector);
    if (query.requirements.length === 0) return selectsEverything(deployment, context);

    const replicaSets = await claim(ReplicaSet, { kind: Deployment, owner: deployment, query }, context);
    const oldPodsGone = (current: ReplicaSet | undefined): boolean =>
      replicaSets.every((replicaSet) => replicaSet === current || context.lister.ownedBy(Pod, replicaSet).every(isTerminal));
    const plan = planDeployment({ deployment, replicaSets, oldPodsGone, nowMs: context.clock.nowMs() });

    if (plan.create !== undefined) {
      const failed = await createReplicaSet(plan.create, deployment, context);
      if (failed !== undefined) {
        await writeStatus(deployment, { ...plan.status, ...failed.status }, undefined, context);
        throw failed.error;
      }
    }
    for (const change of plan.changes) await changeReplicaSet(change, deployment, context);
    for (const replicaSet of plan.remove) await removeReplicaSet(replicaSet, context);
    await writeStatus(deployment, plan.status, plan.revision, context);
    return recheckAfter(plan.recheckAfterMs);
  },
});

function keysAfterPod(pod: Pod, lister: ReconcileContext['lister']): readonly string[] {
  const { namespace } = pod.metadata;
  const owner = controllerOf(pod);
  if (owner?.kind !== ReplicaSet.kind) return [];
  const replicaSet = lister.get(ReplicaSet, `${namespace}/${owner.name}`);
  const controller = replicaSet === undefined ? undefined : controllerOf(replicaSet);
  if (controller?.kind !== Deployment.kind) return [];
  const key = `${namespace}/${controller.name}`;
  return lister.get(Deployment, key)?.spec.strategy.type === 'Recreate' ? [key] : [];
}

async function selectsEverything(deployment: Deployment, context: ReconcileContext) {
  context.recorder.event({ object: deployment }, 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.');
  const observedGeneration = deployment.metadata.generation ?? 0;
  if ((deployment.status.observedGeneration ?? 0) < observedGeneration) {
    await writeStatus(deployment, { ...deployment.status, observedGeneration }, undefined, context);
  }
  return done;
}

interface CreationFailure {
  readonly error: unknown;
  /** What the status shall say besides. */
  readonly status: Partial<DeploymentStatus>;
}

async function createReplicaSet(wanted: Given<ReplicaSet>, deployment: Deployment, context: ReconcileContext): Promise<CreationFailure | undefined> {
  const { client, recorder, clock, signal } = context;
  try {
    const made = await client.create(ReplicaSet, wanted, { signal });
    const replicas = replicasOf(made);
    if (replicas > 0) recorder.event({ object: deployment }, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${made.metadata.name} from 0 to ${replicas}`);
    return undefined;
  } catch (error) {
    if (isNamespaceTerminating(error)) throw error;
    if (hasReason(error, 'AlreadyExists')) {
      const known = await client.get(ReplicaSet, { namespace: deployment.metadata.namespace, name: wanted.metadata?.name ?? '' }, { signal });
      const isOurs = controllerOf(known)?.uid === deployment.metadata.uid && templateText(known.spec.template) === templateText(deployment.spec.template);
      // Ours, only not seen yet: nothing is wrong. Else two templates have the same hash.
      if (isOurs) return undefined;
      return { error, status: { collisionCount: (deployment.status.collisionCount ?? 0) + 1 } };
    }
    const message = `Failed to create new replica set "${wanted.metadata?.name ?? ''}": ${messageOf(error)}`;
    recorder.event({ object: deployment }, 'Warning', 'ReplicaSetCreateError', message);
    if (!hasDeadline(deployment)) return { error, status: {} };
    const change = { type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message } as const;
    return { error, status: { conditions: setCondition(deployment.status.conditions, change, clock.nowMs()) } };
  }
}

async function changeReplicaSet({ replicaSet, changed }: ReplicaSetChange, deployment: Deployment, { client, recorder, signal }: ReconcileContext): Promise<void> {
  await client.update(ReplicaSet, changed, { signal });
  const [was, is] = [replicasOf(replicaSet), replicasOf(changed)];
  if (was === is) return;
  recorder.event({ object: deployment }, 'Normal', 'ScalingReplicaSet', `Scaled ${is > was ? 'up' : 'down'} replica set ${replicaSet.metadata.name} from ${was} to ${is}`);
}

async function removeReplicaSet({ metadata }: ReplicaSet, { client, signal }: ReconcileContext): Promise<void> {
  try {
    await client.delete(ReplicaSet, metadata, { signal });
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
  }
}

async function writeStatus(deployment: Deployment, status: DeploymentStatus, revision: string | undefined, { client, signal }: ReconcileContext): Promise<void> {
  if (revision === undefined && saysTheSame(status, deployment.status)) return;
  const annotations = revision === undefined ? deployment.metadata.annotations : { ...deployment.metadata.annotations, [revisionAnnotation]: revision };
  await client.updateStatus(Deployment, { ...deployment, metadata: { ...deployment.metadata, annotations }, status }, { signal });
}
