/** Keeps the classic Endpoints object of every Service with a selector, for those who still read it. */
import { saysTheSame } from '#apimachinery/equal.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { Endpoints } from '#api/core/endpoints.ts';
import { Pod } from '#api/core/pod.ts';
import { Service } from '#api/core/service.ts';
import type { ReconcileContext } from '#reconcile/controller.ts';
import { done, watch } from '#reconcile/controller.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { keyOf } from '#client/informer.ts';
import { messageOf } from '../pod-control.ts';
import { changedPods, endpointsManagedBy, endpointsManagedByLabel, planEndpoints } from './plan-endpoints.ts';
import { triggerTime, withTriggerTime } from './trigger-time.ts';
import { changesEndpoints, hasSelector, indexPods, podsOf, servicesOf } from './service-pods.ts';

const overCapacity = 'endpoints.kubernetes.io/over-capacity';

export const endpointsController = defineController<Service>({
  name: 'endpoints-controller',
  component: 'endpoint-controller',
  for: Service,
  watches: [watch(Pod, servicesOf, changesEndpoints), watch(Endpoints, (endpoints) => (isOurs(endpoints) ? [keyOf(endpoints)] : []))],
  indexes: indexPods,

  async reconcile(key, context) {
    const { lister, client, recorder, signal } = context;
    const service = lister.get(Service, key);
    const known = lister.get(Endpoints, key);
    if (service === undefined) {
      if (known !== undefined && isOurs(known)) await remove(known, context);
      return done;
    }
    if (!hasSelector(service) || service.metadata.deletionTimestamp !== undefined) return done;
    const pods = podsOf(service, lister);
    const { labels, subsets, isTruncated } = planEndpoints(service, pods);
    const { [overCapacity]: _truncated, ...annotations } = known?.metadata.annotations ?? {};
    const marked = isTruncated ? { ...annotations, [overCapacity]: 'truncated' } : annotations;
    if (known !== undefined && saysTheSame(known.subsets, subsets) && saysTheSame(known.metadata.labels, labels) && saysTheSame(known.metadata.annotations ?? {}, marked)) return done;
    const changed = changedPods(known?.subsets ?? [], subsets);
    const wanted = withTriggerTime(marked, triggerTime(service, { isNew: known === undefined, changed: pods.filter(({ metadata }) => changed.has(metadata.uid)) }));
    try {
      const { namespace, name } = service.metadata;
      if (known === undefined) await client.create(Endpoints, { metadata: { namespace, name, labels, annotations: wanted }, subsets }, { signal });
      else await client.update(Endpoints, { ...known, metadata: { ...known.metadata, labels, annotations: wanted }, subsets }, { signal });
    } catch (error) {
      if (!hasReason(error, 'Conflict') && !hasReason(error, 'AlreadyExists')) {
        const verb = known === undefined ? 'create' : 'update';
        recorder.event({ object: known ?? service }, 'Warning', `FailedTo${known === undefined ? 'Create' : 'Update'}Endpoint`, `Failed to ${verb} endpoint ${key}: ${messageOf(error)}`);
      }
      throw error;
    }
    return done;
  },
});

function isOurs({ metadata }: Endpoints): boolean {
  return metadata.labels?.[endpointsManagedByLabel] === endpointsManagedBy;
}

async function remove({ metadata }: Endpoints, { client, signal }: ReconcileContext): Promise<void> {
  try {
    await client.delete(Endpoints, metadata, { signal });
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
  }
}
