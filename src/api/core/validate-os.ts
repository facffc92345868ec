/** What containers of one operating system cannot have. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import type { PodSpec } from './pod-template.ts';
import { containersWithPaths } from './validate-container.ts';

const systems = ['linux', 'windows'];

export function* validateOs(spec: PodSpec, path: string): Iterable<FieldError> {
  if (spec.os === undefined) return;
  const { name } = spec.os;
  if (name === '') yield required(`${path}.os.name`, 'cannot be empty');
  else if (!systems.includes(name)) yield notSupported(`${path}.os`, name, systems);
  else if (name === 'linux') yield* validateLinux(spec, path);
  else yield* validateWindows(spec, path);
}

function* validateLinux(spec: PodSpec, path: string): Iterable<FieldError> {
  const message = 'windows options cannot be set for a linux pod';
  if (spec.securityContext?.windowsOptions !== undefined) yield forbiddenField(`${path}.securityContext.windowsOptions`, message);
  for (const [{ securityContext }, at] of containersWithPaths(spec, path)) {
    if (securityContext?.windowsOptions !== undefined) yield forbiddenField(`${at}.securityContext.windowsOptions`, message);
  }
}

const notForPods = [
  'appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'fsGroup', 'fsGroupChangePolicy', 'sysctls', 'runAsUser', 'runAsGroup', 'supplementalGroups', 'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
] as const;
const notForContainers = [
  'appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'capabilities', 'readOnlyRootFilesystem', 'privileged', 'allowPrivilegeEscalation', 'procMount', 'runAsUser', 'runAsGroup',
] as const;

function* validateWindows(spec: PodSpec, path: string): Iterable<FieldError> {
  const message = 'cannot be set for a windows pod';
  for (const key of notForPods) if (spec.securityContext?.[key] !== undefined) yield forbiddenField(`${path}.securityContext.${key}`, message);
  for (const key of ['hostUsers', 'shareProcessNamespace'] as const) if (spec[key] !== undefined) yield forbiddenField(`${path}.${key}`, message);
  for (const key of ['hostPID', 'hostIPC'] as const) if (spec[key] === true) yield forbiddenField(`${path}.${key}`, message);
  for (const [{ securityContext }, at] of containersWithPaths(spec, path)) {
    for (const key of notForContainers) if (securityContext?.[key] !== undefined) yield forbiddenField(`${at}.securityContext.${key}`, message);
  }
}

/** Containers that run as processes of a Windows node: all of a pod or none, and with the node's network. */
export function* validateHostProcess(spec: PodSpec, path: string): Iterable<FieldError> {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const containers = containersWithPaths(spec, path);
  let count = 0;
  for (const [{ securityContext }, at] of containers) {
    const own = securityContext?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && ofPod !== own) {
      yield invalidValue(`${at}.securityContext.windowsOptions.hostProcess`, own, `pod hostProcess value must be identical if both are specified, was ${ofPod}`);
    }
    if (own ?? ofPod === true) count++;
  }
  if (count === 0) return;
  if (count !== containers.length) yield invalidValue(path, '', 'If pod contains any hostProcess containers then all containers must be HostProcess containers');
  if (spec.hostNetwork !== true) yield invalidValue(`${path}.hostNetwork`, false, 'hostNetwork must be true if pod contains any hostProcess containers');
}
