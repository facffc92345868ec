/** Rules on ingresses. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { ipFamily } from '#apimachinery/ip.ts';
import { dns1123Label, dns1123Subdomain, pathSegment, portName, portNumber, wildcardDns1123Subdomain } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { validateBalancerHost, validateOptionalIp } from '../core/validate-service.ts';
import type { HTTPIngressPath, IngressBackend, IngressRule, IngressSpec, IngressStatus, IngressTLS } from './ingress.ts';

type Ingress = Parts<IngressSpec, IngressStatus>;

export function* validateIngress({ spec }: Ingress): Iterable<FieldError> {
  const { defaultBackend, ingressClassName, rules = [], tls = [] } = spec;
  if (rules.length === 0 && defaultBackend === undefined) yield invalidValue('spec', rules, 'either `defaultBackend` or `rules` must be specified');
  if (defaultBackend !== undefined) yield* validateBackend(defaultBackend, 'spec.defaultBackend');
  for (const [index, rule] of rules.entries()) yield* validateRule(rule, `spec.rules[${index}]`);
  for (const [index, each] of tls.entries()) yield* validateTls(each, `spec.tls[${index}]`);
  if (ingressClassName !== undefined) for (const message of dns1123Subdomain(ingressClassName)) yield invalidValue('spec.ingressClassName', ingressClassName, message);
}

function* validateRule({ host = '', http }: IngressRule, at: string): Iterable<FieldError> {
  if (host !== '' && ipFamily(host) !== undefined) yield invalidValue(`${at}.host`, host, 'must be a DNS name, not an IP address');
  if (host !== '') yield* validateHost(host, `${at}.host`);
  for (const [index, path] of (http?.paths ?? []).entries()) yield* validatePath(path, `${at}.http.paths[${index}]`);
}

function* validateHost(host: string, path: string): Iterable<FieldError> {
  for (const message of host.includes('*') ? wildcardDns1123Subdomain(host) : dns1123Subdomain(host)) yield invalidValue(path, host, message);
}

function* validateTls({ hosts = [], secretName = '' }: IngressTLS, at: string): Iterable<FieldError> {
  for (const [index, host] of hosts.entries()) yield* validateHost(host, `${at}.hosts[${index}]`);
  if (secretName !== '') for (const message of dns1123Subdomain(secretName)) yield invalidValue(`${at}.secretName`, secretName, message);
}

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];
const unsafeParts = ['//', '/./', '/../', '%2f', '%2F'];
const unsafeEnds = ['/..', '/.'];

function* validatePath({ path = '', pathType: type, backend }: HTTPIngressPath, at: string): Iterable<FieldError> {
  const pathType = (type as string | undefined) ?? '';
  if (pathType === '') return yield required(`${at}.pathType`, 'pathType must be specified');
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!path.startsWith('/')) yield invalidValue(`${at}.path`, path, 'must be an absolute path');
    for (const part of unsafeParts) if (path.includes(part)) yield invalidValue(`${at}.path`, path, `must not contain '${part}'`);
    for (const end of unsafeEnds) if (path.endsWith(end)) yield invalidValue(`${at}.path`, path, `cannot end with '${end}'`);
  } else if (!pathTypes.includes(pathType)) yield notSupported(`${at}.pathType`, pathType, pathTypes);
  else if (path !== '' && !path.startsWith('/')) yield invalidValue(`${at}.path`, path, 'must be an absolute path');
  yield* validateBackend(backend, `${at}.backend`);
}

function* validateBackend({ resource, service }: IngressBackend, path: string): Iterable<FieldError> {
  if (resource !== undefined && service !== undefined) return yield invalidValue(path, '', 'cannot set both resource and service backends');
  if (resource !== undefined) return yield* validateReference(resource, `${path}.resource`);
  if (service === undefined) return yield invalidValue(path, '', 'resource or service backend is required');
  if (service.name !== '') for (const message of dns1123Label(service.name)) yield invalidValue(`${path}.service.name`, service.name, message);
  const { name = '', number = 0 } = service.port;
  if (name !== '' && number !== 0) yield invalidValue(path, '', 'cannot set both port name & port number');
  else if (name !== '') for (const message of portName(name)) yield invalidValue(`${path}.service.port.name`, name, message);
  else if (number !== 0) for (const message of portNumber(number)) yield invalidValue(`${path}.service.port.number`, number, message);
  else yield required(path, 'port name or number is required');
}

interface Reference {
  readonly apiGroup?: string | undefined;
  readonly kind: string;
  readonly name: string;
}

/** Of a backend, or of the parameters of a class. */
export function* validateReference(reference: Reference, path: string): Iterable<FieldError> {
  const { apiGroup } = reference;
  if (apiGroup !== undefined) for (const message of dns1123Subdomain(apiGroup)) yield invalidValue(`${path}.apiGroup`, apiGroup, message);
  for (const key of ['kind', 'name'] as const) {
    if (reference[key] === '') yield required(`${path}.${key}`, `${key} is required`);
    else for (const message of pathSegment(reference[key])) yield invalidValue(`${path}.${key}`, reference[key], message);
  }
}

const classAnnotation = 'kubernetes.io/ingress.class';

export function* validateClassChoice({ metadata, spec }: Ingress): Iterable<FieldError> {
  const value = metadata.annotations?.[classAnnotation];
  if (value !== undefined && spec.ingressClassName !== undefined && value !== spec.ingressClassName) {
    yield invalidValue(`annotations.${classAnnotation}`, value, 'must match `ingressClassName` when both are specified');
  }
}

export function* ingressWarnings({ metadata, spec }: Ingress, old: Ingress | undefined): Iterable<string> {
  if (old === undefined && metadata.annotations?.[classAnnotation] !== undefined && spec.ingressClassName === undefined) {
    yield `annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`;
  }
}

export function* validateIngressStatus({ status }: Ingress): Iterable<FieldError> {
  for (const [index, { hostname = '', ip = '' }] of (status.loadBalancer.ingress ?? []).entries()) {
    const at = `status.loadBalancer.ingress[${index}]`;
    yield* validateOptionalIp(ip, `${at}.ip`);
    yield* validateBalancerHost(hostname, `${at}.hostname`);
  }
}
