/**
 * The ServiceCIDR `kubernetes`, which says what --service-cluster-ip-range says. It is made at the first start; later it
 * is only ever extended by a second family, and made anew when somebody has deleted it.
 *
 * Source: KEP-1880; Kubernetes documentation, "Extend Service IP Ranges".
 */
import type { ServiceCIDR as ServiceCidrObject } from '#api/networking/service-cidr.ts';
import { ServiceCIDR } from '#api/networking/service-cidr.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, Given } from '#apimachinery/resource.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import { createEventRecorder } from '#client/recorder.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import { nowText, storeKey } from '../registry/registry-context.ts';
import { encodeStored, sealDraft } from '../watch-cache/cached-object.ts';
import { defaultServiceCidr } from './service-ranges.ts';

export const serviceCidrFinalizer = 'networking.k8s.io/service-cidr-finalizer';

/** The object as a cluster starts with it. */
export function defaultServiceCidrObject(cidrs: readonly string[], nowIso: string): Given<ServiceCidrObject> {
  return {
    metadata: { name: defaultServiceCidr, finalizers: [serviceCidrFinalizer] },
    spec: { cidrs },
    status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: nowIso, reason: '', message: 'Kubernetes default Service CIDR is ready' }] },
  };
}

/** Adds the second family, where the cluster has got one since. */
export async function extendDefaultServiceCidr({ cache, store }: RegistryContext, cidrs: readonly string[]): Promise<void> {
  const key = storeKey(ServiceCIDR, '', defaultServiceCidr);
  const cached = cache.of(ServiceCIDR).get(key);
  const found = cached?.object.spec.cidrs ?? [];
  if (cached === undefined || cidrs.length !== 2 || found.length !== 1 || found[0] !== cidrs[0]) return;
  const { resourceVersion: _version, ...metadata } = cached.object.metadata;
  const draft = { ...cached.object, metadata, spec: { cidrs } } as unknown as Draft<ServiceCidrObject>;
  const bytes = encodeStored(ServiceCIDR, draft);
  cache.expect(bytes, (revision) => sealDraft(draft as Draft<KubeObject>, revision));
  const result = await store.put(key, bytes, { modRevision: cached.revision });
  if (result.ok) await cache.reached(result.revision);
  else await cache.catchUp();
}

/** Makes the object anew when it is gone, and says so when it is not what the flags say. Returns how to stop. */
export function keepDefaultServiceCidr({ cache, clock, log }: RegistryContext, client: Client, cidrs: readonly string[]): () => void {
  const found = cache.of(ServiceCIDR).get(storeKey(ServiceCIDR, '', defaultServiceCidr))?.object;
  if (found !== undefined && !saysTheSame(found.spec.cidrs, cidrs)) {
    createEventRecorder({ client, clock, log }, 'kubernetes-service-cidr-controller')
      .event({ object: found }, 'Warning', 'KubernetesDefaultServiceCIDRInconsistent', `The default ServiceCIDR [${(found.spec.cidrs ?? []).join(' ')}] does not match the controller flag configurations [${cidrs.join(' ')}]`);
  }
  const make = async (): Promise<void> => {
    const wanted = defaultServiceCidrObject(cidrs, nowText(clock));
    try {
      const made = await client.create(ServiceCIDR, wanted);
      await client.updateStatus(ServiceCIDR, { ...made, status: wanted.status as ServiceCidrObject['status'] });
    } catch (error) {
      // Another server was quicker.
      if (!hasReason(error, 'AlreadyExists') && !hasReason(error, 'Conflict')) log.error({ error }, 'the default ServiceCIDR cannot be made anew');
    }
  };
  return cache.of(ServiceCIDR).subscribe(({ type, current }) => {
    if (type === 'DELETED' && current.object.metadata.name === defaultServiceCidr) clock.after(0, () => void make());
  });
}
