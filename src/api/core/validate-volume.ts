/** Rules on a pod's volumes. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, required } from '#apimachinery/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '#apimachinery/names.ts';
import { validateAnnotations, validateLabels } from '#apimachinery/names.ts';
import { parseQuantity } from '#apimachinery/quantity.ts';
import { validateClaimSpec } from './validate-claim-spec.ts';
import { staysInside, validateMode } from './validate-paths.ts';
import { validateDownward, validateItems, validateProjected } from './validate-projection.ts';
import {
  isPortalTooLong, portalTooLong, validateAzureDisk, validateCsiDriverName, validateFibreChannel, validateFlexVolume, validateFlocker, validateHostPath, validateIscsi, validateNfs,
  validatePartition, validateQuobyte, validateScaleIo, validateStorageOs,
} from './validate-volume-plugins.ts';
import type { ConfigMapVolumeSource, CSIVolumeSource, EphemeralVolumeSource, SecretVolumeSource, Volume, VolumeSource } from './volume.ts';

/** What of a pod its volumes depend on. A template has none of it. */
export interface VolumeOwner {
  /** Empty as long as only `generateName` is given. */
  readonly name: string;
}

/** The volumes that nothing is wrong with, by their names: only those can be mounted. */
export type KnownVolumes = ReadonlyMap<string, Volume>;

export function checkVolumes(volumes: readonly Volume[], path: string, pod: VolumeOwner | undefined): { readonly errors: readonly FieldError[]; readonly known: KnownVolumes } {
  const errors: FieldError[] = [];
  const known = new Map<string, Volume>();
  /** Claims that a controller will make for this pod. */
  const made = new Set(pod === undefined || pod.name === '' ? [] : volumes.filter((volume) => volume.ephemeral !== undefined).map((volume) => `${pod.name}-${volume.name}`));
  for (const [index, volume] of volumes.entries()) {
    const at = `${path}[${index}]`;
    const found = [...validateVolume(volume, at, pod)];
    errors.push(...found);
    if (found.length === 0 && volume.name !== '') known.set(volume.name, volume);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && made.has(claim)) errors.push(invalidValue(`${at}.persistentVolumeClaim.claimName`, claim, 'must not reference a PVC that gets created for an ephemeral volume'));
  }
  return { errors, known };
}

function* validateVolume(volume: Volume, at: string, pod: VolumeOwner | undefined): Iterable<FieldError> {
  yield* validateSource(volume, at, pod);
  if (volume.name !== '') for (const message of dns1123Label(volume.name)) yield invalidValue(`${at}.name`, volume.name, message);
}

type SourceRule<K extends keyof VolumeSource> = (source: NonNullable<VolumeSource[K]>, at: string, pod: VolumeOwner | undefined) => Iterable<FieldError>;
const none = (): readonly FieldError[] => [];

/** All types of volumes. Of several that are given only the first is looked at; the others may not be there. */
const rules: { readonly [K in keyof Required<VolumeSource>]: SourceRule<K> } = {
  *emptyDir({ sizeLimit }, at) {
    if (sizeLimit !== undefined && parseQuantity(sizeLimit).nanos < 0n) yield forbiddenField(`${at}.sizeLimit`, 'SizeLimit field must be a valid resource quantity');
  },
  hostPath: validateHostPath,
  gitRepo: ({ directory = '' }, at) => staysInside(directory, `${at}.directory`),
  // Its fields are said to be of `persistentDisk`, as the type was first called.
  gcePersistentDisk: (disk, at) => validatePartition(disk, at.replace(/gcePersistentDisk$/, 'persistentDisk')),
  awsElasticBlockStore: validatePartition,
  secret: validateSecret,
  nfs: validateNfs,
  iscsi: (iscsi, at) => validateIscsi(iscsi, at, 'must be valid format starting with iqn, eui, or naa'),
  glusterfs: none,
  flocker: validateFlocker,
  persistentVolumeClaim: none,
  rbd: none,
  cinder: none,
  cephfs: none,
  quobyte: validateQuobyte,
  *downwardAPI({ defaultMode, items = [] }, at) {
    yield* validateMode(defaultMode, `${at}.defaultMode`);
    yield* validateDownward(items, at);
  },
  fc: validateFibreChannel,
  flexVolume: validateFlexVolume,
  configMap: validateConfigMap,
  azureFile: none,
  vsphereVolume: none,
  photonPersistentDisk: none,
  portworxVolume: none,
  azureDisk: validateAzureDisk,
  storageos: validateStorageOs,
  projected: validateProjected,
  scaleIO: validateScaleIo,
  csi: validateCsi,
  ephemeral: (ephemeral, at) => validateEphemeral(ephemeral, at),
  *image({ reference = '' }, at, pod) {
    // A template may leave it to whatever fills in images.
    if (pod !== undefined && reference === '') yield required(`${at}.reference`);
  },
};

/** Misspelt where two types are given. */
const spelling: Readonly<Record<string, string>> = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' };

function* validateSource(volume: Volume, at: string, pod: VolumeOwner | undefined): Iterable<FieldError> {
  let first = true;
  for (const type of Object.keys(rules) as (keyof VolumeSource)[]) {
    const source = volume[type];
    if (source === undefined) continue;
    if (first) yield* (rules[type] as SourceRule<typeof type>)(source, `${at}.${type}`, pod);
    else yield forbiddenField(`${at}.${spelling[type] ?? type}`, 'may not specify more than 1 volume type');
    first = false;
  }
  if (first) yield required(at, 'must specify a volume type');
  if (volume.iscsi !== undefined && isPortalTooLong(volume.name, volume.iscsi)) yield invalidValue(`${at}.name`, volume.name, portalTooLong);
  if (volume.ephemeral !== undefined && pod !== undefined && pod.name !== '' && volume.name !== '') {
    const claim = `${pod.name}-${volume.name}`;
    for (const message of dns1123Subdomain(claim)) yield invalidValue(`${at}.name`, volume.name, `PVC name ${JSON.stringify(claim)}: ${message}`);
  }
}

function* validateSecret({ defaultMode, items = [], secretName = '' }: SecretVolumeSource, at: string): Iterable<FieldError> {
  if (secretName === '') yield required(`${at}.secretName`);
  yield* validateMode(defaultMode, `${at}.defaultMode`);
  yield* validateItems(items, `${at}.items`);
}

function* validateConfigMap({ defaultMode, items = [], name = '' }: ConfigMapVolumeSource, at: string): Iterable<FieldError> {
  if (name === '') yield required(`${at}.name`);
  yield* validateMode(defaultMode, `${at}.defaultMode`);
  yield* validateItems(items, `${at}.items`);
}

function* validateCsi({ driver, nodePublishSecretRef }: CSIVolumeSource, at: string): Iterable<FieldError> {
  yield* validateCsiDriverName(driver, `${at}.driver`);
  if (nodePublishSecretRef === undefined) return;
  const { name = '' } = nodePublishSecretRef;
  if (name === '') yield required(`${at}.nodePublishSecretRef.name`);
  else for (const message of dns1123Subdomain(name)) yield invalidValue(`${at}.nodePublishSecretRef.name`, name, message);
}

/** What a template of a claim may say of the claim's metadata; the rest is the pod's. */
const templateMeta = new Set(['labels', 'annotations']);

function* validateEphemeral({ volumeClaimTemplate }: EphemeralVolumeSource, at: string): Iterable<FieldError> {
  if (volumeClaimTemplate === undefined) return yield required(`${at}.volumeClaimTemplate`);
  const { metadata, spec } = volumeClaimTemplate;
  const path = `${at}.volumeClaimTemplate`;
  yield* validateAnnotations(metadata.annotations ?? {}, `${path}.metadata.annotations`);
  yield* validateLabels(metadata.labels ?? {}, `${path}.metadata.labels`);
  for (const [key, value] of Object.entries(metadata)) {
    if (!templateMeta.has(key) && value !== undefined && value !== '' && value !== null) yield forbiddenField(`${path}.metadata.${key}`, 'cannot be set');
  }
  yield* validateClaimSpec(spec, `${path}.spec`);
}
