/** Rules on volumes that are made of what the cluster knows. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { qualifiedName } from '#apimachinery/names.ts';
import { canonicalQuantity } from '#apimachinery/quantity.ts';
import type { ObjectFieldSelector, ResourceFieldSelector } from './references.ts';
import { localPath, validateMode } from './validate-paths.ts';
import type { DownwardAPIVolumeFile, KeyToPath, ProjectedVolumeSource, ServiceAccountTokenProjection, VolumeProjection } from './volume.ts';

export function* validateItems(items: readonly KeyToPath[], path: string): Iterable<FieldError> {
  for (const [index, item] of items.entries()) {
    yield* localPath(item.path, `${path}[${index}].path`);
    yield* validateMode(item.mode, `${path}[${index}].mode`);
  }
}

const fileFields = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];

/** Files of a downward API volume. What is wrong with one is said of the volume. */
export function* validateDownward(items: readonly DownwardAPIVolumeFile[], path: string): Iterable<FieldError> {
  for (const item of items) {
    yield* localPath(item.path, `${path}.path`);
    if (item.fieldRef !== undefined) {
      yield* validateFieldRef(item.fieldRef, fileFields, `${path}.fieldRef`);
      if (item.resourceFieldRef !== undefined) yield invalidValue(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously');
    } else if (item.resourceFieldRef !== undefined) yield* validateResourceFieldRef(item.resourceFieldRef, `${path}.resourceFieldRef`, true);
    else yield required(path, 'one of fieldRef and resourceFieldRef is required');
    yield* validateMode(item.mode, `${path}.mode`);
  }
}

/** Fields that the downward API can name. */
const knownFields = new Set([
  'metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.restartPolicy', 'spec.serviceAccountName',
  'spec.schedulerName', 'status.phase', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs',
]);

/** A field of the pod; `expressions` are those that have one value here. */
export function* validateFieldRef({ apiVersion, fieldPath }: ObjectFieldSelector, expressions: readonly string[], path: string): Iterable<FieldError> {
  if (fieldPath === '') return;
  const fault = (label: string): FieldError => invalidValue(`${path}.fieldPath`, fieldPath, `error converting fieldPath: ${label}`);
  if (apiVersion !== undefined && apiVersion !== 'v1') return yield fault(`unsupported pod version: ${apiVersion}`);
  const subscripted = /^(.*)\['([^']*)'\]$/.exec(fieldPath);
  if (subscripted === null) {
    // The node's older name.
    const field = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath;
    if (!knownFields.has(field)) yield fault(`field label not supported: ${field}`);
    else if (!expressions.includes(field)) yield notSupported(`${path}.fieldPath`, field, expressions.toSorted());
    return;
  }
  const [, field = '', key = ''] = subscripted;
  if (field !== 'metadata.annotations' && field !== 'metadata.labels') return yield fault(`field label does not support subscript: ${fieldPath}`);
  for (const message of qualifiedName(field === 'metadata.annotations' ? key.toLowerCase() : key)) {
    yield invalidValue(path, field === 'metadata.annotations' ? key.toLowerCase() : key, message);
  }
}

const countedResources = ['limits.cpu', 'limits.ephemeral-storage', 'limits.memory', 'requests.cpu', 'requests.ephemeral-storage', 'requests.memory'];
const sizes = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];
/** What each resource can be divided by, and what it is called where it cannot. */
const divisors: Readonly<Record<string, { readonly name: string; readonly values: readonly string[] }>> = {
  cpu: { name: 'cpu resource', values: ['1m', '1'] },
  memory: { name: 'memory resource', values: sizes },
  'ephemeral-storage': { name: 'local ephemeral storage resource', values: sizes },
  hugepages: { name: 'hugepages resource', values: sizes },
};

/** A request or limit of a container. A volume must say of which. */
export function* validateResourceFieldRef({ containerName = '', divisor, resource }: ResourceFieldSelector, path: string, ofVolume: boolean): Iterable<FieldError> {
  if (ofVolume && containerName === '') yield required(`${path}.containerName`);
  else if (resource !== '' && !countedResources.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource)) yield notSupported(`${path}.resource`, resource, countedResources);
  if (divisor === undefined || canonicalQuantity(divisor) === '0') return;
  const counted = divisors[/^(?:limits|requests)\.(cpu|memory|ephemeral-storage|hugepages(?=-))/.exec(resource)?.[1] ?? ''];
  if (counted === undefined || counted.values.includes(canonicalQuantity(divisor))) return;
  const choice = counted.values.length > 2 ? counted.values.join(', ') : counted.values.join(' and ');
  yield invalidValue(`${path}.divisor`, resource, `only divisor's values ${choice} are supported with the ${counted.name}`);
}

export function* validateProjected(projected: ProjectedVolumeSource, path: string): Iterable<FieldError> {
  yield* validateMode(projected.defaultMode, `${path}.defaultMode`);
  const taken = new Set<string>();
  for (const [index, source] of projected.sources.entries()) {
    const at = `${path}.sources[${index}]`;
    yield* validateSource(source, at, path);
    for (const [file, shown] of filesOf(source)) {
      if (taken.has(file)) yield invalidValue(path, shown, 'conflicting duplicate paths');
      taken.add(file);
    }
    if (Object.values(source).filter((value) => value !== undefined).length > 1) yield forbiddenField(at, 'may not specify more than 1 volume type per source');
  }
}

/** The files that a source writes, and what is shown of it where another writes them, too. */
function filesOf({ configMap, downwardAPI, secret }: VolumeProjection): readonly (readonly [string, string])[] {
  const files: (readonly [string, string])[] = [];
  for (const projection of [secret, configMap]) for (const item of projection?.items ?? []) if (item.path !== '') files.push([item.path, projection?.name ?? '']);
  for (const { path } of downwardAPI?.items ?? []) if (path !== '') files.push([path, path]);
  return files;
}

function* validateSource(source: VolumeProjection, at: string, volume: string): Iterable<FieldError> {
  for (const kind of ['secret', 'configMap'] as const) {
    const projection = source[kind];
    if (projection === undefined) continue;
    if ((projection.name ?? '') === '') yield required(`${at}.${kind}.name`);
    yield* validateItems(projection.items ?? [], `${at}.${kind}.items`);
  }
  if (source.downwardAPI !== undefined) yield* validateDownward(source.downwardAPI.items ?? [], `${at}.downwardAPI`);
  if (source.serviceAccountToken !== undefined) yield* validateToken(source.serviceAccountToken, `${at}.serviceAccountToken`, volume);
}

function* validateToken({ expirationSeconds = 3600, path }: ServiceAccountTokenProjection, at: string, volume: string): Iterable<FieldError> {
  if (expirationSeconds < 600) yield invalidValue(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes');
  if (expirationSeconds > 2 ** 32) yield invalidValue(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration larger than 2^32 seconds');
  if (path !== '') yield* localPath(path, `${volume}.path`);
}
