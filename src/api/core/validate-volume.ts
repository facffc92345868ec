/** Rules on a pod's volumes. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '#apimachinery/names.ts';
import { parseQuantity } from '#apimachinery/quantity.ts';
import type { DownwardAPIVolumeFile, KeyToPath, ProjectedVolumeSource, Volume } from './volume.ts';

export function* validateVolumes(volumes: readonly Volume[], path: string): Iterable<FieldError> {
  for (const [index, volume] of volumes.entries()) {
    const at = `${path}[${index}]`;
    if (volume.name !== '') for (const message of dns1123Label(volume.name)) yield invalidValue(`${at}.name`, volume.name, message);
    yield* validateSource(volume, at);
  }
}

function* validateSource(volume: Volume, path: string): Iterable<FieldError> {
  const types = Object.entries(volume).filter(([key, value]) => key !== 'name' && value !== undefined).map(([key]) => key);
  if (types.length === 0) yield required(path, 'must specify a volume type');
  for (const extra of types.slice(1)) yield forbiddenField(`${path}.${extra}`, 'may not specify more than 1 volume type');
  const { configMap, downwardAPI, emptyDir, hostPath, persistentVolumeClaim, projected, secret, nfs, csi } = volume;
  if (emptyDir?.sizeLimit !== undefined && parseQuantity(emptyDir.sizeLimit).nanos < 0n) {
    yield forbiddenField(`${path}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity');
  }
  if (hostPath !== undefined && hostPath.path !== '') yield* noBacksteps(hostPath.path, `${path}.hostPath.path`);
  if (persistentVolumeClaim !== undefined && persistentVolumeClaim.claimName !== '') {
    yield* nameOf(persistentVolumeClaim.claimName, `${path}.persistentVolumeClaim.claimName`);
  }
  if (secret !== undefined) {
    if ((secret.secretName ?? '') === '') yield required(`${path}.secret.secretName`);
    yield* validateMode(secret.defaultMode, `${path}.secret.defaultMode`);
    yield* validateItems(secret.items ?? [], `${path}.secret.items`);
  }
  if (configMap !== undefined) {
    if ((configMap.name ?? '') === '') yield required(`${path}.configMap.name`);
    yield* validateMode(configMap.defaultMode, `${path}.configMap.defaultMode`);
    yield* validateItems(configMap.items ?? [], `${path}.configMap.items`);
  }
  if (downwardAPI !== undefined) {
    yield* validateMode(downwardAPI.defaultMode, `${path}.downwardAPI.defaultMode`);
    yield* validateDownward(downwardAPI.items ?? [], `${path}.downwardAPI`);
  }
  if (nfs !== undefined && nfs.path !== '' && !nfs.path.startsWith('/')) yield invalidValue(`${path}.nfs.path`, nfs.path, 'must be an absolute path');
  if (csi !== undefined && csi.driver !== '') yield* nameOf(csi.driver, `${path}.csi.driver`);
  if (projected !== undefined) yield* validateProjected(projected, `${path}.projected`);
}

function* nameOf(name: string, path: string): Iterable<FieldError> {
  for (const message of dns1123Subdomain(name)) yield invalidValue(path, name, message);
}

function* validateMode(mode: number | undefined, path: string): Iterable<FieldError> {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) yield invalidValue(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive');
}

function* validateItems(items: readonly KeyToPath[], path: string): Iterable<FieldError> {
  for (const [index, item] of items.entries()) {
    if (item.path !== '') yield* localPath(item.path, `${path}[${index}].path`);
    yield* validateMode(item.mode, `${path}[${index}].mode`);
  }
}

const fileFields = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];
const subscripted = /^metadata\.(labels|annotations)\['([^']+)'\]$/;

function* validateDownward(items: readonly DownwardAPIVolumeFile[], path: string): Iterable<FieldError> {
  for (const [index, item] of items.entries()) {
    if (item.path !== '') yield* localPath(item.path, `${path}.path`);
    if (item.fieldRef !== undefined && item.resourceFieldRef !== undefined) {
      yield invalidValue(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously');
    }
    if (item.fieldRef === undefined && item.resourceFieldRef === undefined) yield required(path, 'one of fieldRef and resourceFieldRef is required');
    const field = item.fieldRef?.fieldPath ?? '';
    if (field !== '' && !fileFields.includes(field) && !subscripted.test(field)) yield notSupported(`${path}.fieldRef.fieldPath`, field, fileFields);
    if (item.resourceFieldRef !== undefined && (item.resourceFieldRef.containerName ?? '') === '') yield required(`${path}.resourceFieldRef.containerName`);
    yield* validateMode(item.mode, `${path}.items[${index}].mode`);
  }
}

function* validateProjected(projected: ProjectedVolumeSource, path: string): Iterable<FieldError> {
  yield* validateMode(projected.defaultMode, `${path}.defaultMode`);
  const paths = new Set<string>();
  for (const [index, source] of projected.sources.entries()) {
    const at = `${path}.sources[${index}]`;
    const types = Object.entries(source).filter(([, value]) => value !== undefined).map(([key]) => key);
    if (types.length === 0) yield required(at, `missing source type for projected volume`);
    for (const extra of types.slice(1)) yield forbiddenField(`${at}.${extra}`, 'may not specify more than 1 volume type');
    const files: string[] = [];
    for (const kind of ['secret', 'configMap'] as const) {
      const projection = source[kind];
      if (projection === undefined) continue;
      if ((projection.name ?? '') === '') yield required(`${at}.${kind}.name`);
      yield* validateItems(projection.items ?? [], `${at}.${kind}.items`);
      files.push(...(projection.items ?? []).map((item) => item.path));
    }
    if (source.downwardAPI !== undefined) {
      yield* validateDownward(source.downwardAPI.items ?? [], `${at}.downwardAPI`);
      files.push(...(source.downwardAPI.items ?? []).map((item) => item.path));
    }
    const token = source.serviceAccountToken;
    if (token !== undefined) {
      if (token.path !== '') yield* localPath(token.path, `${at}.serviceAccountToken.path`);
      if ((token.expirationSeconds ?? 3600) < 600) yield invalidValue(`${at}.serviceAccountToken.expirationSeconds`, token.expirationSeconds, 'may not specify a duration less than 10 minutes');
      if ((token.expirationSeconds ?? 3600) > 2 ** 32) yield invalidValue(`${at}.serviceAccountToken.expirationSeconds`, token.expirationSeconds, 'may not specify a duration larger than 2^32 seconds');
      files.push(token.path);
    }
    for (const file of files) {
      if (file !== '' && paths.has(file)) yield invalidValue(path, projected.sources[index], `conflicting duplicate paths`);
      paths.add(file);
    }
  }
}

/** A path below the volume's root, to be written there. */
function* localPath(path: string, at: string): Iterable<FieldError> {
  yield* staysInside(path, at);
  if (path.startsWith('..') && path !== '..' && !path.startsWith('../')) yield invalidValue(at, path, "must not start with '..'");
}

/** A relative path without steps upwards. */
export function* staysInside(path: string, at: string): Iterable<FieldError> {
  if (path.startsWith('/')) yield invalidValue(at, path, 'must be a relative path');
  yield* noBacksteps(path, at);
}

function* noBacksteps(path: string, at: string): Iterable<FieldError> {
  if (path.split('/').includes('..')) yield invalidValue(at, path, "must not contain '..'");
}
