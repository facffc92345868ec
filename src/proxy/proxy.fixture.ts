/** Services and slices for tests. */
import type { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { Service, ServiceSpec } from '#api/core/service.ts';

const meta = { namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };

export function serviceOf(name: string, spec: Partial<ServiceSpec>): Service {
  return {
    apiVersion: 'v1', kind: 'Service', metadata: { ...meta, name },
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }], ...spec },
    status: { loadBalancer: {} },
  };
}

export interface EndpointTraits {
  readonly nodeName?: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly zones?: readonly string[];
}

export function endpoint(address: string, traits: EndpointTraits = {}): EndpointSlice['endpoints'][number] {
  const { nodeName = 'n1', ready = true, serving = ready, terminating = false, zones } = traits;
  return {
    addresses: [address], nodeName, conditions: { ready, serving, terminating },
    ...(zones === undefined ? {} : { hints: { forZones: zones.map((name) => ({ name })) } }),
  };
}

export function sliceOf(service: string, endpoints: EndpointSlice['endpoints'], ports?: EndpointSlice['ports'], addressType: EndpointSlice['addressType'] = 'IPv4'): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType,
    metadata: { ...meta, name: `${service}-abc`, labels: { 'kubernetes.io/service-name': service } },
    endpoints, ports: ports ?? [{ name: 'http', port: 8080, protocol: 'TCP' }],
  };
}
