/** Rules on where a container sees its pod's volumes. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notFoundValue, notSupported } from '#apimachinery/field-error.ts';
import type { Container, EphemeralContainer, VolumeDevice, VolumeMount } from './container.ts';
import { noBacksteps, staysInside } from './validate-paths.ts';
import type { KnownVolumes } from './validate-volume.ts';

type Mounting = Pick<Container | EphemeralContainer, 'volumeMounts' | 'volumeDevices' | 'securityContext'>;

/** Some of what is wrong with one mount is said of the list of mounts. */
export function* validateMounts(container: Mounting, volumes: KnownVolumes, path: string): Iterable<FieldError> {
  const { securityContext, volumeDevices = [], volumeMounts = [] } = container;
  const paths = new Set<string>();
  for (const [index, mount] of volumeMounts.entries()) {
    const at = `${path}[${index}]`;
    const { mountPath, name } = mount;
    if (!volumes.has(name)) yield notFoundValue(`${at}.name`, name);
    if (paths.has(mountPath)) yield invalidValue(`${at}.mountPath`, mountPath, 'must be unique');
    paths.add(mountPath);
    if (volumeDevices.some((device) => device.name === name)) yield invalidValue(`${at}.name`, name, 'must not already exist in volumeDevices');
    if (volumeDevices.some((device) => device.devicePath === mountPath)) yield invalidValue(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices');
    yield* validateSubPath(mount, at, path);
    if (mount.mountPropagation === 'Bidirectional' && securityContext?.privileged !== true) {
      yield forbiddenField(`${path}.mountPropagation`, 'Bidirectional mount propagation is available only to privileged containers');
    }
    yield* validateRecursion(mount, `${path}.recursiveReadOnly`);
  }
}

function* validateSubPath({ subPath = '', subPathExpr = '' }: VolumeMount, at: string, list: string): Iterable<FieldError> {
  yield* staysInside(subPath, `${list}.subPath`);
  if (subPath !== '' && subPathExpr !== '') yield invalidValue(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive');
  yield* staysInside(subPathExpr, `${list}.subPathExpr`);
}

const recursions = ['Disabled', 'Enabled', 'IfPossible'];

function* validateRecursion({ mountPropagation = 'None', readOnly, recursiveReadOnly }: VolumeMount, path: string): Iterable<FieldError> {
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return;
  if (!recursions.includes(recursiveReadOnly)) return yield notSupported(path, recursiveReadOnly, recursions);
  if (readOnly !== true) yield forbiddenField(path, 'may only be specified when readOnly is true');
  if (mountPropagation !== 'None') yield forbiddenField(path, 'may only be specified when mountPropagation is None or not specified');
}

export function* validateDevices({ volumeDevices = [], volumeMounts = [] }: Mounting, volumes: KnownVolumes, path: string): Iterable<FieldError> {
  const names = new Set<string>();
  const paths = new Set<string>();
  for (const [index, { devicePath, name }] of volumeDevices.entries()) {
    const at = `${path}[${index}]`;
    const volume = volumes.get(name);
    if (names.has(name)) yield invalidValue(`${at}.name`, name, 'must be unique');
    if (volume === undefined) yield notFoundValue(`${at}.name`, name);
    else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      yield invalidValue(`${at}.name`, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode');
    }
    if (paths.has(devicePath)) yield invalidValue(`${at}.devicePath`, devicePath, 'must be unique');
    yield* validateDevicePath(devicePath, `${at}.devicePath`, paths);
    yield* validateOverlap({ devicePath, name }, volumeMounts, at);
    if (name !== '') names.add(name);
  }
}

function* validateDevicePath(devicePath: string, path: string, seen: Set<string>): Iterable<FieldError> {
  if ([...noBacksteps(devicePath, path)].length > 0) yield invalidValue(path, devicePath, "can not contain backsteps ('..')");
  else seen.add(devicePath);
}

function* validateOverlap({ devicePath, name }: VolumeDevice, mounts: readonly VolumeMount[], at: string): Iterable<FieldError> {
  if (mounts.some((mount) => mount.name === name)) yield invalidValue(`${at}.name`, name, 'must not already exist in volumeMounts');
  if (mounts.some((mount) => mount.mountPath === devicePath)) yield invalidValue(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts');
}
