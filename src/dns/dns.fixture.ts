/** A small cluster for tests of names. */
import type { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { Service, ServiceSpec } from '#api/core/service.ts';
import { DnsIndex } from './dns-index.ts';

const meta = { uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };

export function serviceOf(namespace: string, name: string, spec: Partial<ServiceSpec>): Service {
  return {
    apiVersion: 'v1', kind: 'Service', metadata: { ...meta, namespace, name },
    spec: { type: 'ClusterIP', ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }], ...spec },
    status: { loadBalancer: {} },
  };
}

export interface EndpointTraits {
  readonly hostname?: string;
  readonly ready?: boolean;
}

export function endpointOf(address: string, { hostname, ready = true }: EndpointTraits = {}): EndpointSlice['endpoints'][number] {
  return { addresses: [address], conditions: { ready }, ...(hostname === undefined ? {} : { hostname }) };
}

export function sliceOf(namespace: string, service: string, endpoints: EndpointSlice['endpoints'], { name = `${service}-1`, ports }: { readonly name?: string; readonly ports?: EndpointSlice['ports'] } = {}): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice',
    addressType: endpoints[0]?.addresses[0]?.includes(':') === true ? 'IPv6' : 'IPv4',
    metadata: { ...meta, namespace, name, labels: { 'kubernetes.io/service-name': service } },
    endpoints, ports: ports ?? [{ name: 'http', port: 8080, protocol: 'TCP' }],
  };
}

export const services: readonly Service[] = [
  serviceOf('default', 'hello', { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5', 'fd00:10:96::5'] }),
  serviceOf('default', 'plain', { clusterIP: '10.96.0.6', clusterIPs: ['10.96.0.6'], ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }] }),
  serviceOf('default', 'web', { clusterIP: 'None', clusterIPs: ['None'] }),
  serviceOf('default', 'empty', { clusterIP: 'None', clusterIPs: ['None'] }),
  serviceOf('default', 'early', { clusterIP: 'None', clusterIPs: ['None'], publishNotReadyAddresses: true }),
  serviceOf('default', 'outside', { type: 'ExternalName', externalName: 'Example.com.', ports: [] }),
  serviceOf('default', 'inside', { type: 'ExternalName', externalName: 'hello.default.svc.cluster.local', ports: [] }),
  serviceOf('default', 'nowhere', { type: 'ExternalName', externalName: 'gone.default.svc.cluster.local', ports: [] }),
  serviceOf('default', 'number', { type: 'ExternalName', externalName: '192.0.2.1', ports: [] }),
  serviceOf('default', 'circle-a', { type: 'ExternalName', externalName: 'circle-b.default.svc.cluster.local', ports: [] }),
  serviceOf('default', 'circle-b', { type: 'ExternalName', externalName: 'circle-a.default.svc.cluster.local', ports: [] }),
  serviceOf('kube-system', 'kube-dns', { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: [{ name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 }] }),
];

export const slices: readonly EndpointSlice[] = [
  sliceOf('default', 'hello', [endpointOf('10.244.0.7')]),
  sliceOf('default', 'web', [endpointOf('10.244.0.8', { hostname: 'web-0' }), endpointOf('10.244.0.9', { hostname: 'web-1' }), endpointOf('10.244.0.10', { hostname: 'web-2', ready: false })]),
  sliceOf('default', 'web', [endpointOf('fd00::8', { hostname: 'web-0' })], { name: 'web-6' }),
  sliceOf('default', 'empty', [endpointOf('10.244.0.11', { ready: false })]),
  sliceOf('default', 'early', [endpointOf('10.244.0.12', { ready: false })]),
];

export function indexOf(): DnsIndex {
  const index = new DnsIndex();
  for (const namespace of ['default', 'kube-system', 'bare']) index.setNamespace(namespace);
  for (const service of services) index.setService(service);
  for (const slice of slices) index.setSlice(slice);
  return index;
}
