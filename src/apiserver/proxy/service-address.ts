/** Where a Service is reached by the API server itself (webhooks, aggregated API servers). Pure. */
import type { Service } from '#api/core/service.ts';
import type { EndpointSlice } from '#api/discovery/endpoint-slice.ts';

const serviceLabel = 'kubernetes.io/service-name';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * A ready endpoint behind the port; the cluster address where the Service is not led to pods by selector or slices; the
 * name of an external one. Undefined: there is no such Service or port.
 */
export function serviceAddress(service: Service | undefined, slices: readonly EndpointSlice[], port: number): Address | 'none-ready' | undefined {
  if (service === undefined) return undefined;
  const { spec, metadata } = service;
  if (spec.type === 'ExternalName') return { host: spec.externalName ?? '', port };
  const found = spec.ports?.find((each) => each.port === port);
  if (found === undefined) return undefined;
  const own = slices.filter((each) => each.metadata.labels?.[serviceLabel] === metadata.name && each.addressType !== 'FQDN');
  for (const slice of own) {
    const target = slice.ports?.find((each) => (each.name ?? '') === (found.name ?? ''))?.port;
    const endpoint = slice.endpoints?.find((each) => each.conditions?.ready !== false);
    const [host] = endpoint?.addresses ?? [];
    if (target !== undefined && host !== undefined) return { host, port: target };
  }
  const { clusterIP } = spec;
  return own.length > 0 || clusterIP === undefined || clusterIP === 'None' ? 'none-ready' : { host: clusterIP, port };
}
