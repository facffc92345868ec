import type {
  AuthConfig, Container, ContainerConfig, ContainerEvent, ContainerFilter, ContainerStats, ContainerStatus,
  ExecSyncResult, FilesystemUsage, Image, ImageSpec, LinuxContainerResources, PodSandbox, PodSandboxConfig,
  PodSandboxFilter, PodSandboxStats, PodSandboxStatus, RuntimeStatus, VersionInfo,
} from './records.ts';

/**
 * What the kubelet asks of a container runtime: the Container Runtime Interface as TypeScript. Two implementations
 * pass the same suite (`cri.contract.ts`): `connectRuntime` (gRPC to containerd or CRI-O) and `SimulatedRuntime`.
 *
 * Promises: calls for different pods may run at the same time, the caller serialises those for one pod. Stop and
 * remove are idempotent: an unknown id is success. Every failure is a `CriError`. A call that was cut off (deadline,
 * signal) may or may not have taken effect; the caller lists again.
 */
export interface RuntimeService {
  version(options?: CallOptions): Promise<VersionInfo>;
  /** Whether runtime and pod network are ready. */
  status(options?: CallOptions): Promise<RuntimeStatus>;
  /** Tells the runtime the pod range, for runtimes that configure the network themselves. */
  updateRuntimeConfig(podCidr: string, options?: CallOptions): Promise<void>;

  /** Creates and starts a pod's sandbox with its network; answers its id. */
  runPodSandbox(config: PodSandboxConfig, options?: CallOptions & { readonly runtimeHandler?: string }): Promise<string>;
  /** Stops what runs in it at once and takes its network down. */
  stopPodSandbox(podSandboxId: string, options?: CallOptions): Promise<void>;
  /** Removes it with its containers; forcibly when they run. */
  removePodSandbox(podSandboxId: string, options?: CallOptions): Promise<void>;
  podSandboxStatus(podSandboxId: string, options?: CallOptions): Promise<PodSandboxStatus>;
  listPodSandbox(filter?: PodSandboxFilter, options?: CallOptions): Promise<readonly PodSandbox[]>;

  createContainer(request: CreateContainerRequest, options?: CallOptions): Promise<string>;
  startContainer(containerId: string, options?: CallOptions): Promise<void>;
  /** Sends the stop signal and kills after `timeoutSeconds` (0: at once); resolves when it has stopped. */
  stopContainer(containerId: string, timeoutSeconds: number, options?: CallOptions): Promise<void>;
  removeContainer(containerId: string, options?: CallOptions): Promise<void>;
  listContainers(filter?: ContainerFilter, options?: CallOptions): Promise<readonly Container[]>;
  containerStatus(containerId: string, options?: CallOptions): Promise<ContainerStatus>;
  updateContainerResources(containerId: string, linux: LinuxContainerResources, options?: CallOptions): Promise<void>;
  /** To be called after the log file was renamed: the runtime goes on in a new one. */
  reopenContainerLog(containerId: string, options?: CallOptions): Promise<void>;

  /** Runs a command to its end; a timeout (seconds, 0 is none) fails with `deadlineExceeded`. */
  execSync(containerId: string, command: readonly string[], timeoutSeconds: number, options?: CallOptions): Promise<ExecSyncResult>;
  /** Runs a command with live streams; resolves with its exit code. */
  exec(request: ExecRequest, streams: ContainerStreams, options?: CallOptions): Promise<number>;
  /** Joins the streams of the container's main process until it or the caller ends. */
  attach(request: AttachRequest, streams: ContainerStreams, options?: CallOptions): Promise<void>;
  /** Carries one connection to a port on the pod's loopback until either side ends it. */
  portForward(podSandboxId: string, port: number, connection: ByteDuplex, options?: CallOptions): Promise<void>;

  containerStats(containerId: string, options?: CallOptions): Promise<ContainerStats>;
  listContainerStats(filter?: ContainerFilter, options?: CallOptions): Promise<readonly ContainerStats[]>;
  listPodSandboxStats(filter?: PodSandboxFilter, options?: CallOptions): Promise<readonly PodSandboxStats[]>;

  /**
   * Container events from now on, until the signal aborts. Throws `unimplemented` where the runtime has none
   * (containerd before 1.7): the caller lists periodically instead. May end; then the caller lists and asks again.
   */
  containerEvents(signal: AbortSignal): AsyncIterable<ContainerEvent>;
}

/** The image half of the Container Runtime Interface. The same promises. */
export interface ImageService {
  listImages(options?: CallOptions): Promise<readonly Image[]>;
  /** The image, or undefined when it is not there. */
  imageStatus(image: ImageSpec, options?: CallOptions): Promise<Image | undefined>;
  /** Pulls it; answers the reference to create containers with. */
  pullImage(image: ImageSpec, options?: CallOptions & { readonly auth?: AuthConfig; readonly sandbox?: PodSandboxConfig }): Promise<string>;
  removeImage(image: ImageSpec, options?: CallOptions): Promise<void>;
  imageFsInfo(options?: CallOptions): Promise<readonly FilesystemUsage[]>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface CreateContainerRequest {
  readonly podSandboxId: string;
  readonly config: ContainerConfig;
  /** The very configuration the sandbox was made with. */
  readonly sandboxConfig: PodSandboxConfig;
}

export interface ExecRequest {
  readonly containerId: string;
  readonly command: readonly string[];
  readonly tty?: boolean;
}

export interface AttachRequest {
  readonly containerId: string;
  readonly tty?: boolean;
}

/** What flows in and out; an absent stream is not opened. With a terminal there is no `stderr`. */
export interface ContainerStreams {
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly stdout?: ByteSink;
  readonly stderr?: ByteSink;
  readonly terminalSizes?: AsyncIterable<TerminalSize>;
}

/** Takes bytes in order; a returned promise holds back the next ones. */
export type ByteSink = (chunk: Uint8Array) => void | Promise<void>;

export interface ByteDuplex {
  readonly input: AsyncIterable<Uint8Array>;
  readonly output: ByteSink;
}

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

export type CriErrorCode =
  'notFound' | 'alreadyExists' | 'invalidArgument' | 'deadlineExceeded' | 'unavailable' | 'unimplemented' | 'cancelled' | 'unknown';

/** What the runtime answered instead; the kubelet turns it into reasons and events at its edge. */
export class CriError extends Error {
  override readonly name = 'CriError';
  readonly code: CriErrorCode;

  constructor(code: CriErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Whether `error` is a `CriError` of that code. */
export function isCriError(error: unknown, code: CriErrorCode): boolean {
  return error instanceof CriError && error.code === code;
}
