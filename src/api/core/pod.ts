import { defineResource, status, subresource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int32, int64, list, map, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { ResourceRequirements } from './container.ts';
import { podColumns } from './pod-columns.ts';
import { defaultPod } from './pod-defaults.ts';
import { podStrategy } from './pod-strategy.ts';
import { PodSpec } from './pod-template.ts';
import { validatePodStatusUpdate } from './validate-pod-status.ts';
import { validatePod, validatePodUpdate } from './validate-pod.ts';

export const PodCondition = struct('io.k8s.api.core.v1.PodCondition', {
  type: string(1, { required: true }),
  observedGeneration: int64(7),
  status: string(2, { required: true }),
  lastProbeTime: time(3),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
});
export interface PodCondition extends Infer<typeof PodCondition> {}

export const HostIP = struct('io.k8s.api.core.v1.HostIP', {
  ip: string(1, { required: true }),
});
export interface HostIP extends Infer<typeof HostIP> {}

export const PodIP = struct('io.k8s.api.core.v1.PodIP', {
  ip: string(1, { required: true }),
});
export interface PodIP extends Infer<typeof PodIP> {}

export const ContainerStateWaiting = struct('io.k8s.api.core.v1.ContainerStateWaiting', {
  reason: string(1),
  message: string(2),
});
export interface ContainerStateWaiting extends Infer<typeof ContainerStateWaiting> {}

export const ContainerStateRunning = struct('io.k8s.api.core.v1.ContainerStateRunning', {
  startedAt: time(1),
});
export interface ContainerStateRunning extends Infer<typeof ContainerStateRunning> {}

export const ContainerStateTerminated = struct('io.k8s.api.core.v1.ContainerStateTerminated', {
  exitCode: int32(1, { required: true }),
  signal: int32(2),
  reason: string(3),
  message: string(4),
  startedAt: time(5),
  finishedAt: time(6),
  containerID: string(7),
});
export interface ContainerStateTerminated extends Infer<typeof ContainerStateTerminated> {}

export const ContainerState = struct('io.k8s.api.core.v1.ContainerState', {
  waiting: pointer(1, ContainerStateWaiting),
  running: pointer(2, ContainerStateRunning),
  terminated: pointer(3, ContainerStateTerminated),
});
export interface ContainerState extends Infer<typeof ContainerState> {}

export const ImageVolumeStatus = struct('io.k8s.api.core.v1.ImageVolumeStatus', {
  imageRef: string(1, { required: true, omitEmpty: true }),
});
export interface ImageVolumeStatus extends Infer<typeof ImageVolumeStatus> {}

export const VolumeStatus = struct('io.k8s.api.core.v1.VolumeStatus', {
  image: pointer(1, ImageVolumeStatus),
});
export interface VolumeStatus extends Infer<typeof VolumeStatus> {}

export const VolumeMountStatus = struct('io.k8s.api.core.v1.VolumeMountStatus', {
  name: string(1, { required: true }),
  mountPath: string(2, { required: true }),
  readOnly: bool(3),
  recursiveReadOnly: string(4, { pointer: true }),
  volumeStatus: pointer(5, VolumeStatus),
});
export interface VolumeMountStatus extends Infer<typeof VolumeMountStatus> {}

export const LinuxContainerUser = struct('io.k8s.api.core.v1.LinuxContainerUser', {
  uid: int64(1, { required: true }),
  gid: int64(2, { required: true }),
  supplementalGroups: list(3, 'int64', { listType: 'atomic' }),
});
export interface LinuxContainerUser extends Infer<typeof LinuxContainerUser> {}

export const ContainerUser = struct('io.k8s.api.core.v1.ContainerUser', {
  linux: pointer(1, LinuxContainerUser),
});
export interface ContainerUser extends Infer<typeof ContainerUser> {}

export const ResourceHealth = struct('io.k8s.api.core.v1.ResourceHealth', {
  resourceID: string(1, { required: true }),
  health: string(2),
  message: string(6, { pointer: true }),
});
export interface ResourceHealth extends Infer<typeof ResourceHealth> {}

export const ResourceStatus = struct('io.k8s.api.core.v1.ResourceStatus', {
  name: string(1, { required: true }),
  resources: list(2, ResourceHealth, { listType: 'map', keys: ['resourceID'] }),
});
export interface ResourceStatus extends Infer<typeof ResourceStatus> {}

export const ContainerStatus = struct('io.k8s.api.core.v1.ContainerStatus', {
  name: string(1, { required: true }),
  state: object(2, ContainerState),
  lastState: object(3, ContainerState),
  ready: bool(4, { required: true }),
  restartCount: int32(5, { required: true }),
  image: string(6, { required: true }),
  imageID: string(7, { required: true }),
  containerID: string(8),
  started: bool(9, { pointer: true }),
  allocatedResources: map(10, 'quantity'),
  resources: pointer(11, ResourceRequirements),
  volumeMounts: list(12, VolumeMountStatus, { listType: 'map', keys: ['mountPath'], patch: 'merge', mergeKey: 'mountPath' }),
  user: pointer(13, ContainerUser),
  allocatedResourcesStatus: list(14, ResourceStatus, { listType: 'map', keys: ['name'], patch: 'merge', mergeKey: 'name' }),
  stopSignal: oneOf(15, ['SIGABRT', 'SIGALRM', 'SIGBUS', 'SIGCHLD', 'SIGCLD', 'SIGCONT', 'SIGFPE', 'SIGHUP', 'SIGILL', 'SIGINT', 'SIGIO', 'SIGIOT', 'SIGKILL', 'SIGPIPE', 'SIGPOLL', 'SIGPROF', 'SIGPWR', 'SIGQUIT', 'SIGRTMAX', 'SIGRTMAX-1', 'SIGRTMAX-10', 'SIGRTMAX-11', 'SIGRTMAX-12', 'SIGRTMAX-13', 'SIGRTMAX-14', 'SIGRTMAX-2', 'SIGRTMAX-3', 'SIGRTMAX-4', 'SIGRTMAX-5', 'SIGRTMAX-6', 'SIGRTMAX-7', 'SIGRTMAX-8', 'SIGRTMAX-9', 'SIGRTMIN', 'SIGRTMIN+1', 'SIGRTMIN+10', 'SIGRTMIN+11', 'SIGRTMIN+12', 'SIGRTMIN+13', 'SIGRTMIN+14', 'SIGRTMIN+15', 'SIGRTMIN+2', 'SIGRTMIN+3', 'SIGRTMIN+4', 'SIGRTMIN+5', 'SIGRTMIN+6', 'SIGRTMIN+7', 'SIGRTMIN+8', 'SIGRTMIN+9', 'SIGSEGV', 'SIGSTKFLT', 'SIGSTOP', 'SIGSYS', 'SIGTERM', 'SIGTRAP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGUSR1', 'SIGUSR2', 'SIGVTALRM', 'SIGWINCH', 'SIGXCPU', 'SIGXFSZ'], { pointer: true }),
});
export interface ContainerStatus extends Infer<typeof ContainerStatus> {}

export const PodResourceClaimStatus = struct('io.k8s.api.core.v1.PodResourceClaimStatus', {
  name: string(1, { required: true }),
  resourceClaimName: string(2, { pointer: true }),
});
export interface PodResourceClaimStatus extends Infer<typeof PodResourceClaimStatus> {}

export const ContainerExtendedResourceRequest = struct('io.k8s.api.core.v1.ContainerExtendedResourceRequest', {
  containerName: string(1, { required: true }),
  resourceName: string(2, { required: true }),
  requestName: string(3, { required: true }),
});
export interface ContainerExtendedResourceRequest extends Infer<typeof ContainerExtendedResourceRequest> {}

export const PodExtendedResourceClaimStatus = struct('io.k8s.api.core.v1.PodExtendedResourceClaimStatus', {
  requestMappings: list(1, ContainerExtendedResourceRequest, { required: true, listType: 'atomic' }),
  resourceClaimName: string(2, { required: true }),
});
export interface PodExtendedResourceClaimStatus extends Infer<typeof PodExtendedResourceClaimStatus> {}

export const NodeAllocatableResourceClaimStatus = struct('io.k8s.api.core.v1.NodeAllocatableResourceClaimStatus', {
  resourceClaimName: string(1, { required: true }),
  containers: list(2, 'string', { listType: 'set' }),
  resources: map(3, 'quantity', { required: true }),
});
export interface NodeAllocatableResourceClaimStatus extends Infer<typeof NodeAllocatableResourceClaimStatus> {}

export const PodStatus = struct('io.k8s.api.core.v1.PodStatus', {
  observedGeneration: int64(17),
  phase: oneOf(1, ['Failed', 'Pending', 'Running', 'Succeeded', 'Unknown']),
  conditions: list(2, PodCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
  message: string(3),
  reason: string(4),
  nominatedNodeName: string(11),
  hostIP: string(5),
  hostIPs: list(16, HostIP, { listType: 'atomic', patch: 'merge', mergeKey: 'ip' }),
  podIP: string(6),
  podIPs: list(12, PodIP, { listType: 'map', keys: ['ip'], patch: 'merge', mergeKey: 'ip' }),
  startTime: time(7, { pointer: true }),
  initContainerStatuses: list(10, ContainerStatus, { listType: 'atomic' }),
  containerStatuses: list(8, ContainerStatus, { listType: 'atomic' }),
  qosClass: oneOf(9, ['BestEffort', 'Burstable', 'Guaranteed']),
  ephemeralContainerStatuses: list(13, ContainerStatus, { listType: 'atomic' }),
  resize: string(14),
  resourceClaimStatuses: list(15, PodResourceClaimStatus, { listType: 'map', keys: ['name'], patch: 'merge,retainKeys', mergeKey: 'name' }),
  extendedResourceClaimStatus: pointer(18, PodExtendedResourceClaimStatus),
  allocatedResources: map(19, 'quantity'),
  resources: pointer(20, ResourceRequirements),
  nodeAllocatableResourceClaimStatuses: list(21, NodeAllocatableResourceClaimStatus, { listType: 'atomic' }),
});
export interface PodStatus extends Infer<typeof PodStatus> {}

export const Pod = defineResource({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  scope: 'Namespaced',
  fields: {
    spec: object(2, PodSpec),
    status: object(3, PodStatus),
  },
  subresources: [
    subresource('attach', ['create', 'get'], { group: '', version: 'v1', kind: 'PodAttachOptions' }),
    subresource('binding', ['create'], { group: '', version: 'v1', kind: 'Binding' }),
    subresource('ephemeralcontainers', ['get', 'patch', 'update']),
    subresource('eviction', ['create'], { group: 'policy', version: 'v1', kind: 'Eviction' }),
    subresource('exec', ['create', 'get'], { group: '', version: 'v1', kind: 'PodExecOptions' }),
    subresource('log', ['get']),
    subresource('portforward', ['create', 'get'], { group: '', version: 'v1', kind: 'PodPortForwardOptions' }),
    subresource('proxy', ['create', 'delete', 'get', 'patch', 'update'], { group: '', version: 'v1', kind: 'PodProxyOptions' }),
    subresource('resize', ['get', 'patch', 'update']),
    status(),
  ],
  strategy: podStrategy,
  defaults: defaultPod,
  validate: [validatePod],
  validateUpdate: [validatePodUpdate],
  validateStatusUpdate: [validatePodStatusUpdate],
  columns: podColumns,
  selectableFields: {
    'spec.nodeName': (pod) => pod.spec.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec.hostNetwork === true),
    'status.phase': (pod) => pod.status.phase ?? '',
    'status.podIP': (pod) => pod.status.podIPs?.[0]?.ip ?? pod.status.podIP ?? '',
    'status.nominatedNodeName': (pod) => pod.status.nominatedNodeName ?? '',
  },
});
export interface Pod extends Infer<typeof Pod> {}
