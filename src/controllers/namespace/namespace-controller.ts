/**
 * Empties a namespace that is going away, pods first, and then lets it go.
 *
 * Source: Kubernetes documentation "Namespaces"; KEP-5080 (ordered deletion).
 */
import { APIService } from '#api/apiregistration/api-service.ts';
import { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { Namespace } from '#api/core/namespace.ts';
import { Pod } from '#api/core/pod.ts';
import type { Client } from '#client/client.ts';
import type { ReconcileContext } from '#reconcile/controller.ts';
import { done, recheckAfter, watch } from '#reconcile/controller.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { messageOf } from '../pod-control.ts';
import { namespacedKinds } from './namespaced-kinds.ts';
import { remoteNamespacedKinds } from './remote-kinds.ts';
import type { Remaining } from './plan-namespace.ts';
import { discoveryFailure, terminationConditions } from './plan-namespace.ts';

const ownFinalizer = 'kubernetes';
/** What is left usually waits for somebody else's finalizer. */
const recheckMs = 1000;
/** Objects looked at per kind when something is left; more only raise the count. */
const pageSize = 500;

export const namespaceController = defineController<Namespace>({
  name: 'namespace-controller',
  for: Namespace,
  // The last pod that goes lets the rest follow at once.
  watches: [watch(Pod, ({ metadata }, lister) => (isGoing(lister.get(Namespace, metadata.namespace)) ? [metadata.namespace] : []), () => false)],
  reads: [CustomResourceDefinition, APIService],
  concurrency: 10,

  async reconcile(key, context) {
    const namespace = context.lister.get(Namespace, key);
    if (namespace === undefined || !isGoing(namespace)) return done;
    if (namespace.status.phase !== 'Terminating') {
      await context.client.updateStatus(Namespace, { ...namespace, status: { ...namespace.status, phase: 'Terminating' } }, { signal: context.signal });
      return done;
    }
    if (!(namespace.spec.finalizers ?? []).includes(ownFinalizer)) return done;
    const remote = await remoteNamespacedKinds(context.lister, context.client, context.signal);
    const report = { ...await deleteContent(key, [...namespacedKinds(context.lister), ...remote.kinds], context), undiscovered: remote.undiscovered };
    const conditions = terminationConditions(namespace.status.conditions, report, context.clock.nowMs());
    let latest = namespace;
    if (!saysTheSame(conditions, namespace.status.conditions)) {
      latest = await context.client.updateStatus(Namespace, { ...namespace, status: { ...namespace.status, conditions } }, { signal: context.signal });
    }
    if (report.failures.length > 0) throw new Error(`namespace ${key}: ${report.failures.join('; ')}`);
    if (report.undiscovered.length > 0) throw new Error(`namespace ${key}: ${discoveryFailure(report.undiscovered)}`);
    if (report.remaining.length > 0) return recheckAfter(recheckMs);
    await finalize(latest, context);
    return done;
  },
});

function isGoing(namespace: Namespace | undefined): boolean {
  return namespace?.metadata.deletionTimestamp !== undefined;
}

async function deleteContent(namespace: string, kinds: readonly ResourceKind[], { client, signal }: ReconcileContext) {
  const remaining: Remaining[] = [];
  const failures: string[] = [];
  const empty = async (kind: ResourceKind): Promise<void> => {
    try {
      const left = await deleteKind(namespace, kind, client, signal);
      if (left !== undefined) remaining.push(left);
    } catch (error) {
      if (signal.aborted) throw error;
      failures.push(messageOf(error));
    }
  };
  await empty(Pod);
  if (remaining.length === 0 && failures.length === 0) {
    for (const kind of kinds) if (kind !== (Pod as ResourceKind)) await empty(kind);
  }
  return { remaining, failures };
}

async function deleteKind(namespace: string, kind: ResourceKind, client: Client, signal: AbortSignal): Promise<Remaining | undefined> {
  if (!kind.verbs.includes('list')) return undefined;
  const before = await client.list(kind, { namespace, limit: pageSize, signal });
  if (before.items.length === 0) return undefined;
  if (kind.verbs.includes('deletecollection')) await client.deleteCollection(kind, { namespace, propagationPolicy: 'Background', signal });
  else await Promise.all(before.items.map((item) => deleteOne(kind, item, client, signal)));
  const after = await client.list(kind, { namespace, limit: pageSize, signal });
  if (after.items.length === 0) return undefined;
  const finalizers = new Map<string, number>();
  for (const { metadata } of after.items) for (const name of metadata.finalizers ?? []) finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
  return { kind, count: after.items.length + (after.metadata.remainingItemCount ?? 0), finalizers };
}

async function deleteOne(kind: ResourceKind, { metadata }: KubeObject, client: Client, signal: AbortSignal): Promise<void> {
  try {
    await client.delete(kind, metadata, { propagationPolicy: 'Background', signal });
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
  }
}

/** Gives up our finalizer; with the last one gone the server removes the namespace. */
async function finalize(namespace: Namespace, { client, signal }: ReconcileContext): Promise<void> {
  const finalizers = (namespace.spec.finalizers ?? []).filter((name) => name !== ownFinalizer);
  try {
    await client.updateSubresource(Namespace, { ...namespace, spec: { ...namespace.spec, finalizers } }, 'finalize', { signal });
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
  }
}
