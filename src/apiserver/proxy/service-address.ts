/** Where a Service is reached by the API server itself (webhooks, aggregated API servers). Pure. */
import type { Service } from '#api/core/service.ts';
import type { EndpointSlice } from '#api/discovery/endpoint-slice.ts';

const serviceLabel = 'kubernetes.io/service-name';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The first of `serviceAddresses`. Undefined: there is no such Service or port. */
export function serviceAddress(service: Service | undefined, slices: readonly EndpointSlice[], port: number): Address | 'none-ready' | undefined {
  const found = serviceAddresses(service, slices, port);
  return found === undefined ? undefined : (found[0] ?? 'none-ready');
}

/**
 * The ready endpoints behind the port; the cluster address where the Service is not led to pods by selector or slices; the
 * name of an external one. Undefined: there is no such Service or port.
 */
export function serviceAddresses(service: Service | undefined, slices: readonly EndpointSlice[], port: number): readonly Address[] | undefined {
  if (service === undefined) return undefined;
  const { spec, metadata } = service;
  if (spec.type === 'ExternalName') return [{ host: spec.externalName ?? '', port }];
  const found = spec.ports?.find((each) => each.port === port);
  if (found === undefined) return undefined;
  const own = slices.filter((each) => each.metadata.labels?.[serviceLabel] === metadata.name && each.addressType !== 'FQDN');
  const ready = own.flatMap((slice) => {
    const target = slice.ports?.find((each) => (each.name ?? '') === (found.name ?? ''))?.port;
    if (target === undefined) return [];
    return (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).flatMap(({ addresses: [host] }) => (host === undefined ? [] : [{ host, port: target }]));
  });
  const { clusterIP } = spec;
  if (ready.length > 0 || own.length > 0 || clusterIP === undefined || clusterIP === 'None') return ready;
  return [{ host: clusterIP, port }];
}
