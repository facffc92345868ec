/** Rules on persistent volumes, those that attachments bring along included. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { compareQuantity } from '#apimachinery/quantity.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import type { PersistentVolumeSpec, PersistentVolumeStatus, VolumeNodeAffinity } from './persistent-volume.ts';
import type { SecretReference } from './references.ts';
import { validateAccessModes, validateClassName } from './validate-claim-spec.ts';
import { noBacksteps } from './validate-paths.ts';
import { validateBasicAmount } from './validate-resources.ts';
import { validateNodeSelector } from './validate-scheduling.ts';
import {
  isPortalTooLong, portalTooLong, validateAzureDisk, validateCsiDriverName, validateFibreChannel, validateFlexVolume, validateFlocker, validateHostPath, validateIscsi, validateNfs,
  validatePartition, validateQuobyte, validateScaleIo, validateStorageOs,
} from './validate-volume-plugins.ts';
import type { CSIPersistentVolumeSource, PersistentVolumeSource } from './volume.ts';

type Volume = Parts<PersistentVolumeSpec, PersistentVolumeStatus>;

export function* validateVolume({ metadata, spec }: Volume): Iterable<FieldError> {
  yield* validateCapacity(spec.capacity ?? {});
  yield* validateVolumeSpec(spec, metadata.name, 'spec');
  yield* validateClassName(spec.storageClassName, 'spec.storageClassName');
}

function* validateCapacity(capacity: Readonly<Record<string, string>>): Iterable<FieldError> {
  const names = Object.keys(capacity);
  if (names.length === 0) yield required('spec.capacity');
  if (names.length !== 1 || names[0] !== 'storage') yield notSupported('spec.capacity', capacity, ['storage']);
  for (const [name, amount] of Object.entries(capacity)) {
    yield* validateBasicAmount(amount, `spec.capacity[${name}]`);
    if (compareQuantity(amount, '0') <= 0) yield invalidValue(`spec.capacity[${name}]`, amount, 'must be greater than zero');
  }
}

/** A volume that only an attachment knows: what concerns its life in the cluster has no place there. */
export function* validateInlineVolume(spec: PersistentVolumeSpec, name: string, path: string): Iterable<FieldError> {
  const inline = 'in the context of inline volumes';
  if (spec.claimRef !== undefined) yield forbiddenField(`${path}.claimRef`, `may not be specified ${inline}`);
  if (Object.keys(spec.capacity ?? {}).length > 0) yield forbiddenField(`${path}.capacity`, `may not be specified ${inline}`);
  if (spec.csi === undefined) yield required(`${path}.csi`, `has to be specified ${inline}`);
  if ((spec.persistentVolumeReclaimPolicy ?? 'Retain') !== 'Retain') yield forbiddenField(`${path}.persistentVolumeReclaimPolicy`, `may only be Retain ${inline}`);
  yield* validateVolumeSpec(spec, name, path);
  if ((spec.storageClassName ?? '') !== '') yield forbiddenField(`${path}.storageClassName`, `may not be specified ${inline}`);
  if ((spec.volumeMode ?? 'Filesystem') !== 'Filesystem') yield forbiddenField(`${path}.volumeMode`, `may not specify volumeMode other than Filesystem ${inline}`);
}

function* validateVolumeSpec(spec: PersistentVolumeSpec, name: string, path: string): Iterable<FieldError> {
  const modes = spec.accessModes ?? [];
  if (modes.length === 0) yield required(`${path}.accessModes`);
  yield* validateAccessModes(modes, `${path}.accessModes`);
  if (spec.nodeAffinity !== undefined) {
    if (spec.nodeAffinity.required === undefined) yield required(`${path}.nodeAffinity.required`, 'must specify required node constraints');
    else yield* validateNodeSelector(spec.nodeAffinity.required, `${path}.nodeAffinity.required`);
  }
  yield* validateSource(spec, name, path);
  if (spec.persistentVolumeReclaimPolicy === 'Recycle' && spec.hostPath !== undefined && isRoot(spec.hostPath.path)) {
    yield forbiddenField(`${path}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'");
  }
  const className = spec.volumeAttributesClassName;
  if (className === undefined) return;
  if (className === '') yield required(`${path}.volumeAttributesClassName`, 'an empty string is disallowed');
  yield* validateClassName(className, `${path}.volumeAttributesClassName`);
  if (spec.csi === undefined) yield required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName');
}

/** Whether the path comes down to `/`. */
function isRoot(path: string): boolean {
  let depth = 0;
  for (const part of path.split('/')) depth = part === '..' ? Math.max(0, depth - 1) : part === '' || part === '.' ? depth : depth + 1;
  return path.startsWith('/') && depth === 0;
}

type SourceRule<K extends keyof PersistentVolumeSource> = (source: NonNullable<PersistentVolumeSource[K]>, at: string) => Iterable<FieldError>;
const none = (): readonly FieldError[] => [];

/** All types of volumes. Of several that are given only the first is looked at; the others may not be there. */
const rules: { readonly [K in keyof Required<PersistentVolumeSource>]: SourceRule<K> } = {
  hostPath: validateHostPath,
  gcePersistentDisk: (disk, at) => validatePartition(disk, at.replace(/gcePersistentDisk$/, 'persistentDisk')),
  awsElasticBlockStore: validatePartition,
  *glusterfs({ endpointsNamespace }, at) {
    if (endpointsNamespace !== undefined) for (const message of dns1123Label(endpointsNamespace)) yield invalidValue(`${at}.endpointsNamespace`, endpointsNamespace, message);
  },
  flocker: validateFlocker,
  nfs: validateNfs,
  rbd: none,
  quobyte: validateQuobyte,
  cephfs: none,
  *iscsi(iscsi, at) {
    yield* validateIscsi(iscsi, at, 'must be valid format');
    if (iscsi.secretRef !== undefined && (iscsi.secretRef.name ?? '') === '') yield required(`${at}.secretRef.name`);
  },
  *cinder({ secretRef }, at) {
    if (secretRef !== undefined) yield* validateGiven(secretRef, `${at}.secretRef`);
  },
  fc: validateFibreChannel,
  flexVolume: validateFlexVolume,
  *azureFile({ secretNamespace }, at) {
    if (secretNamespace === '') yield required(`${at}.secretNamespace`);
  },
  vsphereVolume: none,
  photonPersistentDisk: none,
  portworxVolume: none,
  azureDisk: validateAzureDisk,
  scaleIO: validateScaleIo,
  *local({ path }, at) {
    if (path !== '') yield* noBacksteps(path, `${at}.path`);
  },
  storageos: validateStorageOs,
  csi: validateCsi,
};

function* validateSource(spec: PersistentVolumeSpec, name: string, path: string): Iterable<FieldError> {
  let first = true;
  for (const type of Object.keys(rules) as (keyof PersistentVolumeSource)[]) {
    const source = spec[type];
    if (source === undefined) continue;
    if (first) yield* (rules[type] as SourceRule<typeof type>)(source, `${path}.${type}`);
    else yield forbiddenField(`${path}.${type === 'cephfs' ? 'cephFS' : type}`, 'may not specify more than 1 volume type');
    first = false;
  }
  if (first) yield required(path, 'must specify a volume type');
  if (spec.iscsi !== undefined && isPortalTooLong(name, spec.iscsi)) yield invalidValue('metadata.name', name, portalTooLong);
  if (spec.local !== undefined && spec.nodeAffinity === undefined) yield required(`${path}.nodeAffinity`, 'Local volume requires node affinity');
}

const csiSecrets = ['controllerPublishSecretRef', 'controllerExpandSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'] as const;

function* validateCsi(csi: CSIPersistentVolumeSource, at: string): Iterable<FieldError> {
  yield* validateCsiDriverName(csi.driver, `${at}.driver`);
  for (const key of csiSecrets) {
    const reference = csi[key];
    if (reference === undefined) continue;
    yield* validateGiven(reference, `${at}.${key}`);
    const { name = '', namespace = '' } = reference;
    if (name !== '') for (const message of dns1123Subdomain(name)) yield invalidValue(`${at}.${key}.name`, name, message);
    if (namespace !== '') for (const message of dns1123Label(namespace)) yield invalidValue(`${at}.${key}.namespace`, namespace, message);
  }
}

function* validateGiven({ name = '', namespace = '' }: SecretReference, at: string): Iterable<FieldError> {
  if (name === '') yield required(`${at}.name`);
  if (namespace === '') yield required(`${at}.namespace`);
}

export function* validateVolumeUpdate({ spec }: Volume, { spec: old }: Volume): Iterable<FieldError> {
  // Expansion may get its secret later.
  const isLater = old.csi !== undefined && old.csi.controllerExpandSecretRef === undefined;
  for (const source of Object.keys(rules) as (keyof PersistentVolumeSource)[]) {
    const now = source === 'csi' && isLater && spec.csi !== undefined ? { ...spec.csi, controllerExpandSecretRef: undefined } : spec[source];
    if (saysTheSame(now, old[source])) continue;
    yield forbiddenField('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation\n');
    break;
  }
  yield* immutableValue('volumeMode', spec.volumeMode, old.volumeMode);
  if (old.nodeAffinity !== undefined && !saysTheSame(spec.nodeAffinity, withLabelsOf(old.nodeAffinity, spec.nodeAffinity))) {
    yield invalidValue('nodeAffinity', spec.nodeAffinity ?? null, 'field is immutable, except for updating from beta label to GA');
  }
  if (old.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    yield forbiddenField('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden');
  }
}

const successors: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

/** `old` with those labels exchanged for their successors that `next` has exchanged at the same place. */
function withLabelsOf(old: VolumeNodeAffinity, next: VolumeNodeAffinity | undefined): VolumeNodeAffinity {
  const terms = old.required?.nodeSelectorTerms.map((term, index) => ({
    ...term,
    matchExpressions: term.matchExpressions?.map((requirement, position) => {
      const key = next?.required?.nodeSelectorTerms[index]?.matchExpressions?.[position]?.key;
      return key !== undefined && successors[requirement.key] === key ? { ...requirement, key } : requirement;
    }),
  }));
  return terms === undefined ? old : { required: { nodeSelectorTerms: terms } };
}
