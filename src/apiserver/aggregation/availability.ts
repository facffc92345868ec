/**
 * Whether an API server behind this one can be asked, as far as objects show it. Pure.
 * Source: behaviour of kube-aggregator's availability controllers; reasons and texts are its own.
 */
import type { APIService, APIServiceCondition } from '#api/apiregistration/api-service.ts';
import type { Service } from '#api/core/service.ts';
import type { EndpointSlice } from '#api/discovery/endpoint-slice.ts';

export type Availability = Pick<APIServiceCondition, 'status' | 'reason' | 'message'>;

/** What this server serves itself. */
export const local: Availability = { status: 'True', reason: 'Local', message: 'Local APIServices are always available' };
export const passed: Availability = { status: 'True', reason: 'Passed', message: 'all checks passed' };

export function failedDiscovery(message: string): Availability {
  return { status: 'False', reason: 'FailedDiscoveryCheck', message };
}

/** Why it cannot be asked; undefined when only asking can tell. `slices`: those of the Service's namespace. */
export function unavailability({ spec }: APIService, service: Service | undefined, slices: Iterable<EndpointSlice>): Availability | undefined {
  const { name = '', namespace = '', port = 443 } = spec.service ?? {};
  const place = `service/${name} in ${JSON.stringify(namespace)}`;
  const no = (reason: string, message: string): Availability => ({ status: 'False', reason, message });
  if (service === undefined) return no('ServiceNotFound', `${place} is not present`);
  if (service.spec.type !== 'ClusterIP') return undefined;
  const found = service.spec.ports?.find((each) => each.port === port);
  if (found === undefined) return no('ServicePortError', `${place} is not listening on port ${port}`);
  const own = [...slices].filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
  if (own.length === 0) return no('EndpointsNotFound', `cannot find endpointslices for ${place}`);
  const portName = found.name ?? '';
  const isServed = own.some(({ endpoints, ports }) => endpoints.some(({ conditions }) => conditions?.ready !== false) && ports.some((each) => (each.name ?? '') === portName && each.port !== undefined));
  return isServed ? undefined : no('MissingEndpoints', `endpointslices for ${place} have no addresses with port name ${JSON.stringify(portName)}`);
}

/** The condition that says whether it is available; undefined while nobody has checked. */
export function availableCondition({ status }: APIService): APIServiceCondition | undefined {
  return status.conditions?.find(({ type }) => type === 'Available');
}

export function isSame(left: Availability | undefined, right: Availability | undefined): boolean {
  return left?.status === right?.status && left?.reason === right?.reason && left?.message === right?.message;
}
