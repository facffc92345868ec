import { Endpoints } from '#api/core/endpoints.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { KubeObject, NamespacedMeta } from '#apimachinery/object-meta.ts';
import type { Given, ResourceKind } from '#apimachinery/resource.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';

const namespace = 'default';
const name = 'kubernetes';

/**
 * The `kubernetes` Service in `default`: how pods reach the API server. Its endpoint is written anew at every start,
 * because address and port may have changed.
 * Source: Kubernetes documentation, "Accessing the API from a Pod".
 */
export async function publishApiService(
  client: Client, { address, port, serviceIp }: { readonly address: string; readonly port: number; readonly serviceIp: string },
): Promise<void> {
  const ports = [{ name: 'https', protocol: 'TCP' as const, port: 443, targetPort: port }];
  await ensure(client, Service, {
    metadata: { name, namespace, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: { clusterIP: serviceIp, clusterIPs: [serviceIp], ports },
  }, (found) => ({ ...found, spec: { ...found.spec, ports } }));
  const subsets = [{ addresses: [{ ip: address }], ports: [{ name: 'https', port, protocol: 'TCP' as const }] }];
  await ensure(client, Endpoints, {
    metadata: { name, namespace, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }, subsets,
  }, (found) => ({ ...found, subsets }));
  const endpoints = [{ addresses: [address], conditions: { ready: true } }];
  const slicePorts = [{ name: 'https', port, protocol: 'TCP' as const }];
  await ensure(client, EndpointSlice, {
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: address.includes(':') ? 'IPv6' : 'IPv4', endpoints, ports: slicePorts,
  }, (found) => ({ ...found, endpoints, ports: slicePorts }));
}

/** Creates the object, or brings what is there up to date. */
async function ensure<T extends KubeObject & { readonly metadata: NamespacedMeta }>(
  client: Client, kind: ResourceKind<T>, wanted: Given<T>, update: (found: T) => T,
): Promise<void> {
  const look = (): Promise<T | undefined> => client.get(kind, { namespace, name }).catch((error: unknown) => {
    if (!hasReason(error, 'NotFound')) throw error;
    return undefined;
  });
  let found = await look();
  if (found === undefined) {
    try {
      await client.create(kind, wanted);
      return;
    } catch (error) {
      // Another server was quicker. Its Service may be in the way by its address or by its name.
      found = await look();
      if (found === undefined) throw error;
    }
  }
  await client.update(kind, update(found));
}
