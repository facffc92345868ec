/** Rules on the containers of a pod. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, notFoundValue, notSupported, required } from '#apimachinery/field-error.ts';
import { configMapKey, dns1123Label, dns1123Subdomain, envVarName, portName, portNumber } from '#apimachinery/names.ts';
import type { Container, ContainerPort, EnvVar, EnvVarSource, VolumeMount } from './container.ts';
import type { PodSpec } from './pod-template.ts';
import { validateProbes } from './validate-probe.ts';
import { validateResources } from './validate-resources.ts';
import { staysInside } from './validate-volume.ts';

/** What of the pod matters to its containers. */
export interface ContainerSurroundings {
  readonly volumes: ReadonlySet<string>;
  readonly hostNetwork: boolean;
  readonly graceSeconds: number;
}

/** Containers and init containers of a pod. */
export function* validateContainers(spec: PodSpec, around: ContainerSurroundings, path: string): Iterable<FieldError> {
  const names = new Set<string>();
  for (const [index, container] of spec.containers.entries()) {
    const at = `${path}.containers[${index}]`;
    yield* validateContainer(container, around, at);
    yield* validateProbes(container, at, around.graceSeconds);
    if (container.restartPolicy !== undefined && container.restartPolicy !== '') {
      yield* oneOfThree(container.restartPolicy, `${at}.restartPolicy`);
    }
    names.add(container.name);
  }
  yield* validateHostPorts(spec.containers, `${path}.containers`);
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const at = `${path}.initContainers[${index}]`;
    yield* validateContainer(container, around, at);
    // The same name twice among init containers is found by the declaration of the list.
    if (container.name !== '' && names.has(container.name)) yield duplicate(`${at}.name`, container.name);
    if (container.restartPolicy !== undefined) yield* oneOfThree(container.restartPolicy, `${at}.restartPolicy`);
    if (container.restartPolicy === 'Always') yield* validateProbes(container, at, around.graceSeconds);
    else yield* noProbes(container, at);
  }
}

function* oneOfThree(policy: string, path: string): Iterable<FieldError> {
  const supported = ['Always', 'Never', 'OnFailure'];
  if (!supported.includes(policy)) yield notSupported(path, policy, supported);
}

/** An init container that ends cannot be probed: only its exit counts. */
function* noProbes(container: Container, path: string): Iterable<FieldError> {
  for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[field] !== undefined) yield forbiddenField(`${path}.${field}`, 'may not be set for init containers without restartPolicy=Always');
  }
}

function* validateContainer(container: Container, around: ContainerSurroundings, path: string): Iterable<FieldError> {
  if (container.name !== '') for (const message of dns1123Label(container.name)) yield invalidValue(`${path}.name`, container.name, message);
  const image = container.image ?? '';
  if (image === '') yield required(`${path}.image`);
  else if (image !== image.trim()) yield invalidValue(`${path}.image`, image, 'must not have leading or trailing whitespace');
  yield* validatePorts(container.ports ?? [], around, `${path}.ports`);
  for (const [index, env] of (container.env ?? []).entries()) yield* validateEnv(env, `${path}.env[${index}]`, around);
  for (const [index, source] of (container.envFrom ?? []).entries()) {
    const at = `${path}.envFrom[${index}]`;
    if (source.prefix !== undefined) for (const message of envVarName(source.prefix)) yield invalidValue(`${at}.prefix`, source.prefix, message);
    const given = [source.configMapRef, source.secretRef].filter((each) => each !== undefined);
    if (given.length === 0) yield invalidValue(at, '', 'must specify one of: `configMapRef` or `secretRef`');
    if (given.length > 1) yield invalidValue(at, '', 'may not have more than one field specified at a time');
    if (source.configMapRef !== undefined) yield* requireName(source.configMapRef.name, `${at}.configMapRef.name`);
    if (source.secretRef !== undefined) yield* requireName(source.secretRef.name, `${at}.secretRef.name`);
  }
  yield* validateMounts(container, around, path);
  yield* validateResources(container.resources, `${path}.resources`);
  if (container.securityContext?.allowPrivilegeEscalation === false && container.securityContext.privileged === true) {
    yield invalidValue(`${path}.securityContext`, container.securityContext, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true');
  }
}

function* requireName(name: string | undefined, path: string): Iterable<FieldError> {
  if (name === undefined || name === '') yield required(path);
  else for (const message of dns1123Subdomain(name)) yield invalidValue(path, name, message);
}

function* validatePorts(ports: readonly ContainerPort[], around: ContainerSurroundings, path: string): Iterable<FieldError> {
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `${path}[${index}]`;
    if (port.name !== undefined) {
      for (const message of portName(port.name)) yield invalidValue(`${at}.name`, port.name, message);
      if (names.has(port.name)) yield duplicate(`${at}.name`, port.name);
      names.add(port.name);
    }
    if (port.containerPort === 0) yield required(`${at}.containerPort`);
    else for (const message of portNumber(port.containerPort)) yield invalidValue(`${at}.containerPort`, port.containerPort, message);
    if (port.hostPort !== undefined) {
      for (const message of portNumber(port.hostPort)) yield invalidValue(`${at}.hostPort`, port.hostPort, message);
      if (around.hostNetwork && port.hostPort !== port.containerPort) {
        yield invalidValue(`${at}.hostPort`, port.hostPort, 'must match `containerPort` when `hostNetwork` is true');
      }
    }
    if (port.protocol === undefined) yield required(`${at}.protocol`);
  }
}

/** Two containers of a pod cannot hold the same port of the host. */
function* validateHostPorts(containers: readonly Container[], path: string): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, container] of containers.entries()) {
    for (const [position, port] of (container.ports ?? []).entries()) {
      if (port.hostPort === undefined) continue;
      const key = `${port.protocol ?? 'TCP'}/${port.hostIP ?? ''}/${port.hostPort}`;
      if (seen.has(key)) yield duplicate(`${path}[${index}].ports[${position}].hostPort`, key);
      seen.add(key);
    }
  }
}

function* validateEnv(env: EnvVar, path: string, around: ContainerSurroundings): Iterable<FieldError> {
  if (env.name !== '') for (const message of envVarName(env.name)) yield invalidValue(`${path}.name`, env.name, message);
  const source = env.valueFrom;
  if (source === undefined) return;
  const at = `${path}.valueFrom`;
  const given = (['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const).filter((key) => source[key] !== undefined);
  if (given.length === 0) {
    yield invalidValue(at, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`');
  }
  if (env.value !== undefined && given.length > 0) yield invalidValue(at, '', 'may not be specified when `value` is not empty');
  if (given.length > 1) yield invalidValue(at, '', 'may not have more than one field specified at a time');
  yield* validateEnvSource(source, at, around);
}

const envFields = [
  'metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs',
];
const subscripted = /^metadata\.(labels|annotations)\['([^']+)'\]$/;
const envResources = ['limits.cpu', 'limits.ephemeral-storage', 'limits.memory', 'requests.cpu', 'requests.ephemeral-storage', 'requests.memory'];

function* validateEnvSource(source: EnvVarSource, path: string, around: ContainerSurroundings): Iterable<FieldError> {
  const field = source.fieldRef?.fieldPath ?? '';
  if (field !== '' && !envFields.includes(field) && !subscripted.test(field)) {
    yield notSupported(`${path}.fieldRef.fieldPath`, field, [...envFields].toSorted());
  }
  const resource = source.resourceFieldRef?.resource ?? '';
  if (resource !== '' && !envResources.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource)) {
    yield notSupported(`${path}.resourceFieldRef.resource`, resource, envResources);
  }
  for (const kind of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const reference = source[kind];
    if (reference === undefined) continue;
    yield* requireName(reference.name, `${path}.${kind}.name`);
    if (reference.key !== '') for (const message of configMapKey(reference.key)) yield invalidValue(`${path}.${kind}.key`, reference.key, message);
  }
  const file = source.fileKeyRef;
  if (file !== undefined && file.volumeName !== '' && !around.volumes.has(file.volumeName)) yield notFoundValue(`${path}.fileKeyRef.volumeName`, file.volumeName);
}

function* validateMounts(container: Container, around: ContainerSurroundings, path: string): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${path}.volumeMounts[${index}]`;
    if (mount.name !== '' && !around.volumes.has(mount.name)) yield notFoundValue(`${at}.name`, mount.name);
    if (mount.mountPath !== '' && seen.has(mount.mountPath)) yield invalidValue(`${at}.mountPath`, mount.mountPath, 'must be unique');
    seen.add(mount.mountPath);
    yield* validateSubPath(mount, at);
    if (mount.mountPropagation === 'Bidirectional' && container.securityContext?.privileged !== true) {
      yield forbiddenField(`${at}.mountPropagation`, 'Bidirectional mount propagation is available only to privileged containers');
    }
  }
  for (const [index, device] of (container.volumeDevices ?? []).entries()) {
    const at = `${path}.volumeDevices[${index}]`;
    if (device.name !== '' && !around.volumes.has(device.name)) yield notFoundValue(`${at}.name`, device.name);
    if (device.devicePath !== '' && seen.has(device.devicePath)) yield invalidValue(`${at}.devicePath`, device.devicePath, 'must not already exist as a path in volumeMounts');
  }
}

function* validateSubPath(mount: VolumeMount, path: string): Iterable<FieldError> {
  if (mount.subPath !== undefined) yield* staysInside(mount.subPath, `${path}.subPath`);
  if (mount.subPathExpr !== undefined) {
    if (mount.subPath !== undefined) yield invalidValue(`${path}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive');
    yield* staysInside(mount.subPathExpr, `${path}.subPathExpr`);
  }
}
