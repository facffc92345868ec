/** How pods come to the server: the Service that the whole cluster knows it by. */
import { hasReason } from '#apimachinery/status-error.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { Client } from '#client/client.ts';

export interface PublishedServer {
  readonly nodeName: string;
  /** Where it listens; not a loopback address. */
  readonly address: string;
  readonly port: number;
  /** Where its metrics are; undefined when nowhere. */
  readonly metricsPort?: number | undefined;
  /** What pods have as their name server. */
  readonly clusterIp: string;
}

/** As with CoreDNS: whatever looks for the cluster's name server looks here. */
const serviceName = { namespace: 'kube-system', name: 'kube-dns' } as const;
const manager = 'skiff-dns';

/**
 * Writes Service and EndpointSlice as they have to be; done before, it changes nothing. A Service with a selector is
 * somebody else's DNS server (CoreDNS, say): it stays as it is, and ours steps back. Answers whether ours is published.
 */
export async function publishDnsService(client: Client, server: PublishedServer, { signal }: { readonly signal?: AbortSignal } = {}): Promise<boolean> {
  const sliceName = { namespace: serviceName.namespace, name: `${serviceName.name}-${server.nodeName}` };
  const known = await client.get(Service, serviceName, { signal }).catch(orUndefined);
  if (Object.keys(known?.spec.selector ?? {}).length > 0) {
    await client.delete(EndpointSlice, sliceName, { signal }).catch(orUndefined);
    return false;
  }
  const options = { fieldManager: manager, force: true, signal };
  await client.apply(Service, {
    metadata: {
      ...serviceName,
      labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
      annotations: { 'prometheus.io/port': '9153', 'prometheus.io/scrape': 'true' },
    },
    spec: {
      type: 'ClusterIP', clusterIP: server.clusterIp, clusterIPs: [server.clusterIp],
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
        { name: 'metrics', port: 9153, protocol: 'TCP', targetPort: 9153 },
      ],
    },
  }, options);
  await client.apply(EndpointSlice, {
    metadata: { ...sliceName, labels: { 'kubernetes.io/service-name': serviceName.name, 'endpointslice.kubernetes.io/managed-by': manager } },
    addressType: server.address.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [server.address], conditions: { ready: true, serving: true, terminating: false }, nodeName: server.nodeName }],
    ports: [
      { name: 'dns', port: server.port, protocol: 'UDP' },
      { name: 'dns-tcp', port: server.port, protocol: 'TCP' },
      ...(server.metricsPort === undefined ? [] : [{ name: 'metrics', port: server.metricsPort, protocol: 'TCP' as const }]),
    ],
  }, options);
  return true;
}

function orUndefined(error: unknown): undefined {
  if (!hasReason(error, 'NotFound')) throw error;
}
