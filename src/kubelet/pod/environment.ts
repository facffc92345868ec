import { value as wholeValue, milliValue } from '#apimachinery/quantity.ts';
import type { Container, EnvVarSource } from '#api/core/container.ts';
import type { Pod } from '#api/core/pod.ts';
import type { Service } from '#api/core/service.ts';
import { base64Text } from './base64.ts';

/** What a container's variables may refer to, looked up beforehand. */
export interface EnvironmentSources {
  /** Data of ConfigMaps (text) and Secrets (base64) of the pod's namespace by name; undefined when there is none. */
  readonly configMaps: ReadonlyMap<string, Readonly<Record<string, string>> | undefined>;
  readonly secrets: ReadonlyMap<string, Readonly<Record<string, string>> | undefined>;
  /** Services of the pod's namespace and of `default`. */
  readonly services: readonly Service[];
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
  /** Stands in for limits that a container does not have. */
  readonly nodeAllocatable: Readonly<Record<string, string>>;
}

/** The spec refers to something that is not there; the container cannot be made until it is. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
}

/** The variables of a container, in order. Pure. @throws ContainerConfigError */
export function planEnvironment(pod: Pod, container: Container, sources: EnvironmentSources): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  const services = serviceVariables(pod, sources.services);
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef !== undefined) {
      const data = sources.configMaps.get(configMapRef.name ?? '');
      if (data === undefined && configMapRef.optional !== true) throw new ContainerConfigError(`configmap "${configMapRef.name ?? ''}" not found`);
      for (const [key, text] of Object.entries(data ?? {})) variables.set(prefix + key, text);
    }
    if (secretRef !== undefined) {
      const data = sources.secrets.get(secretRef.name ?? '');
      if (data === undefined && secretRef.optional !== true) throw new ContainerConfigError(`secret "${secretRef.name ?? ''}" not found`);
      for (const [key, text] of Object.entries(data ?? {})) variables.set(prefix + key, base64Text(text));
    }
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const text = valueFrom === undefined
      ? expandVariables(value ?? '', (key) => variables.get(key) ?? services.get(key))
      : sourced(pod, container, valueFrom, sources);
    if (text !== undefined) variables.set(name, text);
  }
  for (const [name, text] of services) if (!variables.has(name)) variables.set(name, text);
  return variables;
}

/** Names of the ConfigMaps and Secrets that a container's variables need. */
export function environmentReferences(container: Container): { readonly configMaps: readonly string[]; readonly secrets: readonly string[] } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef?.name !== undefined) configMaps.add(configMapRef.name);
    if (secretRef?.name !== undefined) secrets.add(secretRef.name);
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.configMapKeyRef?.name !== undefined) configMaps.add(valueFrom.configMapKeyRef.name);
    if (valueFrom?.secretKeyRef?.name !== undefined) secrets.add(valueFrom.secretKeyRef.name);
  }
  return { configMaps: [...configMaps], secrets: [...secrets] };
}

/** Replaces $(NAME) by what `lookup` knows; $$ stands for a dollar sign; unknown names stay as they are. */
export function expandVariables(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, _, name: string | undefined) => (name === undefined ? '$' : (lookup(name) ?? whole)));
}

function sourced(pod: Pod, container: Container, source: EnvVarSource, sources: EnvironmentSources): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source;
  if (fieldRef !== undefined) return fieldValue(pod, fieldRef.fieldPath, sources);
  if (resourceFieldRef !== undefined) {
    const { containerName = container.name, resource, divisor } = resourceFieldRef;
    const named = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((candidate) => candidate.name === containerName);
    if (named === undefined) throw new ContainerConfigError(`container ${containerName} not found`);
    return resourceValue(named, resource, divisor, sources.nodeAllocatable);
  }
  if (configMapKeyRef !== undefined) {
    const { name = '', key, optional } = configMapKeyRef;
    const data = sources.configMaps.get(name);
    if (data === undefined && optional !== true) throw new ContainerConfigError(`configmap "${name}" not found`);
    const found = data?.[key];
    if (found === undefined && optional !== true) throw new ContainerConfigError(`couldn't find key ${key} in ConfigMap ${pod.metadata.namespace}/${name}`);
    return found;
  }
  if (secretKeyRef !== undefined) {
    const { name = '', key, optional } = secretKeyRef;
    const data = sources.secrets.get(name);
    if (data === undefined && optional !== true) throw new ContainerConfigError(`secret "${name}" not found`);
    const found = data?.[key];
    if (found === undefined && optional !== true) throw new ContainerConfigError(`couldn't find key ${key} in Secret ${pod.metadata.namespace}/${name}`);
    return found === undefined ? undefined : base64Text(found);
  }
  throw new ContainerConfigError('the source of the variable is of a kind that this node does not know');
}

/** A field of the pod, as the downward API names it. @throws ContainerConfigError for a field it does not have. */
export function fieldValue(pod: Pod, path: string, { podIps, hostIps }: Pick<EnvironmentSources, 'podIps' | 'hostIps'>): string {
  const { metadata, spec } = pod;
  const single = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (single !== null) return metadata[single[1] as 'labels' | 'annotations']?.[single[2] ?? ''] ?? '';
  switch (path) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace;
    case 'metadata.uid':
      return metadata.uid;
    case 'metadata.labels':
      return formatMap(metadata.labels);
    case 'metadata.annotations':
      return formatMap(metadata.annotations);
    case 'spec.nodeName':
      return spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? '';
    case 'status.hostIP':
      return hostIps[0] ?? '';
    case 'status.hostIPs':
      return hostIps.join(',');
    case 'status.podIP':
      return podIps[0] ?? '';
    case 'status.podIPs':
      return podIps.join(',');
    default:
      throw new ContainerConfigError(`unsupported fieldPath: ${path}`);
  }
}

/** As the downward API writes maps: sorted lines of key="value". */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, text]) => `${key}=${JSON.stringify(text)}`).join('\n');
}

/** `limits.cpu` and the like in units of `divisor`, rounded up. @throws ContainerConfigError */
export function resourceValue(container: Pick<Container, 'resources'>, resource: string, divisor: string | undefined, allocatable: Readonly<Record<string, string>>): string {
  const [kind = '', ...rest] = resource.split('.');
  const name = rest.join('.');
  if (kind !== 'limits' && kind !== 'requests') throw new ContainerConfigError(`unsupported container resource : ${resource}`);
  const { limits, requests } = container.resources;
  const amount = kind === 'limits' ? (limits?.[name] ?? allocatable[name]) : (requests?.[name] ?? limits?.[name]);
  const unit = divisor === undefined || divisor === '' || divisor === '0' ? '1' : divisor;
  if (name === 'cpu') return String(Math.ceil(milliValue(amount ?? '0') / milliValue(unit)));
  return String(Math.ceil(wholeValue(amount ?? '0') / wholeValue(unit)));
}

/**
 * Addresses of Services in the form that predates DNS. Source: Kubernetes documentation, "Discovering services,
 * Environment variables".
 */
function serviceVariables(pod: Pod, services: readonly Service[]): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  const linked = services
    .filter(({ metadata }) => (pod.spec.enableServiceLinks ?? true ? metadata.namespace === pod.metadata.namespace : false) || (metadata.namespace === 'default' && metadata.name === 'kubernetes'))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const { metadata, spec } of linked) {
    const ip = spec.clusterIP;
    if (ip === undefined || ip === '' || ip === 'None') continue;
    const prefix = variableName(metadata.name);
    const host = ip.includes(':') ? `[${ip}]` : ip;
    (spec.ports ?? []).forEach(({ name, port, protocol = 'TCP' }, index) => {
      if (index === 0) {
        variables.set(`${prefix}_SERVICE_HOST`, ip);
        variables.set(`${prefix}_SERVICE_PORT`, String(port));
        variables.set(`${prefix}_PORT`, `${protocol.toLowerCase()}://${host}:${port}`);
      }
      if (name !== undefined && name !== '') variables.set(`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port));
      const each = `${prefix}_PORT_${port}_${protocol}`;
      variables.set(each, `${protocol.toLowerCase()}://${host}:${port}`);
      variables.set(`${each}_PROTO`, protocol.toLowerCase());
      variables.set(`${each}_PORT`, String(port));
      variables.set(`${each}_ADDR`, ip);
    });
  }
  return variables;
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
