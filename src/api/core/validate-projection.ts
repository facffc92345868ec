/** Rules on volumes that are made of what the cluster knows. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1123Subdomain, qualifiedName } from '#apimachinery/names.ts';
import { canonicalQuantity } from '#apimachinery/quantity.ts';
import { validateLabelSelector } from '#apimachinery/selector.ts';
import { validateSignerName } from '../certificates/signer-name.ts';
import type { ObjectFieldSelector, ResourceFieldSelector } from './references.ts';
import { localPath, validateMode } from './validate-paths.ts';
import type { ClusterTrustBundleProjection, DownwardAPIVolumeFile, KeyToPath, PodCertificateProjection, ProjectedVolumeSource, ServiceAccountTokenProjection, VolumeProjection } from './volume.ts';

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
function filesOf({ clusterTrustBundle, configMap, downwardAPI, podCertificate, secret }: VolumeProjection): readonly (readonly [string, string])[] {
  const files: (readonly [string, string])[] = [];
  for (const projection of [secret, configMap]) for (const item of projection?.items ?? []) if (item.path !== '') files.push([item.path, projection?.name ?? '']);
  for (const { path } of downwardAPI?.items ?? []) if (path !== '') files.push([path, path]);
  if (clusterTrustBundle !== undefined) files.push([clusterTrustBundle.path, clusterTrustBundle.path]);
  for (const path of [podCertificate?.credentialBundlePath, podCertificate?.keyPath, podCertificate?.certificateChainPath]) if (path !== undefined) files.push([path, path]);
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
  if (source.clusterTrustBundle !== undefined) yield* validateTrustBundle(source.clusterTrustBundle, `${at}.clusterTrustBundle`);
  if (source.podCertificate !== undefined) yield* validatePodCertificate(source.podCertificate, `${at}.podCertificate`);
}

function* validateToken({ expirationSeconds = 3600, path }: ServiceAccountTokenProjection, at: string, volume: string): Iterable<FieldError> {
  if (expirationSeconds < 600) yield invalidValue(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes');
  if (expirationSeconds > 2 ** 32) yield invalidValue(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration larger than 2^32 seconds');
  if (path !== '') yield* localPath(path, `${volume}.path`);
}

function* validateTrustBundle(bundle: ClusterTrustBundleProjection, at: string): Iterable<FieldError> {
  const { labelSelector, name, path, signerName } = bundle;
  if (name !== undefined && signerName !== undefined) yield invalidValue(at, bundle, 'only one of name and signerName may be used');
  else if (name !== undefined) {
    if (name === '') yield required(`${at}.name`, 'must be a valid object name');
    else for (const message of dns1123Subdomain(name.slice(name.lastIndexOf(':') + 1))) yield invalidValue(`${at}.name`, name, `not a valid clustertrustbundlename: ${message}`);
    if (labelSelector !== undefined) yield invalidValue(`${at}.labelSelector`, labelSelector, 'labelSelector must be unset if name is specified');
  } else if (signerName !== undefined) {
    if (signerName === '') yield required(`${at}.signerName`, 'must be a valid signer name');
    yield* validateSignerName(signerName, `${at}.signerName`);
    yield* validateLabelSelector(`${at}.labelSelector`, labelSelector);
  } else yield required(at, 'either name or signerName must be specified');
  yield* localPath(path, `${at}.path`);
}

const keyTypes = ['ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519', 'RSA3072', 'RSA4096'];
/** Seconds: an hour, three months. */
const certificateLife = { shortest: 3600, longest: 91 * 24 * 3600 };

function* validatePodCertificate(projection: PodCertificateProjection, at: string): Iterable<FieldError> {
  const { certificateChainPath = '', credentialBundlePath = '', keyPath = '', keyType, maxExpirationSeconds, signerName } = projection;
  if (signerName !== undefined && signerName !== '') yield* validateSignerName(signerName, `${at}.signerName`);
  if (keyType !== undefined && keyType !== '' && !keyTypes.includes(keyType)) yield notSupported(`${at}.keyType`, keyType, keyTypes);
  if (maxExpirationSeconds !== undefined) {
    const { longest, shortest } = certificateLife;
    if (maxExpirationSeconds < shortest) yield invalidValue(`${at}.maxExpirationSeconds`, maxExpirationSeconds, `if provided, maxExpirationSeconds must be >= ${shortest}`);
    if (maxExpirationSeconds > longest) yield invalidValue(`${at}.maxExpirationSeconds`, maxExpirationSeconds, `if provided, maxExpirationSeconds must be <= ${longest}`);
  }
  const paths = { credentialBundlePath, keyPath, certificateChainPath };
  if (Object.values(paths).every((path) => path === '')) yield required(at, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath');
  for (const [field, path] of Object.entries(paths)) if (path !== '') yield* localPath(path, `${at}.${field}`);
}

