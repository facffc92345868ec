/**
 * Mirrors Endpoints that people write by hand (of Services without selector) into EndpointSlices, which is what proxies
 * read.
 */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { Given } from '#apimachinery/resource.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { Endpoints } from '#api/core/endpoints.ts';
import type { EndpointAddress } from '#api/core/endpoints.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { Endpoint, EndpointPort } from '#api/discovery/endpoint-slice.ts';
import { keyOf } from '#client/informer.ts';
import { controllerReference } from '#reconcile/adoption.ts';
import { done, watch } from '#reconcile/controller.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { managedByLabel, serviceNameLabel } from './plan-endpoint-slices.ts';
import { hasSelector } from './service-pods.ts';

const mirroringManager = 'endpointslicemirroring-controller.k8s.io';
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const byEndpoints = 'mirrored-of-endpoints';
/** Annotations that are about the Endpoints object itself. */
const notCopied: ReadonlySet<string> = new Set(['kubectl.kubernetes.io/last-applied-configuration', 'endpoints.kubernetes.io/last-change-trigger-time']);
/** Addresses of one subset that are mirrored. */
const maxPerSubset = 1000;

/** Whether the Endpoints are somebody's own, and not a lock of an old leader election. */
export function isMirrored({ metadata }: Endpoints): boolean {
  return metadata.labels?.[skipLabel] !== 'true' && metadata.annotations?.[leaderAnnotation] === undefined && metadata.deletionTimestamp === undefined;
}

/** The slices that say what the Endpoints say, one per subset and family. Pure. */
export function mirroredSlices(endpoints: Endpoints): readonly Given<EndpointSlice>[] {
  const { metadata, subsets = [] } = endpoints;
  const slices: Given<EndpointSlice>[] = [];
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    const all = [...addresses.map((address) => endpointOf(address, true)), ...notReadyAddresses.map((address) => endpointOf(address, false))].slice(0, maxPerSubset);
    const slicePorts = ports.map(({ name = '', protocol = 'TCP', port, appProtocol }): EndpointPort => ({ name, protocol, port, ...(appProtocol !== undefined && { appProtocol }) }));
    for (const addressType of ['IPv4', 'IPv6'] as const) {
      const ofFamily = all.filter((endpoint) => endpoint.addresses[0]?.includes(':') === (addressType === 'IPv6'));
      if (ofFamily.length === 0) continue;
      slices.push({
        metadata: {
          generateName: `${metadata.name}-`,
          namespace: metadata.namespace,
          labels: { ...metadata.labels, [serviceNameLabel]: metadata.name, [managedByLabel]: mirroringManager },
          annotations: Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key))),
          ownerReferences: [controllerReference(Endpoints, endpoints)],
        },
        addressType,
        endpoints: ofFamily,
        ports: slicePorts,
      });
    }
  }
  return slices;
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname !== undefined && { hostname }),
    ...(targetRef !== undefined && { targetRef }),
    ...(nodeName !== undefined && { nodeName }),
  };
}

export const endpointSliceMirroringController = defineController<Endpoints>({
  name: 'endpointslice-mirroring-controller',
  for: Endpoints,
  watches: [
    watch(Service, (service) => [keyOf(service)], (service, old) => hasSelector(service) !== hasSelector(old)),
    watch(EndpointSlice, endpointsKeys),
  ],
  indexes(informers) {
    informers.for(EndpointSlice).addIndex(byEndpoints, endpointsKeys);
  },

  async reconcile(key, { lister, client, signal }) {
    const endpoints = lister.get(Endpoints, key);
    const service = lister.get(Service, key);
    const isWanted = endpoints !== undefined && isMirrored(endpoints) && service !== undefined && !hasSelector(service);
    const spare = [...lister.byIndex(EndpointSlice, byEndpoints, key)];
    for (const wanted of isWanted ? mirroredSlices(endpoints) : []) {
      const at = spare.findIndex((slice) => slice.addressType === wanted.addressType && saysTheSame(slice.ports, wanted.ports));
      const known = at < 0 ? undefined : spare.splice(at, 1)[0];
      if (known === undefined) {
        await client.create(EndpointSlice, wanted, { signal });
        continue;
      }
      const { labels = {}, annotations = {} } = wanted.metadata ?? {};
      const isSame = saysTheSame(known.endpoints, wanted.endpoints) && saysTheSame(known.metadata.labels, labels) && saysTheSame(known.metadata.annotations ?? {}, annotations);
      if (isSame) continue;
      const metadata = { ...known.metadata, labels: labels as Record<string, string>, annotations: annotations as Record<string, string> };
      await client.update(EndpointSlice, { ...known, metadata, endpoints: wanted.endpoints as readonly Endpoint[] }, { signal });
    }
    for (const { metadata } of spare) {
      await client.delete(EndpointSlice, metadata, { signal }).catch((error: unknown) => {
        if (!hasReason(error, 'NotFound')) throw error;
      });
    }
    return done;
  },
});

function endpointsKeys({ metadata }: EndpointSlice): readonly string[] {
  const name = metadata.labels?.[serviceNameLabel];
  return name === undefined || metadata.labels?.[managedByLabel] !== mirroringManager ? [] : [`${metadata.namespace}/${name}`];
}
