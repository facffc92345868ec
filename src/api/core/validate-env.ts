/** Rules on the variables of a container. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, notFoundValue, required, tooLong } from '#apimachinery/field-error.ts';
import { byteLength, configMapKey, dns1123Subdomain, envVarName } from '#apimachinery/names.ts';
import type { EnvFromSource, EnvVar, EnvVarSource, FileKeySelector } from './container.ts';
import { localPath } from './validate-paths.ts';
import { validateFieldRef, validateResourceFieldRef } from './validate-projection.ts';
import type { KnownVolumes } from './validate-volume.ts';

export function* validateEnv(variables: readonly EnvVar[], volumes: KnownVolumes, path: string): Iterable<FieldError> {
  for (const [index, { name, value = '', valueFrom }] of variables.entries()) {
    if (name !== '') for (const message of envVarName(name)) yield invalidValue(`${path}[${index}].name`, name, message);
    if (valueFrom !== undefined) yield* validateEnvSource(valueFrom, value, volumes, `${path}[${index}].valueFrom`);
  }
}

const fields = ['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs'];

function* validateEnvSource(source: EnvVarSource, value: string, volumes: KnownVolumes, path: string): Iterable<FieldError> {
  if (source.fieldRef !== undefined) yield* validateFieldRef(source.fieldRef, fields, `${path}.fieldRef`);
  if (source.resourceFieldRef !== undefined) yield* validateResourceFieldRef(source.resourceFieldRef, `${path}.resourceFieldRef`, false);
  for (const kind of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const reference = source[kind];
    if (reference === undefined) continue;
    for (const message of dns1123Subdomain(reference.name ?? '')) yield invalidValue(`${path}.${kind}.name`, reference.name ?? '', message);
    if (reference.key !== '') for (const message of configMapKey(reference.key)) yield invalidValue(`${path}.${kind}.key`, reference.key, message);
  }
  if (source.fileKeyRef !== undefined) yield* validateFileKey(source.fileKeyRef, volumes, `${path}.fileKeyRef`);
  const given = Object.values(source).filter((each) => each !== undefined).length;
  if (given === 0) yield invalidValue(path, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`');
  else if (value !== '') yield invalidValue(path, '', 'may not be specified when `value` is not empty');
  else if (given > 1) yield invalidValue(path, '', 'may not have more than one field specified at a time');
}

/** The longest name of a variable in a file. */
const longestKey = 128;

function* validateFileKey({ key, path: file, volumeName }: FileKeySelector, volumes: KnownVolumes, path: string): Iterable<FieldError> {
  if (volumeName !== '' && !volumes.has(volumeName)) yield notFoundValue(`${path}.volumeName`, volumeName);
  if (file !== '') yield* localPath(file, `${path}.path`);
  if (key === '') return;
  if (byteLength(key) > longestKey) yield tooLong(`${path}.key`, longestKey);
  for (const message of envVarName(key)) yield invalidValue(`${path}.key`, key, message);
}

/** What is wrong with the choice of sources is said of the list. */
export function* validateEnvFrom(sources: readonly EnvFromSource[], path: string): Iterable<FieldError> {
  for (const [index, { configMapRef, prefix = '', secretRef }] of sources.entries()) {
    const at = `${path}[${index}]`;
    if (prefix !== '') for (const message of envVarName(prefix)) yield invalidValue(`${at}.prefix`, prefix, message);
    if (configMapRef !== undefined) yield* requireName(configMapRef.name, `${at}.configMapRef.name`);
    if (secretRef !== undefined) yield* requireName(secretRef.name, `${at}.secretRef.name`);
    if (configMapRef === undefined && secretRef === undefined) yield invalidValue(path, '', 'must specify one of: `configMapRef` or `secretRef`');
    else if (configMapRef !== undefined && secretRef !== undefined) yield invalidValue(path, '', 'may not have more than one field specified at a time');
  }
}

/** Anything that could begin a name will do. */
function* requireName(name: string | undefined, path: string): Iterable<FieldError> {
  if (name === undefined || name === '') yield required(path);
  else for (const message of dns1123Subdomain(name.endsWith('-') ? `${name}a` : name)) yield invalidValue(path, name, message);
}
