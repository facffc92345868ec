/** Structures of the API itself, as OpenAPI and protobuf need them: lists, Status, discovery, watch events. */
import type { Infer } from './schema.ts';
import { bool, int32, int64, list, object, pointer, raw, string, struct } from './schema.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

export const ShardInfo = struct(`${meta}.ShardInfo`, {
  selector: string(1, { required: true }),
});

export const ListMeta = struct(`${meta}.ListMeta`, {
  selfLink: string(1),
  resourceVersion: string(2),
  continue: string(3),
  remainingItemCount: int64(4, { pointer: true }),
  shardInfo: pointer(5, ShardInfo),
});
export interface ListMeta extends Infer<typeof ListMeta> {}

export const StatusCause = struct(`${meta}.StatusCause`, {
  reason: string(1),
  message: string(2),
  field: string(3),
});

export const StatusDetails = struct(`${meta}.StatusDetails`, {
  name: string(1),
  group: string(2),
  kind: string(3),
  uid: string(6),
  causes: list(4, StatusCause, { listType: 'atomic' }),
  retryAfterSeconds: int32(5),
});

/** The declaration of what `status-error.ts` makes. */
export const Status = struct(`${meta}.Status`, {
  kind: string(0),
  apiVersion: string(0),
  metadata: object(1, ListMeta),
  status: string(2),
  message: string(3),
  reason: string(4),
  details: pointer(5, StatusDetails),
  code: int32(6),
});

export const WatchEvent = struct(`${meta}.WatchEvent`, {
  type: string(1, { required: true }),
  object: raw(2, { required: true }),
});

export const APIResource = struct(`${meta}.APIResource`, {
  name: string(1, { required: true }),
  singularName: string(6, { required: true }),
  namespaced: bool(2, { required: true }),
  group: string(8),
  version: string(9),
  kind: string(3, { required: true }),
  verbs: list(4, 'string', { required: true }),
  shortNames: list(5, 'string', { listType: 'atomic' }),
  categories: list(7, 'string', { listType: 'atomic' }),
  storageVersionHash: string(10),
});

export const APIResourceList = struct(`${meta}.APIResourceList`, {
  kind: string(0),
  apiVersion: string(0),
  groupVersion: string(1, { required: true }),
  resources: list(2, APIResource, { required: true, listType: 'atomic' }),
});

export const ServerAddressByClientCIDR = struct(`${meta}.ServerAddressByClientCIDR`, {
  clientCIDR: string(1, { required: true }),
  serverAddress: string(2, { required: true }),
});

export const APIVersions = struct(`${meta}.APIVersions`, {
  kind: string(0),
  apiVersion: string(0),
  versions: list(1, 'string', { required: true, listType: 'atomic' }),
  serverAddressByClientCIDRs: list(2, ServerAddressByClientCIDR, { required: true, listType: 'atomic' }),
});

export const GroupVersionForDiscovery = struct(`${meta}.GroupVersionForDiscovery`, {
  groupVersion: string(1, { required: true }),
  version: string(2, { required: true }),
});

export const APIGroup = struct(`${meta}.APIGroup`, {
  kind: string(0),
  apiVersion: string(0),
  name: string(1, { required: true }),
  versions: list(2, GroupVersionForDiscovery, { required: true, listType: 'atomic' }),
  preferredVersion: object(3, GroupVersionForDiscovery),
  serverAddressByClientCIDRs: list(4, ServerAddressByClientCIDR, { listType: 'atomic' }),
});

export const APIGroupList = struct(`${meta}.APIGroupList`, {
  kind: string(0),
  apiVersion: string(0),
  groups: list(1, APIGroup, { required: true, listType: 'atomic' }),
});

/** What GET /version answers. */
export const VersionInfo = struct('io.k8s.apimachinery.pkg.version.Info', {
  major: string(1, { required: true }),
  minor: string(2, { required: true }),
  emulationMajor: string(3),
  emulationMinor: string(4),
  minCompatibilityMajor: string(5),
  minCompatibilityMinor: string(6),
  gitVersion: string(7, { required: true }),
  gitCommit: string(8, { required: true }),
  gitTreeState: string(9, { required: true }),
  buildDate: string(10, { required: true }),
  goVersion: string(11, { required: true }),
  compiler: string(12, { required: true }),
  platform: string(13, { required: true }),
});
