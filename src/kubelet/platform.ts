import type { Container } from '#api/core/container.ts';
import type { NodeAddress, NodeSystemInfo } from '#api/core/node.ts';
import type { Pod } from '#api/core/pod.ts';
import type { ImageService, RuntimeService } from './cri/cri.ts';
import type { DnsConfig, LinuxContainerResources, Mount } from './cri/records.ts';
import type { LogQuery } from './logs/log-query.ts';
import type { ContainerRecord } from './pod/pod-runtime.ts';

/**
 * What a node is made of, as far as machines differ: the real one (`machine-platform.ts`: containers, files, sockets) and
 * the simulated one (`simulated-platform.ts`: none of these). The kubelet above it is the same.
 */
export interface NodePlatform {
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  readonly machine: Machine;
  readonly files: PodFiles;
  readonly prober: NetworkProber;
}

export interface Machine {
  /** Quantities by resource name: cpu, memory, ephemeral-storage, pods. */
  capacity(): Promise<Readonly<Record<string, string>>>;
  readonly memoryBytes: number;
  /** Without the runtime's and the kubelet's version. */
  info(): Promise<Omit<NodeSystemInfo, 'containerRuntimeVersion' | 'kubeletVersion' | 'kubeProxyVersion'>>;
  addresses(): Promise<readonly NodeAddress[]>;
  /** Which resources run short now. */
  pressure(): Promise<{ readonly memory: boolean; readonly disk: boolean; readonly pids: boolean }>;
  /** The node's own resolver. */
  dns(): Promise<Required<DnsConfig>>;
}

/** What the pod's files may show of pod and node. */
export interface PodFacts {
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
  readonly nodeAllocatable: Readonly<Record<string, string>>;
}

/** Directories, volumes, logs and control groups of pods. */
export interface PodFiles {
  readonly logDirectory: (pod: Pod) => string;
  /** Makes the pod's control group and answers its name for the runtime; empty to let the runtime choose. */
  prepareCgroup(pod: Pod, resources: LinuxContainerResources): Promise<string>;
  /** Makes the volumes, or brings them up to date. Throws `VolumeError` while one cannot be made. */
  prepareVolumes(pod: Pod, facts: PodFacts): Promise<PreparedVolumes>;
  /** Calls back when something that a volume of the pod shows has changed, until `removeVolumes`. */
  onVolumeChange(callback: (podUid: string) => void): void;
  /** What is mounted into a container: volumes, its own /etc/hosts, the file for its last words. */
  mountsFor(pod: Pod, container: Container, options: MountOptions): Promise<readonly Mount[]>;
  /** What a container that ended has left as its message; empty when nothing. */
  lastWords(pod: Pod, container: Container, record: ContainerRecord): Promise<string>;
  /** The container's log. Ends at its end unless the query follows. */
  readLog(record: ContainerRecord, query: LogQuery, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Unmounts and removes volumes. */
  removeVolumes(podUid: string): Promise<void>;
  /** Removes everything else of the pod: directory, logs, control group. */
  removePod(pod: { readonly uid: string; readonly name: string; readonly namespace: string }): Promise<void>;
  /** Sets the log aside when it has grown too large. */
  rotateLog(record: ContainerRecord): Promise<void>;
  /** Removes the log of a container that has been removed. */
  removeLog(record: ContainerRecord): Promise<void>;
  /** Uids of pods that have a directory on this node. */
  podsWithFiles(): Promise<readonly string[]>;
}

export interface PreparedVolumes {
  /** Host paths by volume name. */
  readonly paths: ReadonlyMap<string, string>;
  /** When they have to be prepared again (a token that expires); wall clock, ms. */
  readonly refreshAtMs: number | undefined;
}

export interface MountOptions {
  readonly attempt: number;
  readonly volumes: ReadonlyMap<string, string>;
  /** What the images of volumes have resolved to, by volume name. */
  readonly images: ReadonlyMap<string, string>;
  readonly environment: ReadonlyMap<string, string>;
  /** Content of the pod's /etc/hosts given the node's own. */
  readonly hostsFile: (ofNode: string) => string;
}

/** A volume cannot be made now; the message goes into the FailedMount event. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}

/** Probes over the network. They never throw. */
export interface NetworkProber {
  http(target: HttpTarget): Promise<ProbeOutcome>;
  tcp(target: NetworkTarget): Promise<ProbeOutcome>;
  grpc(target: NetworkTarget & { readonly service: string }): Promise<ProbeOutcome>;
}

export interface NetworkTarget {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

export interface HttpTarget extends NetworkTarget {
  readonly scheme: 'http' | 'https';
  readonly path: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

export interface ProbeOutcome {
  readonly result: 'success' | 'failure';
  /** For the event. */
  readonly output: string;
}
