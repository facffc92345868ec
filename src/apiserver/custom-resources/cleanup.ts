/** A definition that is deleted takes its objects with it. */
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { deleteObject } from '../registry/delete.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import { storePrefix } from '../registry/registry-context.ts';
import type { UserInfo } from '../request/api-call.ts';
import type { Condition } from './definition-status.ts';

export interface Cleanup {
  /** `Terminating`. */
  readonly condition: Condition;
  readonly isDone: boolean;
}

/**
 * Deletes all objects of a kind; `hub` is undefined when the definition was never served. `again` is called when it is
 * worth another try: some objects have finalizers and stay for a while.
 */
export async function deleteInstances(registry: RegistryContext, hub: ResourceKind | undefined, user: UserInfo, again: () => void): Promise<Cleanup> {
  if (hub === undefined) return { condition: { type: 'Terminating', status: 'False', reason: 'NeverEstablished', message: 'resource was never established' }, isDone: true };
  const cache = registry.cache.of(hub);
  const instances: KubeObject[] = [...cache.range(storePrefix(hub, ''))].map(({ object }) => object);
  for (const { metadata } of instances) {
    if (metadata.deletionTimestamp !== undefined) continue;
    try {
      await deleteObject(registry, hub, { namespace: metadata.namespace ?? '', name: metadata.name }, {}, { user, query: {} });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }
  if (cache.size === 0) return { condition: { type: 'Terminating', status: 'False', reason: 'InstanceDeletionCompleted', message: 'removed all instances' }, isDone: true };
  const unsubscribe = cache.subscribe(({ type }) => {
    if (type !== 'DELETED' || cache.size > 0) return;
    unsubscribe();
    again();
  });
  return { condition: { type: 'Terminating', status: 'True', reason: 'InstanceDeletionInProgress', message: 'CustomResource deletion is in progress' }, isDone: false };
}
