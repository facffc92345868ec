import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column, defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { inline, int32, list, object, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { TypedLocalObjectReference } from '../core/references.ts';
import { ingressWarnings, validateClassChoice, validateIngress, validateIngressStatus } from './validate-ingress.ts';

export const ServiceBackendPort = struct('io.k8s.api.networking.v1.ServiceBackendPort', {
  name: string(1),
  number: int32(2),
}, { atomic: true });
export interface ServiceBackendPort extends Infer<typeof ServiceBackendPort> {}

export const IngressServiceBackend = struct('io.k8s.api.networking.v1.IngressServiceBackend', {
  name: string(1, { required: true }),
  port: object(2, ServiceBackendPort),
});
export interface IngressServiceBackend extends Infer<typeof IngressServiceBackend> {}

export const IngressBackend = struct('io.k8s.api.networking.v1.IngressBackend', {
  service: pointer(4, IngressServiceBackend),
  resource: pointer(3, TypedLocalObjectReference),
});
export interface IngressBackend extends Infer<typeof IngressBackend> {}

export const IngressTLS = struct('io.k8s.api.networking.v1.IngressTLS', {
  hosts: list(1, 'string', { listType: 'atomic' }),
  secretName: string(2),
});
export interface IngressTLS extends Infer<typeof IngressTLS> {}

export const HTTPIngressPath = struct('io.k8s.api.networking.v1.HTTPIngressPath', {
  path: string(1),
  pathType: string(3, { required: true, pointer: true }),
  backend: object(2, IngressBackend, { required: true }),
});
export interface HTTPIngressPath extends Infer<typeof HTTPIngressPath> {}

export const HTTPIngressRuleValue = struct('io.k8s.api.networking.v1.HTTPIngressRuleValue', {
  paths: list(1, HTTPIngressPath, { required: true, listType: 'atomic' }),
});
export interface HTTPIngressRuleValue extends Infer<typeof HTTPIngressRuleValue> {}

export const IngressRuleValue = struct('io.k8s.api.networking.v1.IngressRuleValue', {
  http: pointer(1, HTTPIngressRuleValue),
});
export interface IngressRuleValue extends Infer<typeof IngressRuleValue> {}

export const IngressRule = struct('io.k8s.api.networking.v1.IngressRule', {
  host: string(1),
}, { inlines: [inline(2, IngressRuleValue)] });
export interface IngressRule extends Infer<typeof IngressRule> {}

export const IngressSpec = struct('io.k8s.api.networking.v1.IngressSpec', {
  ingressClassName: string(4, { pointer: true }),
  defaultBackend: pointer(1, IngressBackend),
  tls: list(2, IngressTLS, { listType: 'atomic' }),
  rules: list(3, IngressRule, { listType: 'atomic' }),
});
export interface IngressSpec extends Infer<typeof IngressSpec> {}

export const IngressPortStatus = struct('io.k8s.api.networking.v1.IngressPortStatus', {
  port: int32(1, { required: true }),
  protocol: oneOf(2, ['SCTP', 'TCP', 'UDP'], { required: true }),
  error: string(3, { pointer: true }),
});
export interface IngressPortStatus extends Infer<typeof IngressPortStatus> {}

export const IngressLoadBalancerIngress = struct('io.k8s.api.networking.v1.IngressLoadBalancerIngress', {
  ip: string(1),
  hostname: string(2),
  ports: list(4, IngressPortStatus, { listType: 'atomic' }),
});
export interface IngressLoadBalancerIngress extends Infer<typeof IngressLoadBalancerIngress> {}

export const IngressLoadBalancerStatus = struct('io.k8s.api.networking.v1.IngressLoadBalancerStatus', {
  ingress: list(1, IngressLoadBalancerIngress, { listType: 'atomic' }),
});
export interface IngressLoadBalancerStatus extends Infer<typeof IngressLoadBalancerStatus> {}

export const IngressStatus = struct('io.k8s.api.networking.v1.IngressStatus', {
  loadBalancer: object(1, IngressLoadBalancerStatus),
});
export interface IngressStatus extends Infer<typeof IngressStatus> {}

type Parted = Parts<IngressSpec, IngressStatus>;

/** The first three hosts; `*` for rules without one. */
function showHosts({ rules = [] }: IngressSpec): string {
  const hosts = rules.flatMap((rule) => rule.host ?? []);
  if (hosts.length === 0) return '*';
  const shown = hosts.slice(0, 3).join(',');
  return hosts.length > 3 ? `${shown} + ${hosts.length - 3} more...` : shown;
}

export const Ingress = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  shortNames: ['ing'],
  scope: 'Namespaced',
  storePrefix: 'ingress',
  fields: {
    spec: object(2, IngressSpec),
    status: object(3, IngressStatus),
  },
  subresources: [status()],
  strategy: { validateCreate: validateClassChoice, warnings: ingressWarnings },
  validate: [validateIngress],
  validateStatusUpdate: [validateIngressStatus],
  columns: [
    nameColumn,
    column<Parted>('Class', ({ metadata, spec }) => spec.ingressClassName ?? metadata.annotations?.['kubernetes.io/ingress.class'] ?? '<none>'),
    column<Parted>('Hosts', ({ spec }) => showHosts(spec)),
    column<Parted>('Address', ({ status: now }) => (now.loadBalancer.ingress ?? []).flatMap((each) => each.ip ?? each.hostname ?? []).join(',')),
    column<Parted>('Ports', ({ spec }) => ((spec.tls ?? []).length > 0 ? '80, 443' : '80')),
    ageColumn,
  ],
});
export interface Ingress extends Infer<typeof Ingress> {}
