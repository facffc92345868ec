/** Rules on the containers of a pod. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, forbiddenField, invalidValue, notFoundValue, notSupported, required, tooMany } from '#apimachinery/field-error.ts';
import { dns1123Label, portName, portNumber } from '#apimachinery/names.ts';
import type { Container, ContainerPort, ContainerResizePolicy, ContainerRestartRule, EphemeralContainer } from './container.ts';
import type { PodSpec } from './pod-template.ts';
import { validateEnv, validateEnvFrom } from './validate-env.ts';
import { validateDevices, validateMounts } from './validate-mounts.ts';
import { validateProbes } from './validate-probe.ts';
import { validateResources } from './validate-resources.ts';
import { validateSecurityContext } from './validate-security.ts';
import type { KnownVolumes } from './validate-volume.ts';

/** What of the pod matters to its containers. */
export interface ContainerSurroundings {
  readonly spec: PodSpec;
  readonly volumes: KnownVolumes;
  readonly claimNames: ReadonlySet<string>;
  /** Not in a template: there, odd names of images may stand for something. */
  readonly isPod: boolean;
}

/** Containers of all three kinds, with their paths, in the order in which they start. */
export function containersWithPaths(spec: PodSpec, path: string): ContainersWithPaths {
  const found: [Container | EphemeralContainer, string][] = [];
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    spec[list]?.forEach((container, index) => found.push([container, `${path}.${list}[${index}]`]));
  }
  return found;
}

export type ContainersWithPaths = readonly (readonly [Container | EphemeralContainer, string])[];

export function* validateContainers(around: ContainerSurroundings, path: string): Iterable<FieldError> {
  const { spec } = around;
  const graceSeconds = spec.terminationGracePeriodSeconds;
  for (const [index, container] of spec.containers.entries()) {
    const at = `${path}.containers[${index}]`;
    yield* validateContainer(container, around, at);
    yield* validateProbes(container, at, graceSeconds);
    yield* validateStopSignal(container, spec, `${at}.lifecycle.stopSignal`);
    yield* validateRestart(container, at);
  }
  yield* validateHostPorts(spec.containers, `${path}.containers`);
  const names = new Set(spec.containers.map((container) => container.name));
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const at = `${path}.initContainers[${index}]`;
    yield* validateContainer(container, around, at);
    // The same name twice among init containers is found by the declaration of the list.
    if (container.name !== '' && names.has(container.name)) yield duplicate(`${at}.name`, container.name);
    yield* validateRestart(container, at);
    // They run one by one, so each is looked at alone, as if it were the first.
    yield* validateHostPorts([container], `${path}.initContainers`);
    if (container.restartPolicy === 'Always') {
      yield* validateProbes(container, at, graceSeconds);
      yield* validateStopSignal(container, spec, `${at}.lifecycle.stopSignal`);
    } else yield* validateOneShot(container, at);
  }
  yield* validateEphemeralContainers(around, `${path}.ephemeralContainers`);
}

/** An init container that ends cannot be probed nor resized: only its exit counts. */
function* validateOneShot(container: Container, path: string): Iterable<FieldError> {
  for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[field] !== undefined) yield forbiddenField(`${path}.${field}`, 'may not be set for init containers without restartPolicy=Always');
  }
  if ((container.resizePolicy ?? []).length > 0) yield invalidValue(`${path}.resizePolicy`, container.resizePolicy, 'must not be set for init containers');
}

/** Debugging does not need them, and the scheduler has not counted with them. */
const notForEphemeral = ['ports', 'resources', 'resizePolicy', 'restartPolicy', 'restartPolicyRules', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'] as const;

function* validateEphemeralContainers(around: ContainerSurroundings, path: string): Iterable<FieldError> {
  const { spec } = around;
  const others = new Set([...spec.containers, ...(spec.initContainers ?? [])].map((container) => container.name));
  for (const [index, container] of (spec.ephemeralContainers ?? []).entries()) {
    const at = `${path}[${index}]`;
    yield* validateContainer(container, { ...around, isPod: true }, at);
    if (container.name !== '' && others.has(container.name)) yield duplicate(`${at}.name`, container.name);
    const target = container.targetContainerName ?? '';
    if (target !== '' && !others.has(target)) yield notFoundValue(`${at}.targetContainerName`, target);
    for (const key of notForEphemeral) if (isSet(container[key])) yield forbiddenField(`${at}.${key}`, 'cannot be set for an Ephemeral Container');
    for (const [position, mount] of (container.volumeMounts ?? []).entries()) {
      for (const key of ['subPath', 'subPathExpr'] as const) {
        if ((mount[key] ?? '') !== '') yield forbiddenField(`${at}.volumeMounts[${position}].${key}`, 'cannot be set for an Ephemeral Container');
      }
    }
  }
}

function isSet(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value !== undefined;
  return Object.values(value).some((each) => each !== undefined);
}

/** What holds for containers of all kinds. */
function* validateContainer(container: Container | EphemeralContainer, around: ContainerSurroundings, path: string): Iterable<FieldError> {
  if (container.name !== '') for (const message of dns1123Label(container.name)) yield invalidValue(`${path}.name`, container.name, message);
  const image = container.image ?? '';
  if (image === '') yield required(`${path}.image`);
  else if (around.isPod && image !== image.trim()) yield invalidValue(`${path}.image`, image, 'must not have leading or trailing whitespace');
  yield* validatePorts(container.ports ?? [], `${path}.ports`);
  yield* validateEnv(container.env ?? [], around.volumes, `${path}.env`);
  yield* validateEnvFrom(container.envFrom ?? [], `${path}.envFrom`);
  yield* validateMounts(container, around.volumes, `${path}.volumeMounts`);
  yield* validateDevices(container, around.volumes, `${path}.volumeDevices`);
  yield* validateResources(container.resources, `${path}.resources`, around.claimNames);
  yield* validateResizePolicy(container.resizePolicy ?? [], around.spec.restartPolicy, `${path}.resizePolicy`);
  if (container.securityContext !== undefined) yield* validateSecurityContext(container.securityContext, `${path}.securityContext`, around.spec.hostUsers !== false);
}

function* validatePorts(ports: readonly ContainerPort[], path: string): Iterable<FieldError> {
  const names = new Set<string>();
  for (const [index, { containerPort, hostPort = 0, name = '' }] of ports.entries()) {
    const at = `${path}[${index}]`;
    if (name !== '') {
      const wrong = portName(name);
      for (const message of wrong) yield invalidValue(`${at}.name`, name, message);
      if (wrong.length === 0 && names.has(name)) yield duplicate(`${at}.name`, name);
      names.add(name);
    }
    if (containerPort === 0) yield required(`${at}.containerPort`);
    else for (const message of portNumber(containerPort)) yield invalidValue(`${at}.containerPort`, containerPort, message);
    if (hostPort !== 0) for (const message of portNumber(hostPort)) yield invalidValue(`${at}.hostPort`, hostPort, message);
  }
}

/** Two containers of a pod cannot hold the same port of the host. */
function* validateHostPorts(containers: readonly Container[], path: string): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, container] of containers.entries()) {
    for (const [position, { hostIP = '', hostPort = 0, protocol = '' }] of (container.ports ?? []).entries()) {
      if (hostPort === 0) continue;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (seen.has(key)) yield duplicate(`${path}[${index}].ports[${position}].hostPort`, key);
      seen.add(key);
    }
  }
}

const resizable = ['cpu', 'memory'];
const resizePolicies = ['NotRequired', 'RestartContainer'];

/** What is wrong with one policy is said of the list. */
function* validateResizePolicy(policies: readonly ContainerResizePolicy[], podPolicy: string | undefined, path: string): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, { resourceName, restartPolicy }] of policies.entries()) {
    if (seen.has(resourceName)) yield duplicate(`${path}[${index}]`, resourceName);
    seen.add(resourceName);
    if (resourceName !== '' && !resizable.includes(resourceName)) yield notSupported(path, resourceName, resizable);
    if (restartPolicy !== '' && !resizePolicies.includes(restartPolicy)) yield notSupported(path, restartPolicy, resizePolicies);
    if (podPolicy === 'Never' && restartPolicy !== 'NotRequired') yield invalidValue(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'");
  }
}

const restartPolicies = ['Always', 'Never', 'OnFailure'];
const restartActions = ['Restart', 'RestartAllContainers'];
const exitOperators = ['In', 'NotIn'];
const most = { rules: 20, exitCodes: 255 };

function* validateRestart({ restartPolicy, restartPolicyRules: rules = [] }: Container, path: string): Iterable<FieldError> {
  if (restartPolicy !== undefined && !restartPolicies.includes(restartPolicy)) yield notSupported(`${path}.restartPolicy`, restartPolicy, restartPolicies);
  if (restartPolicy === undefined && rules.length > 0) yield required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used');
  if (rules.length > most.rules) yield tooMany(`${path}.restartPolicyRules`, rules.length, most.rules);
  for (const [index, rule] of rules.entries()) yield* validateRestartRule(rule, `${path}.restartPolicyRules[${index}]`);
}

function* validateRestartRule({ action = '', exitCodes }: ContainerRestartRule, path: string): Iterable<FieldError> {
  if (!restartActions.includes(action)) yield notSupported(`${path}.action`, action, restartActions);
  if (exitCodes === undefined) return yield required(`${path}.exitCodes`, 'must be specified');
  const { operator = '', values = [] } = exitCodes;
  if (!exitOperators.includes(operator)) yield notSupported(`${path}.exitCodes.operator`, operator, exitOperators);
  if (values.length > most.exitCodes) yield tooMany(`${path}.exitCodes.values`, values.length, most.exitCodes);
}

/** Windows knows only two; of which system the containers are must be said. */
function* validateStopSignal({ lifecycle }: Container, { os }: PodSpec, path: string): Iterable<FieldError> {
  const signal = lifecycle?.stopSignal;
  if (signal === undefined) return;
  if (os === undefined) yield forbiddenField(path, 'may not be set for containers with empty `spec.os.name`');
  else if (os.name === 'windows' && signal !== 'SIGKILL' && signal !== 'SIGTERM') yield notSupported(path, signal, ['SIGKILL', 'SIGTERM']);
}
