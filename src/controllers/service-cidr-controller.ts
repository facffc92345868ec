/**
 * ServiceCIDRs that Services still have addresses from stay when they are deleted; the others are declared ready.
 *
 * Source: KEP-1880; behaviour of the v1.36 controller manager.
 */
import { IPAddress } from '#api/networking/ip-address.ts';
import { ServiceCIDR } from '#api/networking/service-cidr.ts';
import type { AddressRange } from '#apimachinery/ip-range.ts';
import { containsAddress, containsRange, parseAddress, parseRange } from '#apimachinery/ip-range.ts';
import type { ControllerLister } from '#reconcile/controller-lister.ts';
import { defineController } from '#reconcile/define-controller.ts';
import { done, recheckAfter, watch } from '#reconcile/controller.ts';

const finalizer = 'networking.k8s.io/service-cidr-finalizer';
const managedByLabel = 'ipaddress.kubernetes.io/managed-by';
const allocatorName = 'ipallocator.k8s.io';
/** How long every API server has to learn of the deletion before the range is given up. */
const graceMs = 10_000;

export type ServiceCidrPlan =
  | { readonly is: 'done' }
  | { readonly is: 'wait'; readonly ms: number }
  | { readonly is: 'finalizers'; readonly finalizers: readonly string[] }
  | { readonly is: 'ready'; readonly status: 'True' | 'False'; readonly reason: string; readonly message: string };

/** The next step for one ServiceCIDR. Pure. `others`: all the rest of them. `addresses`: those of Services, asked for only when needed. */
export function planServiceCidr(range: ServiceCIDR, others: readonly ServiceCIDR[], addresses: () => Iterable<string>, nowMs: number): ServiceCidrPlan {
  const { finalizers = [], deletionTimestamp } = range.metadata;
  const ready = range.status.conditions?.find(({ type }) => type === 'Ready');
  if (deletionTimestamp === undefined) {
    if (!finalizers.includes(finalizer)) return { is: 'finalizers', finalizers: [...finalizers, finalizer] };
    return ready?.status === 'True' ? { is: 'done' } : { is: 'ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' };
  }
  if (isNeeded(range, others, addresses)) {
    return ready?.status === 'False' && ready.reason === 'Terminating' ? { is: 'done' } : {
      is: 'ready', status: 'False', reason: 'Terminating',
      message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
    };
  }
  if (!finalizers.includes(finalizer)) return { is: 'done' };
  const waitMs = Date.parse(deletionTimestamp) + graceMs - nowMs;
  return waitMs > 0 ? { is: 'wait', ms: waitMs } : { is: 'finalizers', finalizers: finalizers.filter((each) => each !== finalizer) };
}

/** Whether some Service's address lies in no other ServiceCIDR. */
function isNeeded(range: ServiceCIDR, others: readonly ServiceCIDR[], addresses: () => Iterable<string>): boolean {
  const own = rangesOf(range);
  const rest = others.flatMap(rangesOf);
  if (own.every((inner) => rest.some((outer) => containsRange(outer, inner)))) return false;
  for (const text of addresses()) {
    const address = parseAddress(text);
    if (address === undefined || !own.some((each) => containsAddress(each, address))) continue;
    if (!rest.some((each) => containsAddress(each, address))) return true;
  }
  return false;
}

function rangesOf({ spec }: ServiceCIDR): readonly AddressRange[] {
  return (spec.cidrs ?? []).flatMap((cidr) => parseRange(cidr) ?? []);
}

/** Keys of those that wait for something: a range that covers them, an address that goes. */
function waiting(lister: ControllerLister): readonly ServiceCIDR[] {
  return lister.list(ServiceCIDR).filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
}

export const serviceCidrController = defineController<ServiceCIDR>({
  name: 'service-cidr-controller',
  for: ServiceCIDR,
  watches: [
    watch(ServiceCIDR, (_range, lister) => waiting(lister).map(({ metadata }) => metadata.name), () => false),
    watch(IPAddress, ({ metadata }, lister) => {
      const address = parseAddress(metadata.name);
      if (address === undefined) return [];
      return waiting(lister).filter((range) => rangesOf(range).some((each) => containsAddress(each, address))).map((range) => range.metadata.name);
    }, () => false),
  ],

  async reconcile(key, { lister, client, recorder, clock, signal }) {
    const range = lister.get(ServiceCIDR, key);
    if (range === undefined) return done;
    const others = lister.list(ServiceCIDR).filter(({ metadata }) => metadata.name !== key);
    const addresses = (): string[] => lister.list(IPAddress).filter(({ metadata }) => metadata.labels?.[managedByLabel] === allocatorName).map(({ metadata }) => metadata.name);
    const plan = planServiceCidr(range, others, addresses, clock.nowMs());
    switch (plan.is) {
      case 'done':
        return done;
      case 'wait':
        return recheckAfter(plan.ms);
      case 'finalizers':
        await client.update(ServiceCIDR, { ...range, metadata: { ...range.metadata, finalizers: plan.finalizers } }, { signal });
        return done;
      case 'ready': {
        const { status, reason, message } = plan;
        const conditions = [{ type: 'Ready', status, reason, message, lastTransitionTime: `${new Date(clock.nowMs()).toISOString().slice(0, 19)}Z` }];
        try {
          await client.apply(ServiceCIDR, { metadata: { name: key }, status: { conditions } }, { subresource: 'status', fieldManager: 'service-cidr-controller', force: true, signal });
        } catch (error) {
          if (status === 'True') recorder.event({ object: range }, 'Warning', 'KubernetesServiceCIDRError', 'The ServiceCIDR Status can not be set to Ready=True');
          throw error;
        }
        return done;
      }
    }
  },
});
