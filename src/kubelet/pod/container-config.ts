import type { Container } from '#api/core/container.ts';
import type { Pod } from '#api/core/pod.ts';
import type {
  ContainerConfig, ContainerSecurityContext, DnsConfig, Image, LinuxContainerResources, Mount, NamespaceOption, PodSandboxConfig, SecurityProfile,
} from '../cri/records.ts';
import { ContainerConfigError, expandVariables } from './environment.ts';
import { containerAnnotations, containerLabels, podLabels } from './labels.ts';

export interface SandboxParts {
  readonly attempt: number;
  readonly hostName: string;
  readonly logDirectory: string;
  readonly dns: DnsConfig;
  readonly cgroupParent: string;
  readonly resources: LinuxContainerResources;
}

/** The sandbox of a pod. Pure. The same pod and parts give the same record, which containers are created with later. */
export function planSandboxConfig(pod: Pod, parts: SandboxParts): PodSandboxConfig {
  const { metadata, spec } = pod;
  const { securityContext } = spec;
  const isOnHost = spec.hostNetwork === true;
  const ports = [...spec.containers, ...(spec.initContainers ?? [])].flatMap((container) => container.ports ?? []);
  return {
    metadata: { name: metadata.name, uid: metadata.uid, namespace: metadata.namespace, attempt: parts.attempt },
    ...(isOnHost ? {} : { hostname: parts.hostName }),
    logDirectory: parts.logDirectory,
    dnsConfig: parts.dns,
    portMappings: isOnHost ? [] : ports.filter((port) => (port.hostPort ?? 0) > 0).map((port) => ({
      protocol: port.protocol ?? 'TCP', containerPort: port.containerPort, hostPort: port.hostPort ?? 0, hostIp: port.hostIP ?? '',
    })),
    labels: podLabels(pod),
    annotations: metadata.annotations ?? {},
    linux: {
      cgroupParent: parts.cgroupParent,
      sysctls: Object.fromEntries((securityContext?.sysctls ?? []).map(({ name, value }) => [name, value])),
      resources: parts.resources,
      securityContext: {
        namespaceOptions: namespacesOf(pod),
        privileged: [...spec.containers, ...(spec.initContainers ?? [])].some((container) => container.securityContext?.privileged === true),
        seccomp: { profileType: 'RuntimeDefault' },
        ...(securityContext?.seLinuxOptions === undefined ? {} : { selinuxOptions: securityContext.seLinuxOptions }),
        ...(securityContext?.runAsUser === undefined ? {} : { runAsUser: securityContext.runAsUser }),
        ...(securityContext?.runAsUser === undefined || securityContext.runAsGroup === undefined ? {} : { runAsGroup: securityContext.runAsGroup }),
        supplementalGroups: supplementalGroups(pod),
      },
    },
  };
}

export interface ContainerParts {
  readonly restartCount: number;
  /** What the image resolved to. */
  readonly imageRef: string;
  readonly image: Pick<Image, 'uid' | 'username'> | undefined;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly resources: LinuxContainerResources;
  /** The container whose processes an ephemeral one sees. */
  readonly targetId?: string | undefined;
}

/** One container. Pure. @throws ContainerConfigError when it must not run as root and would. */
export function planContainerConfig(pod: Pod, container: Container, parts: ContainerParts): ContainerConfig {
  const expand = (text: string): string => expandVariables(text, (name) => parts.environment.get(name));
  return {
    metadata: { name: container.name, attempt: parts.restartCount },
    image: { image: parts.imageRef, userSpecifiedImage: container.image ?? '' },
    command: (container.command ?? []).map(expand),
    args: (container.args ?? []).map(expand),
    workingDir: container.workingDir ?? '',
    envs: [...parts.environment].map(([key, value]) => ({ key, value: Buffer.from(value) })),
    mounts: parts.mounts,
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, parts.restartCount),
    logPath: `${container.name}/${parts.restartCount}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: { resources: parts.resources, securityContext: securityContextOf(pod, container, parts) },
  };
}

/** What a container must not see or change in /proc and /sys unless it is privileged; as the kubelet hands it over. */
const maskedPaths = [
  '/proc/asound', '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats',
  '/proc/sched_debug', '/proc/scsi', '/sys/firmware', '/sys/devices/virtual/powercap',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

function securityContextOf(pod: Pod, container: Container, { image, targetId }: ContainerParts): ContainerSecurityContext {
  const own = container.securityContext;
  const shared = pod.spec.securityContext;
  const runAsUser = own?.runAsUser ?? shared?.runAsUser;
  const runAsGroup = own?.runAsGroup ?? shared?.runAsGroup;
  const isPrivileged = own?.privileged === true;
  if (own?.runAsNonRoot ?? shared?.runAsNonRoot) assertNonRoot(pod, container, runAsUser, image);
  const selinux = own?.seLinuxOptions ?? shared?.seLinuxOptions;
  const apparmor = own?.appArmorProfile ?? shared?.appArmorProfile;
  const isMasked = !isPrivileged && own?.procMount !== 'Unmasked';
  return {
    privileged: isPrivileged,
    namespaceOptions: { ...namespacesOf(pod), ...(targetId === undefined ? {} : { pid: 'TARGET', targetId }) },
    ...(own?.capabilities === undefined ? {} : { capabilities: { addCapabilities: own.capabilities.add ?? [], dropCapabilities: own.capabilities.drop ?? [] } }),
    ...userOf(runAsUser, image),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    readonlyRootfs: own?.readOnlyRootFilesystem === true,
    supplementalGroups: supplementalGroups(pod),
    noNewPrivs: own?.allowPrivilegeEscalation === false,
    maskedPaths: isMasked ? maskedPaths : [],
    readonlyPaths: isMasked ? readonlyPaths : [],
    ...(selinux === undefined ? {} : { selinuxOptions: selinux }),
    seccomp: seccompOf(own?.seccompProfile ?? shared?.seccompProfile),
    ...(apparmor === undefined ? {} : { apparmor: profileOf(apparmor) }),
  };
}

function userOf(runAsUser: number | undefined, image: ContainerParts['image']): Pick<ContainerSecurityContext, 'runAsUser' | 'runAsUsername'> {
  if (runAsUser !== undefined) return { runAsUser };
  if (image?.uid !== undefined) return { runAsUser: image.uid };
  return image === undefined || image.username === '' ? {} : { runAsUsername: image.username };
}

function assertNonRoot(pod: Pod, container: Container, runAsUser: number | undefined, image: ContainerParts['image']): void {
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`;
  if (runAsUser !== undefined) {
    if (runAsUser === 0) throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  if (image?.uid !== undefined ? image.uid === 0 : image?.username === '') throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`);
  if (image?.uid === undefined && image !== undefined) {
    throw new ContainerConfigError(`container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`);
  }
}

/** No profile means none is applied: the default of the kubelet without `--seccomp-default`. */
function seccompOf(profile: { readonly type: SecurityProfile['profileType']; readonly localhostProfile?: string | undefined } | undefined): SecurityProfile {
  return profile === undefined ? { profileType: 'Unconfined' } : profileOf(profile);
}

function profileOf(profile: { readonly type: SecurityProfile['profileType']; readonly localhostProfile?: string | undefined }): SecurityProfile {
  return { profileType: profile.type, ...(profile.localhostProfile === undefined ? {} : { localhostRef: profile.localhostProfile }) };
}

function namespacesOf({ spec }: Pod): NamespaceOption {
  const pid = spec.hostPID === true ? 'NODE' : spec.shareProcessNamespace === true ? 'POD' : 'CONTAINER';
  return { network: spec.hostNetwork === true ? 'NODE' : 'POD', ipc: spec.hostIPC === true ? 'NODE' : 'POD', pid };
}

function supplementalGroups({ spec }: Pod): readonly number[] {
  const { fsGroup, supplementalGroups: groups } = spec.securityContext ?? {};
  return [...(groups ?? []), ...(fsGroup === undefined ? [] : [fsGroup])];
}
