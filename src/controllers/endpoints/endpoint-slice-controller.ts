/** Keeps the EndpointSlices of every Service with a selector equal to its pods. */
import { hasReason } from '#apimachinery/status-error.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { Service } from '#api/core/service.ts';
import { done, recheckAfter, watch } from '#reconcile/controller.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { messageOf } from '../pod-control.ts';
import { managedBy, managedByLabel, planEndpointSlices, serviceNameLabel } from './plan-endpoint-slices.ts';
import { changesEndpoints, hasSelector, indexPods, podsOf, servicesOf } from './service-pods.ts';

const byService = 'managed-of-service';
/** A pod's node is seen a moment after the pod, if at all. */
const unknownNodeMs = 1000;

export const endpointSliceController = defineController<Service>({
  name: 'endpointslice-controller',
  component: 'endpoint-slice-controller',
  for: Service,
  watches: [watch(Pod, servicesOf, changesEndpoints), watch(EndpointSlice, (slice) => serviceKeys(slice))],
  reads: [Node],
  indexes(informers) {
    indexPods(informers);
    informers.for(EndpointSlice).addIndex(byService, serviceKeys);
  },

  async reconcile(key, { lister, client, recorder, signal }) {
    const service = lister.get(Service, key);
    // Slices of a deleted Service go with it; those of one without selector are somebody else's.
    if (service === undefined || !hasSelector(service) || service.metadata.deletionTimestamp !== undefined) return done;
    const zoneOf = (nodeName: string): string | undefined => {
      const node = lister.get(Node, nodeName);
      return node === undefined ? undefined : (node.metadata.labels?.['topology.kubernetes.io/zone'] ?? '');
    };
    const slices = lister.byIndex(EndpointSlice, byService, key).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const plan = planEndpointSlices({ service, pods: podsOf(service, lister), slices, zoneOf });
    try {
      for (const slice of plan.create) await client.create(EndpointSlice, slice, { signal });
      for (const slice of plan.update) await client.update(EndpointSlice, slice, { signal });
      for (const { metadata } of plan.remove) {
        await client.delete(EndpointSlice, metadata, { signal }).catch((error: unknown) => {
          if (!hasReason(error, 'NotFound')) throw error;
        });
      }
    } catch (error) {
      if (!hasReason(error, 'Conflict')) {
        recorder.event({ object: service }, 'Warning', 'FailedToUpdateEndpointSlices', `Error updating Endpoint Slices for Service ${key}: ${messageOf(error)}`);
      }
      throw error;
    }
    return recheckAfter(plan.isIncomplete ? unknownNodeMs : undefined);
  },
});

function serviceKeys({ metadata }: EndpointSlice): readonly string[] {
  const name = metadata.labels?.[serviceNameLabel];
  return name === undefined || metadata.labels?.[managedByLabel] !== managedBy ? [] : [`${metadata.namespace}/${name}`];
}
