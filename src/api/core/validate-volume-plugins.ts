/** Rules on storage that pods and persistent volumes name in the same way. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, notSupported, required, tooLong } from '#apimachinery/field-error.ts';
import { byteLength, dns1123Label, dns1123Subdomain, rangeMessage } from '#apimachinery/names.ts';
import type {
  AWSElasticBlockStoreVolumeSource, AzureDiskVolumeSource, FCVolumeSource, FlexVolumeSource, FlockerVolumeSource, GCEPersistentDiskVolumeSource, HostPathVolumeSource,
  ISCSIPersistentVolumeSource, ISCSIVolumeSource, NFSVolumeSource, QuobyteVolumeSource, ScaleIOPersistentVolumeSource, ScaleIOVolumeSource, StorageOSPersistentVolumeSource,
  StorageOSVolumeSource,
} from './volume.ts';
import { noBacksteps } from './validate-paths.ts';

export function* validateHostPath({ path }: HostPathVolumeSource, at: string): Iterable<FieldError> {
  if (path !== '') yield* noBacksteps(path, `${at}.path`);
}

/** Partitions are counted from one; zero is the whole disk. */
export function* validatePartition({ partition = 0 }: GCEPersistentDiskVolumeSource | AWSElasticBlockStoreVolumeSource, at: string): Iterable<FieldError> {
  if (partition < 0 || partition > 255) yield invalidValue(`${at}.partition`, partition, rangeMessage(1, 255));
}

export function* validateNfs({ path }: NFSVolumeSource, at: string): Iterable<FieldError> {
  if (!path.startsWith('/')) yield invalidValue(`${at}.path`, path, 'must be an absolute path');
}

const initiatorForms: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[A-Za-z0-9]{16}$/,
  naa: /^naa.[A-Za-z0-9]{32}$/,
};

/** `unknownForm` is what is said of a name that begins with none of the three. */
export function* validateIscsi(source: ISCSIVolumeSource | ISCSIPersistentVolumeSource, at: string, unknownForm: string): Iterable<FieldError> {
  if (source.iqn !== '') yield* validateInitiator(source.iqn, `${at}.iqn`, unknownForm);
  if (source.lun < 0 || source.lun > 255) yield invalidValue(`${at}.lun`, source.lun, rangeMessage(0, 255));
  if ((source.chapAuthDiscovery === true || source.chapAuthSession === true) && source.secretRef === undefined) yield required(`${at}.secretRef`);
  if (source.initiatorName !== undefined) yield* validateInitiator(source.initiatorName, `${at}.initiatorname`, unknownForm);
}

function* validateInitiator(name: string, path: string, unknownForm: string): Iterable<FieldError> {
  const form = initiatorForms[name.slice(0, 3)];
  if (form === undefined) yield invalidValue(path, name, unknownForm);
  else if (!form.test(name)) yield invalidValue(path, name, 'must be valid format');
}

/** The node makes one name of both, which the initiator limits. */
export const portalTooLong = 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';
export function isPortalTooLong(name: string, { initiatorName, targetPortal }: ISCSIVolumeSource | ISCSIPersistentVolumeSource): boolean {
  return initiatorName !== undefined && byteLength(`${name}:${targetPortal}`) > 64;
}

export function* validateFibreChannel({ lun, targetWWNs = [], wwids = [] }: FCVolumeSource, at: string): Iterable<FieldError> {
  if (targetWWNs.length === 0 && wwids.length === 0) yield required(`${at}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both');
  if (targetWWNs.length > 0 && wwids.length > 0) yield invalidValue(`${at}.targetWWNs`, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously');
  if (targetWWNs.length === 0) return;
  if (lun === undefined) yield required(`${at}.lun`, 'lun is required if targetWWNs is specified');
  else if (lun < 0 || lun > 255) yield invalidValue(`${at}.lun`, lun, rangeMessage(0, 255));
}

export function* validateQuobyte({ registry, tenant = '' }: QuobyteVolumeSource, at: string): Iterable<FieldError> {
  const pairs = 'must be a host:port pair or multiple pairs separated by commas';
  if (registry === '') yield required(`${at}.registry`, pairs);
  else if (tenant.length >= 65) yield required(`${at}.tenant`, 'must be a UUID and may not exceed a length of 64 characters');
  else for (const pair of registry.split(',')) if (!/^(\[[^\]]*\]|[^:[\]]*):[^:]*$/.test(pair)) yield invalidValue(`${at}.registry`, registry, pairs);
}

export function* validateFlocker({ datasetName = '', datasetUUID = '' }: FlockerVolumeSource, at: string): Iterable<FieldError> {
  if (datasetName === '' && datasetUUID === '') yield required(at, 'one of datasetName and datasetUUID is required');
  if (datasetName !== '' && datasetUUID !== '') yield invalidValue(at, 'resource', 'datasetName and datasetUUID can not be specified simultaneously');
  if (datasetName.includes('/')) yield invalidValue(`${at}.datasetName`, datasetName, "must not contain '/'");
}

export function* validateFlexVolume({ options = {} }: Pick<FlexVolumeSource, 'options'>, at: string): Iterable<FieldError> {
  for (const key of Object.keys(options)) {
    const domain = `.${(key.includes('/') ? key.slice(0, key.indexOf('/')) : key).toLowerCase()}`;
    if (domain.endsWith('.kubernetes.io') || domain.endsWith('.k8s.io')) yield invalidValue(`${at}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved');
  }
}

export function* validateAzureDisk({ diskURI, kind }: AzureDiskVolumeSource, at: string): Iterable<FieldError> {
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/')) {
    yield notSupported(`${at}.diskURI`, diskURI, ['/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}']);
  }
  if (kind !== undefined && kind !== 'Managed' && !diskURI.startsWith('https://')) {
    yield notSupported(`${at}.diskURI`, diskURI, ['https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd']);
  }
}

export function* validateScaleIo({ volumeName = '' }: ScaleIOVolumeSource | ScaleIOPersistentVolumeSource, at: string): Iterable<FieldError> {
  if (volumeName === '') yield required(`${at}.volumeName`);
}

export function* validateStorageOs({ secretRef, volumeName = '', volumeNamespace = '' }: StorageOSVolumeSource | StorageOSPersistentVolumeSource, at: string): Iterable<FieldError> {
  if (volumeName === '') yield required(`${at}.volumeName`);
  else for (const message of dns1123Label(volumeName)) yield invalidValue(`${at}.volumeName`, volumeName, message);
  if (volumeNamespace !== '') for (const message of dns1123Label(volumeNamespace)) yield invalidValue(`${at}.volumeNamespace`, volumeNamespace, message);
  if (secretRef !== undefined && (secretRef.name ?? '') === '') yield required(`${at}.secretRef.name`);
}

export function* validateCsiDriverName(driver: string, path: string): Iterable<FieldError> {
  if (driver === '') yield required(path);
  if (byteLength(driver) > 63) yield tooLong(path, 63);
  for (const message of dns1123Subdomain(driver.toLowerCase())) yield invalidValue(path, driver, message);
}
