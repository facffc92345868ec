import type { Infer } from '#apimachinery/schema.ts';
import { bool, inline, int32, int64, list, map, object, oneOf, pointer, quantity, string, struct } from '#apimachinery/schema.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import { TemplateMeta } from '#apimachinery/object-meta.ts';
import { LocalObjectReference, ObjectFieldSelector, ObjectReference, ResourceFieldSelector, SecretReference, TypedLocalObjectReference, TypedObjectReference } from './references.ts';

/** 0644: owner writes, all read. */
const fileMode = 0o644;

export const HostPathVolumeSource = struct('io.k8s.api.core.v1.HostPathVolumeSource', {
  path: string(1, { required: true }),
  type: oneOf(2, ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'], { pointer: true, default: '' }),
});
export interface HostPathVolumeSource extends Infer<typeof HostPathVolumeSource> {}

export const EmptyDirVolumeSource = struct('io.k8s.api.core.v1.EmptyDirVolumeSource', {
  medium: string(1),
  sizeLimit: quantity(2, { pointer: true }),
});
export interface EmptyDirVolumeSource extends Infer<typeof EmptyDirVolumeSource> {}

export const GCEPersistentDiskVolumeSource = struct('io.k8s.api.core.v1.GCEPersistentDiskVolumeSource', {
  pdName: string(1, { required: true }),
  fsType: string(2),
  partition: int32(3),
  readOnly: bool(4),
});
export interface GCEPersistentDiskVolumeSource extends Infer<typeof GCEPersistentDiskVolumeSource> {}

export const AWSElasticBlockStoreVolumeSource = struct('io.k8s.api.core.v1.AWSElasticBlockStoreVolumeSource', {
  volumeID: string(1, { required: true }),
  fsType: string(2),
  partition: int32(3),
  readOnly: bool(4),
});
export interface AWSElasticBlockStoreVolumeSource extends Infer<typeof AWSElasticBlockStoreVolumeSource> {}

export const GitRepoVolumeSource = struct('io.k8s.api.core.v1.GitRepoVolumeSource', {
  repository: string(1, { required: true }),
  revision: string(2),
  directory: string(3),
});
export interface GitRepoVolumeSource extends Infer<typeof GitRepoVolumeSource> {}

export const KeyToPath = struct('io.k8s.api.core.v1.KeyToPath', {
  key: string(1, { required: true }),
  path: string(2, { required: true }),
  mode: int32(3, { pointer: true }),
});
export interface KeyToPath extends Infer<typeof KeyToPath> {}

export const SecretVolumeSource = struct('io.k8s.api.core.v1.SecretVolumeSource', {
  secretName: string(1),
  items: list(2, KeyToPath, { listType: 'atomic' }),
  defaultMode: int32(3, { pointer: true, default: fileMode }),
  optional: bool(4, { pointer: true }),
});
export interface SecretVolumeSource extends Infer<typeof SecretVolumeSource> {}

export const NFSVolumeSource = struct('io.k8s.api.core.v1.NFSVolumeSource', {
  server: string(1, { required: true }),
  path: string(2, { required: true }),
  readOnly: bool(3),
});
export interface NFSVolumeSource extends Infer<typeof NFSVolumeSource> {}

export const ISCSIVolumeSource = struct('io.k8s.api.core.v1.ISCSIVolumeSource', {
  targetPortal: string(1, { required: true }),
  iqn: string(2, { required: true }),
  lun: int32(3, { required: true }),
  iscsiInterface: string(4, { default: 'default', published: true }),
  fsType: string(5),
  readOnly: bool(6),
  portals: list(7, 'string', { listType: 'atomic' }),
  chapAuthDiscovery: bool(8),
  chapAuthSession: bool(11),
  secretRef: pointer(10, LocalObjectReference),
  initiatorName: string(12, { pointer: true }),
});
export interface ISCSIVolumeSource extends Infer<typeof ISCSIVolumeSource> {}

export const GlusterfsVolumeSource = struct('io.k8s.api.core.v1.GlusterfsVolumeSource', {
  endpoints: string(1, { required: true }),
  path: string(2, { required: true }),
  readOnly: bool(3),
});
export interface GlusterfsVolumeSource extends Infer<typeof GlusterfsVolumeSource> {}

export const PersistentVolumeClaimVolumeSource = struct('io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource', {
  claimName: string(1, { required: true }),
  readOnly: bool(2),
});
export interface PersistentVolumeClaimVolumeSource extends Infer<typeof PersistentVolumeClaimVolumeSource> {}

export const RBDVolumeSource = struct('io.k8s.api.core.v1.RBDVolumeSource', {
  monitors: list(1, 'string', { required: true, listType: 'atomic' }),
  image: string(2, { required: true }),
  fsType: string(3),
  pool: string(4, { default: 'rbd', published: true }),
  user: string(5, { default: 'admin', published: true }),
  keyring: string(6, { default: '/etc/ceph/keyring', published: true }),
  secretRef: pointer(7, LocalObjectReference),
  readOnly: bool(8),
});
export interface RBDVolumeSource extends Infer<typeof RBDVolumeSource> {}

export const FlexVolumeSource = struct('io.k8s.api.core.v1.FlexVolumeSource', {
  driver: string(1, { required: true }),
  fsType: string(2),
  secretRef: pointer(3, LocalObjectReference),
  readOnly: bool(4),
  options: map(5, 'string'),
});
export interface FlexVolumeSource extends Infer<typeof FlexVolumeSource> {}

export const CinderVolumeSource = struct('io.k8s.api.core.v1.CinderVolumeSource', {
  volumeID: string(1, { required: true }),
  fsType: string(2),
  readOnly: bool(3),
  secretRef: pointer(4, LocalObjectReference),
});
export interface CinderVolumeSource extends Infer<typeof CinderVolumeSource> {}

export const CephFSVolumeSource = struct('io.k8s.api.core.v1.CephFSVolumeSource', {
  monitors: list(1, 'string', { required: true, listType: 'atomic' }),
  path: string(2),
  user: string(3),
  secretFile: string(4),
  secretRef: pointer(5, LocalObjectReference),
  readOnly: bool(6),
});
export interface CephFSVolumeSource extends Infer<typeof CephFSVolumeSource> {}

export const FlockerVolumeSource = struct('io.k8s.api.core.v1.FlockerVolumeSource', {
  datasetName: string(1),
  datasetUUID: string(2),
});
export interface FlockerVolumeSource extends Infer<typeof FlockerVolumeSource> {}

export const DownwardAPIVolumeFile = struct('io.k8s.api.core.v1.DownwardAPIVolumeFile', {
  path: string(1, { required: true }),
  fieldRef: pointer(2, ObjectFieldSelector),
  resourceFieldRef: pointer(3, ResourceFieldSelector),
  mode: int32(4, { pointer: true }),
});
export interface DownwardAPIVolumeFile extends Infer<typeof DownwardAPIVolumeFile> {}

export const DownwardAPIVolumeSource = struct('io.k8s.api.core.v1.DownwardAPIVolumeSource', {
  items: list(1, DownwardAPIVolumeFile, { listType: 'atomic' }),
  defaultMode: int32(2, { pointer: true, default: fileMode }),
});
export interface DownwardAPIVolumeSource extends Infer<typeof DownwardAPIVolumeSource> {}

export const FCVolumeSource = struct('io.k8s.api.core.v1.FCVolumeSource', {
  targetWWNs: list(1, 'string', { listType: 'atomic' }),
  lun: int32(2, { pointer: true }),
  fsType: string(3),
  readOnly: bool(4),
  wwids: list(5, 'string', { listType: 'atomic' }),
});
export interface FCVolumeSource extends Infer<typeof FCVolumeSource> {}

export const AzureFileVolumeSource = struct('io.k8s.api.core.v1.AzureFileVolumeSource', {
  secretName: string(1, { required: true }),
  shareName: string(2, { required: true }),
  readOnly: bool(3),
});
export interface AzureFileVolumeSource extends Infer<typeof AzureFileVolumeSource> {}

export const ConfigMapVolumeSource = struct('io.k8s.api.core.v1.ConfigMapVolumeSource', {
  items: list(2, KeyToPath, { listType: 'atomic' }),
  defaultMode: int32(3, { pointer: true, default: fileMode }),
  optional: bool(4, { pointer: true }),
}, { inlines: [inline(1, LocalObjectReference)] });
export interface ConfigMapVolumeSource extends Infer<typeof ConfigMapVolumeSource> {}

export const VsphereVirtualDiskVolumeSource = struct('io.k8s.api.core.v1.VsphereVirtualDiskVolumeSource', {
  volumePath: string(1, { required: true }),
  fsType: string(2),
  storagePolicyName: string(3),
  storagePolicyID: string(4),
});
export interface VsphereVirtualDiskVolumeSource extends Infer<typeof VsphereVirtualDiskVolumeSource> {}

export const QuobyteVolumeSource = struct('io.k8s.api.core.v1.QuobyteVolumeSource', {
  registry: string(1, { required: true }),
  volume: string(2, { required: true }),
  readOnly: bool(3),
  user: string(4),
  group: string(5),
  tenant: string(6),
});
export interface QuobyteVolumeSource extends Infer<typeof QuobyteVolumeSource> {}

export const AzureDiskVolumeSource = struct('io.k8s.api.core.v1.AzureDiskVolumeSource', {
  diskName: string(1, { required: true }),
  diskURI: string(2, { required: true }),
  cachingMode: oneOf(3, ['None', 'ReadOnly', 'ReadWrite'], { pointer: true, default: 'ReadWrite', published: true }),
  fsType: string(4, { pointer: true, default: 'ext4', published: true }),
  readOnly: bool(5, { pointer: true, default: false, published: true }),
  kind: oneOf(6, ['Dedicated', 'Managed', 'Shared'], { pointer: true, default: 'Shared', published: true }),
});
export interface AzureDiskVolumeSource extends Infer<typeof AzureDiskVolumeSource> {}

export const PhotonPersistentDiskVolumeSource = struct('io.k8s.api.core.v1.PhotonPersistentDiskVolumeSource', {
  pdID: string(1, { required: true }),
  fsType: string(2),
});
export interface PhotonPersistentDiskVolumeSource extends Infer<typeof PhotonPersistentDiskVolumeSource> {}

export const SecretProjection = struct('io.k8s.api.core.v1.SecretProjection', {
  items: list(2, KeyToPath, { listType: 'atomic' }),
  optional: bool(4, { pointer: true }),
}, { inlines: [inline(1, LocalObjectReference)] });
export interface SecretProjection extends Infer<typeof SecretProjection> {}

export const DownwardAPIProjection = struct('io.k8s.api.core.v1.DownwardAPIProjection', {
  items: list(1, DownwardAPIVolumeFile, { listType: 'atomic' }),
});
export interface DownwardAPIProjection extends Infer<typeof DownwardAPIProjection> {}

export const ConfigMapProjection = struct('io.k8s.api.core.v1.ConfigMapProjection', {
  items: list(2, KeyToPath, { listType: 'atomic' }),
  optional: bool(4, { pointer: true }),
}, { inlines: [inline(1, LocalObjectReference)] });
export interface ConfigMapProjection extends Infer<typeof ConfigMapProjection> {}

export const ServiceAccountTokenProjection = struct('io.k8s.api.core.v1.ServiceAccountTokenProjection', {
  audience: string(1),
  expirationSeconds: int64(2, { pointer: true, default: 3600 }),
  path: string(3, { required: true }),
});
export interface ServiceAccountTokenProjection extends Infer<typeof ServiceAccountTokenProjection> {}

export const ClusterTrustBundleProjection = struct('io.k8s.api.core.v1.ClusterTrustBundleProjection', {
  name: string(1, { pointer: true }),
  signerName: string(2, { pointer: true }),
  labelSelector: pointer(3, LabelSelector),
  optional: bool(5, { pointer: true }),
  path: string(4, { required: true }),
});
export interface ClusterTrustBundleProjection extends Infer<typeof ClusterTrustBundleProjection> {}

export const PodCertificateProjection = struct('io.k8s.api.core.v1.PodCertificateProjection', {
  signerName: string(1, { required: true, omitEmpty: true }),
  keyType: string(2, { required: true, omitEmpty: true }),
  maxExpirationSeconds: int32(3, { pointer: true }),
  credentialBundlePath: string(4),
  keyPath: string(5),
  certificateChainPath: string(6),
  userAnnotations: map(7, 'string'),
});
export interface PodCertificateProjection extends Infer<typeof PodCertificateProjection> {}

export const VolumeProjection = struct('io.k8s.api.core.v1.VolumeProjection', {
  secret: pointer(1, SecretProjection),
  downwardAPI: pointer(2, DownwardAPIProjection),
  configMap: pointer(3, ConfigMapProjection),
  serviceAccountToken: pointer(4, ServiceAccountTokenProjection),
  clusterTrustBundle: pointer(5, ClusterTrustBundleProjection, { gated: true }),
  podCertificate: pointer(6, PodCertificateProjection, { gated: true }),
});
export interface VolumeProjection extends Infer<typeof VolumeProjection> {}

export const ProjectedVolumeSource = struct('io.k8s.api.core.v1.ProjectedVolumeSource', {
  sources: list(1, VolumeProjection, { always: true, listType: 'atomic' }),
  defaultMode: int32(2, { pointer: true, default: fileMode }),
});
export interface ProjectedVolumeSource extends Infer<typeof ProjectedVolumeSource> {}

export const PortworxVolumeSource = struct('io.k8s.api.core.v1.PortworxVolumeSource', {
  volumeID: string(1, { required: true }),
  fsType: string(2),
  readOnly: bool(3),
});
export interface PortworxVolumeSource extends Infer<typeof PortworxVolumeSource> {}

export const ScaleIOVolumeSource = struct('io.k8s.api.core.v1.ScaleIOVolumeSource', {
  gateway: string(1, { required: true }),
  system: string(2, { required: true }),
  secretRef: pointer(3, LocalObjectReference, { required: true }),
  sslEnabled: bool(4),
  protectionDomain: string(5),
  storagePool: string(6),
  storageMode: string(7, { default: 'ThinProvisioned', published: true }),
  volumeName: string(8),
  fsType: string(9, { default: 'xfs', published: true }),
  readOnly: bool(10),
});
export interface ScaleIOVolumeSource extends Infer<typeof ScaleIOVolumeSource> {}

export const StorageOSVolumeSource = struct('io.k8s.api.core.v1.StorageOSVolumeSource', {
  volumeName: string(1),
  volumeNamespace: string(2),
  fsType: string(3),
  readOnly: bool(4),
  secretRef: pointer(5, LocalObjectReference),
});
export interface StorageOSVolumeSource extends Infer<typeof StorageOSVolumeSource> {}

export const CSIVolumeSource = struct('io.k8s.api.core.v1.CSIVolumeSource', {
  driver: string(1, { required: true }),
  readOnly: bool(2, { pointer: true }),
  fsType: string(3, { pointer: true }),
  volumeAttributes: map(4, 'string'),
  nodePublishSecretRef: pointer(5, LocalObjectReference),
});
export interface CSIVolumeSource extends Infer<typeof CSIVolumeSource> {}

export const VolumeResourceRequirements = struct('io.k8s.api.core.v1.VolumeResourceRequirements', {
  limits: map(1, 'quantity'),
  requests: map(2, 'quantity'),
});
export interface VolumeResourceRequirements extends Infer<typeof VolumeResourceRequirements> {}

export const PersistentVolumeClaimSpec = struct('io.k8s.api.core.v1.PersistentVolumeClaimSpec', {
  accessModes: list(1, 'string', { listType: 'atomic' }),
  selector: pointer(4, LabelSelector),
  resources: object(2, VolumeResourceRequirements),
  volumeName: string(3),
  storageClassName: string(5, { pointer: true }),
  volumeMode: oneOf(6, ['Block', 'Filesystem'], { pointer: true, default: 'Filesystem' }),
  dataSource: pointer(7, TypedLocalObjectReference),
  dataSourceRef: pointer(8, TypedObjectReference),
  volumeAttributesClassName: string(9, { pointer: true }),
});
export interface PersistentVolumeClaimSpec extends Infer<typeof PersistentVolumeClaimSpec> {}

export const PersistentVolumeClaimTemplate = struct('io.k8s.api.core.v1.PersistentVolumeClaimTemplate', {
  metadata: object(1, TemplateMeta),
  spec: object(2, PersistentVolumeClaimSpec, { required: true }),
});
export interface PersistentVolumeClaimTemplate extends Infer<typeof PersistentVolumeClaimTemplate> {}

export const EphemeralVolumeSource = struct('io.k8s.api.core.v1.EphemeralVolumeSource', {
  volumeClaimTemplate: pointer(1, PersistentVolumeClaimTemplate),
});
export interface EphemeralVolumeSource extends Infer<typeof EphemeralVolumeSource> {}

export const ImageVolumeSource = struct('io.k8s.api.core.v1.ImageVolumeSource', {
  reference: string(1),
  pullPolicy: oneOf(2, ['Always', 'IfNotPresent', 'Never']),
});
export interface ImageVolumeSource extends Infer<typeof ImageVolumeSource> {}

export const VolumeSource = struct('io.k8s.api.core.v1.VolumeSource', {
  hostPath: pointer(1, HostPathVolumeSource),
  emptyDir: pointer(2, EmptyDirVolumeSource),
  gcePersistentDisk: pointer(3, GCEPersistentDiskVolumeSource),
  awsElasticBlockStore: pointer(4, AWSElasticBlockStoreVolumeSource),
  gitRepo: pointer(5, GitRepoVolumeSource),
  secret: pointer(6, SecretVolumeSource),
  nfs: pointer(7, NFSVolumeSource),
  iscsi: pointer(8, ISCSIVolumeSource),
  glusterfs: pointer(9, GlusterfsVolumeSource),
  persistentVolumeClaim: pointer(10, PersistentVolumeClaimVolumeSource),
  rbd: pointer(11, RBDVolumeSource),
  flexVolume: pointer(12, FlexVolumeSource),
  cinder: pointer(13, CinderVolumeSource),
  cephfs: pointer(14, CephFSVolumeSource),
  flocker: pointer(15, FlockerVolumeSource),
  downwardAPI: pointer(16, DownwardAPIVolumeSource),
  fc: pointer(17, FCVolumeSource),
  azureFile: pointer(18, AzureFileVolumeSource),
  configMap: pointer(19, ConfigMapVolumeSource),
  vsphereVolume: pointer(20, VsphereVirtualDiskVolumeSource),
  quobyte: pointer(21, QuobyteVolumeSource),
  azureDisk: pointer(22, AzureDiskVolumeSource),
  photonPersistentDisk: pointer(23, PhotonPersistentDiskVolumeSource),
  projected: pointer(26, ProjectedVolumeSource),
  portworxVolume: pointer(24, PortworxVolumeSource),
  scaleIO: pointer(25, ScaleIOVolumeSource),
  storageos: pointer(27, StorageOSVolumeSource),
  csi: pointer(28, CSIVolumeSource),
  ephemeral: pointer(29, EphemeralVolumeSource),
  image: pointer(30, ImageVolumeSource),
});
export interface VolumeSource extends Infer<typeof VolumeSource> {}

export const Volume = struct('io.k8s.api.core.v1.Volume', {
  name: string(1, { required: true }),
}, { inlines: [inline(2, VolumeSource)] });
export interface Volume extends Infer<typeof Volume> {}

export const GlusterfsPersistentVolumeSource = struct('io.k8s.api.core.v1.GlusterfsPersistentVolumeSource', {
  endpoints: string(1, { required: true }),
  path: string(2, { required: true }),
  readOnly: bool(3),
  endpointsNamespace: string(4, { pointer: true }),
});
export interface GlusterfsPersistentVolumeSource extends Infer<typeof GlusterfsPersistentVolumeSource> {}

export const RBDPersistentVolumeSource = struct('io.k8s.api.core.v1.RBDPersistentVolumeSource', {
  monitors: list(1, 'string', { required: true, listType: 'atomic' }),
  image: string(2, { required: true }),
  fsType: string(3),
  pool: string(4, { default: 'rbd', published: true }),
  user: string(5, { default: 'admin', published: true }),
  keyring: string(6, { default: '/etc/ceph/keyring', published: true }),
  secretRef: pointer(7, SecretReference),
  readOnly: bool(8),
});
export interface RBDPersistentVolumeSource extends Infer<typeof RBDPersistentVolumeSource> {}

export const ISCSIPersistentVolumeSource = struct('io.k8s.api.core.v1.ISCSIPersistentVolumeSource', {
  targetPortal: string(1, { required: true }),
  iqn: string(2, { required: true }),
  lun: int32(3, { required: true }),
  iscsiInterface: string(4, { default: 'default', published: true }),
  fsType: string(5),
  readOnly: bool(6),
  portals: list(7, 'string', { listType: 'atomic' }),
  chapAuthDiscovery: bool(8),
  chapAuthSession: bool(11),
  secretRef: pointer(10, SecretReference),
  initiatorName: string(12, { pointer: true }),
});
export interface ISCSIPersistentVolumeSource extends Infer<typeof ISCSIPersistentVolumeSource> {}

export const CinderPersistentVolumeSource = struct('io.k8s.api.core.v1.CinderPersistentVolumeSource', {
  volumeID: string(1, { required: true }),
  fsType: string(2),
  readOnly: bool(3),
  secretRef: pointer(4, SecretReference),
});
export interface CinderPersistentVolumeSource extends Infer<typeof CinderPersistentVolumeSource> {}

export const CephFSPersistentVolumeSource = struct('io.k8s.api.core.v1.CephFSPersistentVolumeSource', {
  monitors: list(1, 'string', { required: true, listType: 'atomic' }),
  path: string(2),
  user: string(3),
  secretFile: string(4),
  secretRef: pointer(5, SecretReference),
  readOnly: bool(6),
});
export interface CephFSPersistentVolumeSource extends Infer<typeof CephFSPersistentVolumeSource> {}

export const FlexPersistentVolumeSource = struct('io.k8s.api.core.v1.FlexPersistentVolumeSource', {
  driver: string(1, { required: true }),
  fsType: string(2),
  secretRef: pointer(3, SecretReference),
  readOnly: bool(4),
  options: map(5, 'string'),
});
export interface FlexPersistentVolumeSource extends Infer<typeof FlexPersistentVolumeSource> {}

export const AzureFilePersistentVolumeSource = struct('io.k8s.api.core.v1.AzureFilePersistentVolumeSource', {
  secretName: string(1, { required: true }),
  shareName: string(2, { required: true }),
  readOnly: bool(3),
  secretNamespace: string(4, { always: true, pointer: true }),
});
export interface AzureFilePersistentVolumeSource extends Infer<typeof AzureFilePersistentVolumeSource> {}

export const ScaleIOPersistentVolumeSource = struct('io.k8s.api.core.v1.ScaleIOPersistentVolumeSource', {
  gateway: string(1, { required: true }),
  system: string(2, { required: true }),
  secretRef: pointer(3, SecretReference, { required: true }),
  sslEnabled: bool(4),
  protectionDomain: string(5),
  storagePool: string(6),
  storageMode: string(7, { default: 'ThinProvisioned', published: true }),
  volumeName: string(8),
  fsType: string(9, { default: 'xfs', published: true }),
  readOnly: bool(10),
});
export interface ScaleIOPersistentVolumeSource extends Infer<typeof ScaleIOPersistentVolumeSource> {}

export const LocalVolumeSource = struct('io.k8s.api.core.v1.LocalVolumeSource', {
  path: string(1, { required: true }),
  fsType: string(2, { pointer: true }),
});
export interface LocalVolumeSource extends Infer<typeof LocalVolumeSource> {}

export const StorageOSPersistentVolumeSource = struct('io.k8s.api.core.v1.StorageOSPersistentVolumeSource', {
  volumeName: string(1),
  volumeNamespace: string(2),
  fsType: string(3),
  readOnly: bool(4),
  secretRef: pointer(5, ObjectReference),
});
export interface StorageOSPersistentVolumeSource extends Infer<typeof StorageOSPersistentVolumeSource> {}

export const CSIPersistentVolumeSource = struct('io.k8s.api.core.v1.CSIPersistentVolumeSource', {
  driver: string(1, { required: true }),
  volumeHandle: string(2, { required: true }),
  readOnly: bool(3),
  fsType: string(4),
  volumeAttributes: map(5, 'string'),
  controllerPublishSecretRef: pointer(6, SecretReference),
  nodeStageSecretRef: pointer(7, SecretReference),
  nodePublishSecretRef: pointer(8, SecretReference),
  controllerExpandSecretRef: pointer(9, SecretReference),
  nodeExpandSecretRef: pointer(10, SecretReference),
});
export interface CSIPersistentVolumeSource extends Infer<typeof CSIPersistentVolumeSource> {}

export const PersistentVolumeSource = struct('io.k8s.api.core.v1.PersistentVolumeSource', {
  gcePersistentDisk: pointer(1, GCEPersistentDiskVolumeSource),
  awsElasticBlockStore: pointer(2, AWSElasticBlockStoreVolumeSource),
  hostPath: pointer(3, HostPathVolumeSource),
  glusterfs: pointer(4, GlusterfsPersistentVolumeSource),
  nfs: pointer(5, NFSVolumeSource),
  rbd: pointer(6, RBDPersistentVolumeSource),
  iscsi: pointer(7, ISCSIPersistentVolumeSource),
  cinder: pointer(8, CinderPersistentVolumeSource),
  cephfs: pointer(9, CephFSPersistentVolumeSource),
  fc: pointer(10, FCVolumeSource),
  flocker: pointer(11, FlockerVolumeSource),
  flexVolume: pointer(12, FlexPersistentVolumeSource),
  azureFile: pointer(13, AzureFilePersistentVolumeSource),
  vsphereVolume: pointer(14, VsphereVirtualDiskVolumeSource),
  quobyte: pointer(15, QuobyteVolumeSource),
  azureDisk: pointer(16, AzureDiskVolumeSource),
  photonPersistentDisk: pointer(17, PhotonPersistentDiskVolumeSource),
  portworxVolume: pointer(18, PortworxVolumeSource),
  scaleIO: pointer(19, ScaleIOPersistentVolumeSource),
  local: pointer(20, LocalVolumeSource),
  storageos: pointer(21, StorageOSPersistentVolumeSource),
  csi: pointer(22, CSIPersistentVolumeSource),
});
export interface PersistentVolumeSource extends Infer<typeof PersistentVolumeSource> {}
