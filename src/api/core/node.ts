import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { defineResource, status, subresource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, int64, list, map, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { nodeColumns } from './node-columns.ts';
import { Taint } from './scheduling.ts';
import { validateNode, validateNodeStatusUpdate, validateNodeUpdate } from './validate-node.ts';

export const ConfigMapNodeConfigSource = struct('io.k8s.api.core.v1.ConfigMapNodeConfigSource', {
  namespace: string(1, { required: true }),
  name: string(2, { required: true }),
  uid: string(3),
  resourceVersion: string(4),
  kubeletConfigKey: string(5, { required: true }),
});
export interface ConfigMapNodeConfigSource extends Infer<typeof ConfigMapNodeConfigSource> {}

export const NodeConfigSource = struct('io.k8s.api.core.v1.NodeConfigSource', {
  configMap: pointer(2, ConfigMapNodeConfigSource),
});
export interface NodeConfigSource extends Infer<typeof NodeConfigSource> {}

export const NodeSpec = struct('io.k8s.api.core.v1.NodeSpec', {
  podCIDR: string(1),
  podCIDRs: list(7, 'string', { listType: 'set', patch: 'merge' }),
  providerID: string(3),
  unschedulable: bool(4),
  taints: list(5, Taint, { listType: 'atomic' }),
  configSource: pointer(6, NodeConfigSource),
  externalID: string(2),
});
export interface NodeSpec extends Infer<typeof NodeSpec> {}

export const NodeCondition = struct('io.k8s.api.core.v1.NodeCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastHeartbeatTime: time(3),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
});
export interface NodeCondition extends Infer<typeof NodeCondition> {}

export const NodeAddress = struct('io.k8s.api.core.v1.NodeAddress', {
  type: string(1, { required: true }),
  address: string(2, { required: true }),
});
export interface NodeAddress extends Infer<typeof NodeAddress> {}

export const DaemonEndpoint = struct('io.k8s.api.core.v1.DaemonEndpoint', {
  Port: int32(1, { required: true }),
});
export interface DaemonEndpoint extends Infer<typeof DaemonEndpoint> {}

export const NodeDaemonEndpoints = struct('io.k8s.api.core.v1.NodeDaemonEndpoints', {
  kubeletEndpoint: object(1, DaemonEndpoint),
});
export interface NodeDaemonEndpoints extends Infer<typeof NodeDaemonEndpoints> {}

export const NodeSwapStatus = struct('io.k8s.api.core.v1.NodeSwapStatus', {
  capacity: int64(1, { pointer: true }),
});
export interface NodeSwapStatus extends Infer<typeof NodeSwapStatus> {}

export const NodeSystemInfo = struct('io.k8s.api.core.v1.NodeSystemInfo', {
  machineID: string(1, { required: true }),
  systemUUID: string(2, { required: true }),
  bootID: string(3, { required: true }),
  kernelVersion: string(4, { required: true }),
  osImage: string(5, { required: true }),
  containerRuntimeVersion: string(6, { required: true }),
  kubeletVersion: string(7, { required: true }),
  kubeProxyVersion: string(8, { required: true }),
  operatingSystem: string(9, { required: true }),
  architecture: string(10, { required: true }),
  swap: pointer(11, NodeSwapStatus),
});
export interface NodeSystemInfo extends Infer<typeof NodeSystemInfo> {}

export const ContainerImage = struct('io.k8s.api.core.v1.ContainerImage', {
  names: list(1, 'string', { always: true, listType: 'atomic' }),
  sizeBytes: int64(2),
});
export interface ContainerImage extends Infer<typeof ContainerImage> {}

export const AttachedVolume = struct('io.k8s.api.core.v1.AttachedVolume', {
  name: string(1, { required: true }),
  devicePath: string(2, { required: true }),
});
export interface AttachedVolume extends Infer<typeof AttachedVolume> {}

export const NodeConfigStatus = struct('io.k8s.api.core.v1.NodeConfigStatus', {
  assigned: pointer(1, NodeConfigSource),
  active: pointer(2, NodeConfigSource),
  lastKnownGood: pointer(3, NodeConfigSource),
  error: string(4),
});
export interface NodeConfigStatus extends Infer<typeof NodeConfigStatus> {}

export const NodeRuntimeHandlerFeatures = struct('io.k8s.api.core.v1.NodeRuntimeHandlerFeatures', {
  recursiveReadOnlyMounts: bool(1, { pointer: true }),
  userNamespaces: bool(2, { pointer: true }),
});
export interface NodeRuntimeHandlerFeatures extends Infer<typeof NodeRuntimeHandlerFeatures> {}

export const NodeRuntimeHandler = struct('io.k8s.api.core.v1.NodeRuntimeHandler', {
  name: string(1, { always: true }),
  features: pointer(2, NodeRuntimeHandlerFeatures),
});
export interface NodeRuntimeHandler extends Infer<typeof NodeRuntimeHandler> {}

export const NodeFeatures = struct('io.k8s.api.core.v1.NodeFeatures', {
  supplementalGroupsPolicy: bool(1, { pointer: true }),
});
export interface NodeFeatures extends Infer<typeof NodeFeatures> {}

export const NodeStatus = struct('io.k8s.api.core.v1.NodeStatus', {
  capacity: map(1, 'quantity'),
  allocatable: map(2, 'quantity'),
  phase: oneOf(3, ['Pending', 'Running', 'Terminated']),
  conditions: list(4, NodeCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
  addresses: list(5, NodeAddress, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
  daemonEndpoints: object(6, NodeDaemonEndpoints),
  nodeInfo: object(7, NodeSystemInfo),
  images: list(8, ContainerImage, { listType: 'atomic' }),
  volumesInUse: list(9, 'string', { listType: 'atomic' }),
  volumesAttached: list(10, AttachedVolume, { listType: 'atomic' }),
  config: pointer(11, NodeConfigStatus),
  runtimeHandlers: list(12, NodeRuntimeHandler, { listType: 'atomic' }),
  features: pointer(13, NodeFeatures),
  declaredFeatures: list(14, 'string', { listType: 'atomic' }),
});
export interface NodeStatus extends Infer<typeof NodeStatus> {}

/** Kubelets no longer take their configuration from the cluster. */
function dropConfig({ spec, status: now }: Draft<Parts<NodeSpec, NodeStatus>>, old?: Parts<NodeSpec, NodeStatus>): void {
  if (old?.spec.configSource === undefined) delete spec.configSource;
  if (old?.status.config === undefined) delete now.config;
}

function* nodeWarnings({ spec }: Parts<NodeSpec, NodeStatus>): Iterable<string> {
  if ((spec.externalID ?? '') !== '') yield 'spec.externalID: this field is deprecated, and is unused by Kubernetes';
}

export const Node = defineResource({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  scope: 'Cluster',
  storePrefix: 'minions',
  fields: {
    spec: object(2, NodeSpec),
    status: object(3, NodeStatus),
  },
  subresources: [subresource('proxy', ['create', 'delete', 'get', 'patch', 'update'], { group: '', version: 'v1', kind: 'NodeProxyOptions' }), status()],
  strategy: { generation: false, keepsStatusOnCreate: true, prepareForCreate: dropConfig, prepareForUpdate: dropConfig, warnings: nodeWarnings },
  defaults: ({ spec, status: now }) => {
    // The list came later than the single range; clients may read either.
    if (spec.podCIDR !== undefined && spec.podCIDRs?.[0] !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR];
    else if (spec.podCIDRs?.[0] !== undefined) spec.podCIDR = spec.podCIDRs[0];
    if (now.allocatable === undefined && now.capacity !== undefined) now.allocatable = { ...now.capacity };
  },
  validate: [validateNode],
  validateUpdate: [validateNodeUpdate],
  validateStatusUpdate: [validateNodeStatusUpdate],
  columns: nodeColumns,
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec.unschedulable === true) },
});
export interface Node extends Infer<typeof Node> {}
