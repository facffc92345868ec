/** A Service for tests. */
import { decodeObject } from '#apimachinery/decode.ts';
import { Service } from '#api/core/service.ts';

export function serviceOf(name: string, clusterIP: string, ports: readonly { readonly name: string; readonly port: number }[]): Service {
  return decodeObject<Service>(Service, {
    apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { clusterIP, ports: ports.map((port) => ({ ...port, protocol: 'TCP' })) },
  });
}
