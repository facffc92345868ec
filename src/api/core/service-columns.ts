/** How `kubectl get services` shows a service. Source: behaviour of Kubernetes' service printer. */
import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column } from '#apimachinery/resource.ts';
import type { ServiceSpec, ServiceStatus } from './service.ts';
import { mapSelectorColumn } from './template-columns.ts';

type Service = Parts<ServiceSpec, ServiceStatus>;

export const serviceColumns = [
  nameColumn,
  column<Service>('Type', ({ spec }) => spec.type ?? ''),
  column<Service>('Cluster-IP', ({ spec }) => orNone(spec.clusterIPs?.[0] ?? spec.clusterIP)),
  column<Service>('External-IP', externalIp),
  column<Service>('Port(s)', ({ spec }) => showPorts(spec)),
  ageColumn,
  mapSelectorColumn,
];

function orNone(text: string | undefined): string {
  return text === undefined || text === '' ? '<none>' : text;
}

function externalIp({ spec, status }: Service): string {
  const own = spec.externalIPs ?? [];
  if (spec.type === 'ExternalName') return spec.externalName ?? '';
  if (spec.type !== 'LoadBalancer') return own.length === 0 ? '<none>' : own.join(',');
  const addresses = (status.loadBalancer.ingress ?? []).flatMap((each) => each.ip ?? each.hostname ?? []);
  const all = [...new Set(addresses)].toSorted().concat(own);
  return all.length === 0 ? '<pending>' : all.join(',');
}

/** `80/TCP`, `80:30080/TCP,443/TCP`. */
function showPorts({ ports = [] }: ServiceSpec): string {
  if (ports.length === 0) return '<none>';
  return ports.map(({ port, nodePort, protocol }) => `${port}${nodePort === undefined ? '' : `:${nodePort}`}/${protocol ?? 'TCP'}`).join(',');
}
