/**
 * CRI's messages as field facts: property name -> field number and type, as far as the kubelet uses them. Unknown fields
 * are skipped when decoding, so a newer runtime may send more.
 *
 * Source: k8s.io/cri-api v0.36, runtime/v1 (package `runtime.v1`).
 */
export type Scalar = 'string' | 'bool' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'bytes';

/** `number` stands for the messages Int64Value and UInt64Value, which hold one number in field 1. */
export type FieldType = Scalar | 'number' | 'strings' | MessageName | EnumName;

export type Field = readonly [number: number, type: FieldType, many?: 'many'];

export type EnumName = keyof typeof enums;
export type MessageName = keyof typeof messages;

/** Enum values in the order of their numbers. */
export const enums = {
  Protocol: ['TCP', 'UDP', 'SCTP'],
  MountPropagation: ['PROPAGATION_PRIVATE', 'PROPAGATION_HOST_TO_CONTAINER', 'PROPAGATION_BIDIRECTIONAL'],
  NamespaceMode: ['POD', 'CONTAINER', 'NODE', 'TARGET'],
  ProfileType: ['RuntimeDefault', 'Unconfined', 'Localhost'],
  PodSandboxState: ['SANDBOX_READY', 'SANDBOX_NOTREADY'],
  ContainerState: ['CONTAINER_CREATED', 'CONTAINER_RUNNING', 'CONTAINER_EXITED', 'CONTAINER_UNKNOWN'],
  ContainerEventType: [
    'CONTAINER_CREATED_EVENT', 'CONTAINER_STARTED_EVENT', 'CONTAINER_STOPPED_EVENT', 'CONTAINER_DELETED_EVENT',
  ],
} as const;

const message = <T extends Record<string, readonly [number, string, 'many'?]>>(fields: T): T => fields;

/** `strings` is map<string, string>. */
export const messages = {
  Empty: message({}),

  VersionRequest: message({ version: [1, 'string'] }),
  VersionResponse: message({
    version: [1, 'string'], runtimeName: [2, 'string'], runtimeVersion: [3, 'string'], runtimeApiVersion: [4, 'string'],
  }),
  StatusRequest: message({ verbose: [1, 'bool'] }),
  StatusResponse: message({ status: [1, 'RuntimeStatus'], info: [2, 'strings'], runtimeHandlers: [3, 'RuntimeHandler', 'many'] }),
  RuntimeStatus: message({ conditions: [1, 'RuntimeCondition', 'many'] }),
  RuntimeCondition: message({ type: [1, 'string'], status: [2, 'bool'], reason: [3, 'string'], message: [4, 'string'] }),
  RuntimeHandler: message({ name: [1, 'string'] }),
  UpdateRuntimeConfigRequest: message({ runtimeConfig: [1, 'RuntimeConfig'] }),
  RuntimeConfig: message({ networkConfig: [1, 'NetworkConfig'] }),
  NetworkConfig: message({ podCidr: [1, 'string'] }),

  DnsConfig: message({ servers: [1, 'string', 'many'], searches: [2, 'string', 'many'], options: [3, 'string', 'many'] }),
  PortMapping: message({ protocol: [1, 'Protocol'], containerPort: [2, 'int32'], hostPort: [3, 'int32'], hostIp: [4, 'string'] }),
  Mount: message({
    containerPath: [1, 'string'], hostPath: [2, 'string'], readonly: [3, 'bool'], selinuxRelabel: [4, 'bool'],
    propagation: [5, 'MountPropagation'], image: [9, 'ImageSpec'], imageSubPath: [10, 'string'],
  }),
  Device: message({ containerPath: [1, 'string'], hostPath: [2, 'string'], permissions: [3, 'string'] }),
  NamespaceOption: message({
    network: [1, 'NamespaceMode'], pid: [2, 'NamespaceMode'], ipc: [3, 'NamespaceMode'], targetId: [4, 'string'],
  }),
  SeLinuxOption: message({ user: [1, 'string'], role: [2, 'string'], type: [3, 'string'], level: [4, 'string'] }),
  SecurityProfile: message({ profileType: [1, 'ProfileType'], localhostRef: [2, 'string'] }),
  SandboxSecurityContext: message({
    namespaceOptions: [1, 'NamespaceOption'], selinuxOptions: [2, 'SeLinuxOption'], runAsUser: [3, 'number'],
    readonlyRootfs: [4, 'bool'], supplementalGroups: [5, 'int64', 'many'], privileged: [6, 'bool'],
    runAsGroup: [8, 'number'], seccomp: [9, 'SecurityProfile'],
  }),
  LinuxContainerResources: message({
    cpuPeriod: [1, 'int64'], cpuQuota: [2, 'int64'], cpuShares: [3, 'int64'], memoryLimitInBytes: [4, 'int64'],
    oomScoreAdj: [5, 'int64'], cpusetCpus: [6, 'string'], cpusetMems: [7, 'string'], unified: [9, 'strings'],
  }),

  PodSandboxMetadata: message({ name: [1, 'string'], uid: [2, 'string'], namespace: [3, 'string'], attempt: [4, 'uint32'] }),
  PodSandboxConfig: message({
    metadata: [1, 'PodSandboxMetadata'], hostname: [2, 'string'], logDirectory: [3, 'string'], dnsConfig: [4, 'DnsConfig'],
    portMappings: [5, 'PortMapping', 'many'], labels: [6, 'strings'], annotations: [7, 'strings'],
    linux: [8, 'LinuxPodSandboxConfig'],
  }),
  LinuxPodSandboxConfig: message({
    cgroupParent: [1, 'string'], securityContext: [2, 'SandboxSecurityContext'], sysctls: [3, 'strings'],
    overhead: [4, 'LinuxContainerResources'], resources: [5, 'LinuxContainerResources'],
  }),
  RunPodSandboxRequest: message({ config: [1, 'PodSandboxConfig'], runtimeHandler: [2, 'string'] }),
  PodSandboxId: message({ podSandboxId: [1, 'string'] }),
  PodSandboxStatusResponse: message({ status: [1, 'PodSandboxStatus'] }),
  PodSandboxStatus: message({
    id: [1, 'string'], metadata: [2, 'PodSandboxMetadata'], state: [3, 'PodSandboxState'], createdAt: [4, 'int64'],
    network: [5, 'PodSandboxNetworkStatus'], labels: [7, 'strings'], annotations: [8, 'strings'],
  }),
  PodSandboxNetworkStatus: message({ ip: [1, 'string'], additionalIps: [2, 'PodIp', 'many'] }),
  PodIp: message({ ip: [1, 'string'] }),
  ListPodSandboxRequest: message({ filter: [1, 'PodSandboxFilter'] }),
  PodSandboxFilter: message({ id: [1, 'string'], state: [2, 'PodSandboxStateValue'], labelSelector: [3, 'strings'] }),
  PodSandboxStateValue: message({ state: [1, 'PodSandboxState'] }),
  ListPodSandboxResponse: message({ items: [1, 'PodSandbox', 'many'] }),
  PodSandbox: message({
    id: [1, 'string'], metadata: [2, 'PodSandboxMetadata'], state: [3, 'PodSandboxState'], createdAt: [4, 'int64'],
    labels: [5, 'strings'], annotations: [6, 'strings'],
  }),

  ImageSpec: message({ image: [1, 'string'], userSpecifiedImage: [18, 'string'] }),
  KeyValue: message({ key: [1, 'string'], value: [2, 'bytes'] }),
  Capability: message({ addCapabilities: [1, 'string', 'many'], dropCapabilities: [2, 'string', 'many'] }),
  ContainerSecurityContext: message({
    capabilities: [1, 'Capability'], privileged: [2, 'bool'], namespaceOptions: [3, 'NamespaceOption'],
    selinuxOptions: [4, 'SeLinuxOption'], runAsUser: [5, 'number'], runAsUsername: [6, 'string'], readonlyRootfs: [7, 'bool'],
    supplementalGroups: [8, 'int64', 'many'], noNewPrivs: [11, 'bool'], runAsGroup: [12, 'number'],
    maskedPaths: [13, 'string', 'many'], readonlyPaths: [14, 'string', 'many'], seccomp: [15, 'SecurityProfile'],
    apparmor: [16, 'SecurityProfile'],
  }),
  LinuxContainerConfig: message({ resources: [1, 'LinuxContainerResources'], securityContext: [2, 'ContainerSecurityContext'] }),
  ContainerMetadata: message({ name: [1, 'string'], attempt: [2, 'uint32'] }),
  ContainerConfig: message({
    metadata: [1, 'ContainerMetadata'], image: [2, 'ImageSpec'], command: [3, 'string', 'many'], args: [4, 'string', 'many'],
    workingDir: [5, 'string'], envs: [6, 'KeyValue', 'many'], mounts: [7, 'Mount', 'many'], devices: [8, 'Device', 'many'],
    labels: [9, 'strings'], annotations: [10, 'strings'], logPath: [11, 'string'], stdin: [12, 'bool'],
    stdinOnce: [13, 'bool'], tty: [14, 'bool'], linux: [15, 'LinuxContainerConfig'],
  }),
  CreateContainerRequest: message({
    podSandboxId: [1, 'string'], config: [2, 'ContainerConfig'], sandboxConfig: [3, 'PodSandboxConfig'],
  }),
  ContainerId: message({ containerId: [1, 'string'] }),
  StopContainerRequest: message({ containerId: [1, 'string'], timeout: [2, 'int64'] }),
  ListContainersRequest: message({ filter: [1, 'ContainerFilter'] }),
  ContainerFilter: message({
    id: [1, 'string'], state: [2, 'ContainerStateValue'], podSandboxId: [3, 'string'], labelSelector: [4, 'strings'],
  }),
  ContainerStateValue: message({ state: [1, 'ContainerState'] }),
  ListContainersResponse: message({ containers: [1, 'Container', 'many'] }),
  Container: message({
    id: [1, 'string'], podSandboxId: [2, 'string'], metadata: [3, 'ContainerMetadata'], image: [4, 'ImageSpec'],
    imageRef: [5, 'string'], state: [6, 'ContainerState'], createdAt: [7, 'int64'], labels: [8, 'strings'],
    annotations: [9, 'strings'],
  }),
  ContainerStatusResponse: message({ status: [1, 'ContainerStatus'] }),
  ContainerStatus: message({
    id: [1, 'string'], metadata: [2, 'ContainerMetadata'], state: [3, 'ContainerState'], createdAt: [4, 'int64'],
    startedAt: [5, 'int64'], finishedAt: [6, 'int64'], exitCode: [7, 'int32'], image: [8, 'ImageSpec'],
    imageRef: [9, 'string'], reason: [10, 'string'], message: [11, 'string'], labels: [12, 'strings'],
    annotations: [13, 'strings'], mounts: [14, 'Mount', 'many'], logPath: [15, 'string'],
  }),
  UpdateContainerResourcesRequest: message({ containerId: [1, 'string'], linux: [2, 'LinuxContainerResources'] }),

  ExecSyncRequest: message({ containerId: [1, 'string'], command: [2, 'string', 'many'], timeout: [3, 'int64'] }),
  ExecSyncResponse: message({ stdout: [1, 'bytes'], stderr: [2, 'bytes'], exitCode: [3, 'int32'] }),
  ExecRequest: message({
    containerId: [1, 'string'], command: [2, 'string', 'many'], tty: [3, 'bool'], stdin: [4, 'bool'], stdout: [5, 'bool'],
    stderr: [6, 'bool'],
  }),
  AttachRequest: message({
    containerId: [1, 'string'], stdin: [2, 'bool'], tty: [3, 'bool'], stdout: [4, 'bool'], stderr: [5, 'bool'],
  }),
  PortForwardRequest: message({ podSandboxId: [1, 'string'], port: [2, 'int32', 'many'] }),
  StreamingUrl: message({ url: [1, 'string'] }),

  ContainerStatsResponse: message({ stats: [1, 'ContainerStats'] }),
  ListContainerStatsRequest: message({ filter: [1, 'ContainerStatsFilter'] }),
  ContainerStatsFilter: message({ id: [1, 'string'], podSandboxId: [2, 'string'], labelSelector: [3, 'strings'] }),
  ListContainerStatsResponse: message({ stats: [1, 'ContainerStats', 'many'] }),
  ContainerAttributes: message({
    id: [1, 'string'], metadata: [2, 'ContainerMetadata'], labels: [3, 'strings'], annotations: [4, 'strings'],
  }),
  ContainerStats: message({
    attributes: [1, 'ContainerAttributes'], cpu: [2, 'CpuUsage'], memory: [3, 'MemoryUsage'], writableLayer: [4, 'FilesystemUsage'],
  }),
  CpuUsage: message({ timestamp: [1, 'int64'], usageCoreNanoSeconds: [2, 'number'], usageNanoCores: [3, 'number'] }),
  MemoryUsage: message({
    timestamp: [1, 'int64'], workingSetBytes: [2, 'number'], availableBytes: [3, 'number'], usageBytes: [4, 'number'],
    rssBytes: [5, 'number'], pageFaults: [6, 'number'], majorPageFaults: [7, 'number'],
  }),
  ListPodSandboxStatsRequest: message({ filter: [1, 'PodSandboxStatsFilter'] }),
  PodSandboxStatsFilter: message({ id: [1, 'string'], labelSelector: [2, 'strings'] }),
  ListPodSandboxStatsResponse: message({ stats: [1, 'PodSandboxStats', 'many'] }),
  PodSandboxStats: message({ attributes: [1, 'PodSandboxAttributes'], linux: [2, 'LinuxPodSandboxStats'] }),
  PodSandboxAttributes: message({
    id: [1, 'string'], metadata: [2, 'PodSandboxMetadata'], labels: [3, 'strings'], annotations: [4, 'strings'],
  }),
  LinuxPodSandboxStats: message({
    cpu: [1, 'CpuUsage'], memory: [2, 'MemoryUsage'], network: [3, 'NetworkUsage'], process: [4, 'ProcessUsage'],
    containers: [5, 'ContainerStats', 'many'],
  }),
  NetworkUsage: message({ timestamp: [1, 'int64'], defaultInterface: [2, 'NetworkInterfaceUsage'] }),
  NetworkInterfaceUsage: message({
    name: [1, 'string'], rxBytes: [2, 'number'], rxErrors: [3, 'number'], txBytes: [4, 'number'], txErrors: [5, 'number'],
  }),
  ProcessUsage: message({ timestamp: [1, 'int64'], processCount: [2, 'number'] }),

  ContainerEventResponse: message({
    containerId: [1, 'string'], containerEventType: [2, 'ContainerEventType'], createdAt: [3, 'int64'],
    podSandboxStatus: [4, 'PodSandboxStatus'], containersStatuses: [5, 'ContainerStatus', 'many'],
  }),

  /** containerd's own, for versions whose CRI has no events. */
  EventsSubscribe: message({ filters: [1, 'string', 'many'] }),
  EventsEnvelope: message({ namespace: [2, 'string'], topic: [3, 'string'], event: [4, 'AnyMessage'] }),
  AnyMessage: message({ typeUrl: [1, 'string'], value: [2, 'bytes'] }),
  TaskExit: message({ containerId: [1, 'string'], id: [2, 'string'] }),

  ListImagesResponse: message({ images: [1, 'Image', 'many'] }),
  Image: message({
    id: [1, 'string'], repoTags: [2, 'string', 'many'], repoDigests: [3, 'string', 'many'], size: [4, 'uint64'],
    uid: [5, 'number'], username: [6, 'string'], pinned: [8, 'bool'],
  }),
  ImageRequest: message({ image: [1, 'ImageSpec'] }),
  ImageStatusResponse: message({ image: [1, 'Image'] }),
  AuthConfig: message({
    username: [1, 'string'], password: [2, 'string'], auth: [3, 'string'], serverAddress: [4, 'string'],
    identityToken: [5, 'string'], registryToken: [6, 'string'],
  }),
  PullImageRequest: message({ image: [1, 'ImageSpec'], auth: [2, 'AuthConfig'], sandboxConfig: [3, 'PodSandboxConfig'] }),
  PullImageResponse: message({ imageRef: [1, 'string'] }),
  ImageFsInfoResponse: message({ imageFilesystems: [1, 'FilesystemUsage', 'many'] }),
  FilesystemUsage: message({
    timestamp: [1, 'int64'], fsId: [2, 'FilesystemIdentifier'], usedBytes: [3, 'number'], inodesUsed: [4, 'number'],
  }),
  FilesystemIdentifier: message({ mountpoint: [1, 'string'] }),
} as const;
