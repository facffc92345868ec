import type { Clock, Timer } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import { CriError } from './cri.ts';
import type { ByteDuplex, ContainerStreams, CreateContainerRequest, ImageService, RuntimeService } from './cri.ts';
import type {
  Container, ContainerConfig, ContainerEvent, ContainerEventType, ContainerFilter, ContainerState, ContainerStats,
  ContainerStatus, ExecSyncResult, Image, LinuxContainerResources, PodSandboxConfig, PodSandboxFilter, PodSandboxState, PodSandboxStatus, StringMap,
} from './records.ts';
import { AddressRange } from './simulated-addresses.ts';

export interface SimulatedRuntimeOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Addresses of pods, such as `10.244.3.0/24`; else the one `updateRuntimeConfig` tells. */
  readonly podCidr?: string;
  /** Asked once for every container when it is created. Default: it runs until it is stopped. */
  readonly behaviour?: (container: SimulatedContainerInfo) => ContainerBehaviour;
  /** Asked for every pull. Default: every image can be pulled at once. */
  readonly pull?: (image: string) => PullBehaviour;
}

export interface SimulatedContainerInfo {
  readonly pod: PodSandboxConfig['metadata'];
  readonly podLabels: StringMap;
  readonly config: ContainerConfig;
}

/** What a simulated container does; everything may be left out. */
export interface ContainerBehaviour {
  readonly createError?: string;
  readonly startError?: string;
  /** Ends by itself this long after its start. */
  readonly exitAfterMs?: number;
  readonly exitCode?: number;
  /** One word for its end, such as `OOMKilled`. */
  readonly exitReason?: string;
  /** How long it goes on after a TERM signal; `Infinity` ignores it. Default 0. */
  readonly stopAfterMs?: number;
  /** What it logs at its start. */
  readonly log?: readonly string[];
  /** Answers commands and exec probes. Default: exit code 0 and no output. */
  readonly exec?: (command: readonly string[], stdin: string) => SimulatedExec;
  /** Answers network probes: whether the port is served and well. Default: true. */
  readonly probe?: (target: { readonly port: number; readonly path?: string }) => boolean;
  readonly cpuNanoCores?: number;
  readonly memoryBytes?: number;
}

export interface SimulatedExec {
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** Fails as a runtime does when the program is not there. */
  readonly error?: string;
}

export interface PullBehaviour {
  readonly error?: string;
  readonly afterMs?: number;
  /** Default 0: root. */
  readonly user?: number;
}

/** Of what a sandbox or container was made from, the part that is shown again: there may be thousands. */
type KeptSandboxConfig = Required<Pick<PodSandboxConfig, 'metadata' | 'labels' | 'annotations'>>;
type KeptContainerConfig = Required<Pick<ContainerConfig, 'metadata' | 'labels' | 'annotations' | 'image' | 'mounts'>>;

interface Sandbox {
  readonly id: string;
  readonly config: KeptSandboxConfig;
  readonly createdAt: number;
  readonly ip: string | undefined;
  state: PodSandboxState;
  readonly containers: Set<SimulatedContainer>;
}

interface SimulatedContainer {
  readonly id: string;
  readonly sandbox: Sandbox;
  readonly config: KeptContainerConfig;
  readonly behaviour: ContainerBehaviour;
  readonly createdAt: number;
  resources: LinuxContainerResources;
  state: ContainerState;
  startedAt: number;
  finishedAt: number;
  exitCode: number;
  reason: string;
  exitTimer: Timer | undefined;
  readonly log: SimulatedLogLine[];
  readonly ended: PromiseWithResolvers<void>;
}

export interface SimulatedLogLine {
  readonly atMs: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** Older lines go; the kubelet rotates logs as well. */
const maxLogLines = 1000;

/**
 * A container runtime without containers: the same contract, on a clock, deterministic. Costs a few hundred bytes per
 * container and nothing while nothing happens, so that thousands of nodes fit into one process.
 */
export class SimulatedRuntime implements RuntimeService {
  readonly images: SimulatedImages;
  readonly #options: SimulatedRuntimeOptions;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #containers = new Map<string, SimulatedContainer>();
  readonly #listeners = new Set<(event: ContainerEvent) => void>();
  #addresses: AddressRange | undefined;

  constructor(options: SimulatedRuntimeOptions) {
    this.#options = options;
    this.images = new SimulatedImages(options);
    if (options.podCidr !== undefined) this.#addresses = new AddressRange(options.podCidr);
  }

  version() {
    return Promise.resolve({ version: '0.1.0', runtimeName: 'simulated', runtimeVersion: '1.0.0', runtimeApiVersion: 'v1' });
  }

  status() {
    const isReady = this.#addresses !== undefined;
    return Promise.resolve({
      conditions: [
        { type: 'RuntimeReady', status: true, reason: '', message: '' },
        { type: 'NetworkReady', status: isReady, reason: isReady ? '' : 'NetworkPluginNotReady', message: isReady ? '' : 'no pod range yet' },
      ],
      handlers: [''],
    });
  }

  async updateRuntimeConfig(podCidr: string): Promise<void> {
    if (podCidr !== '') this.#addresses ??= new AddressRange(podCidr);
  }

  async runPodSandbox(config: PodSandboxConfig): Promise<string> {
    const isOnHost = config.linux?.securityContext?.namespaceOptions?.network === 'NODE';
    for (const other of this.#sandboxes.values()) {
      const { name, namespace, uid, attempt } = other.config.metadata;
      if (uid === config.metadata.uid && attempt === config.metadata.attempt) {
        throw new CriError('alreadyExists', `failed to reserve sandbox name "${name}_${namespace}_${uid}_${attempt}"`);
      }
    }
    const ip = isOnHost ? undefined : this.#addresses?.take();
    if (!isOnHost && ip === undefined) throw new CriError('unknown', 'failed to setup network for sandbox: no IP addresses available');
    const { metadata, labels = {}, annotations = {} } = config;
    const sandbox: Sandbox = { id: this.#newId(), config: { metadata, labels, annotations }, createdAt: this.#nowNs(), ip, state: 'SANDBOX_READY', containers: new Set() };
    this.#sandboxes.set(sandbox.id, sandbox);
    this.#emit('CONTAINER_STARTED_EVENT', sandbox.id, sandbox);
    return sandbox.id;
  }

  async stopPodSandbox(podSandboxId: string): Promise<void> {
    const sandbox = this.#sandboxes.get(podSandboxId);
    if (sandbox === undefined) return;
    for (const container of sandbox.containers) this.#end(container, 137, 'Error');
    if (sandbox.state === 'SANDBOX_NOTREADY') return;
    sandbox.state = 'SANDBOX_NOTREADY';
    if (sandbox.ip !== undefined) this.#addresses?.release(sandbox.ip);
    this.#emit('CONTAINER_STOPPED_EVENT', sandbox.id, sandbox);
  }

  async removePodSandbox(podSandboxId: string): Promise<void> {
    const sandbox = this.#sandboxes.get(podSandboxId);
    if (sandbox === undefined) return;
    await this.stopPodSandbox(podSandboxId);
    for (const container of sandbox.containers) await this.removeContainer(container.id);
    this.#sandboxes.delete(podSandboxId);
    this.#emit('CONTAINER_DELETED_EVENT', sandbox.id, sandbox);
  }

  async podSandboxStatus(podSandboxId: string): Promise<PodSandboxStatus> {
    return statusOfSandbox(this.#sandbox(podSandboxId));
  }

  async listPodSandbox(filter: PodSandboxFilter = {}) {
    return [...this.#sandboxes.values()]
      .filter((sandbox) => matches(sandbox, sandbox.config.labels, filter))
      .map(({ id, config, state, createdAt }) => ({ id, metadata: config.metadata, state, createdAt, labels: config.labels, annotations: config.annotations }));
  }

  async createContainer({ podSandboxId, config }: CreateContainerRequest): Promise<string> {
    const sandbox = this.#sandbox(podSandboxId);
    if (sandbox.state !== 'SANDBOX_READY') throw new CriError('unknown', `sandbox ${podSandboxId} is not running`);
    const behaviour = this.#options.behaviour?.({ pod: sandbox.config.metadata, podLabels: sandbox.config.labels, config }) ?? {};
    if (behaviour.createError !== undefined) throw new CriError('unknown', behaviour.createError);
    const { metadata, labels = {}, annotations = {}, image, mounts = [] } = config;
    const container: SimulatedContainer = {
      id: this.#newId(), sandbox, config: { metadata, labels, annotations, image, mounts }, behaviour, createdAt: this.#nowNs(), resources: config.linux?.resources ?? {}, state: 'CONTAINER_CREATED',
      startedAt: 0, finishedAt: 0, exitCode: 0, reason: '', exitTimer: undefined, log: [], ended: Promise.withResolvers(),
    };
    sandbox.containers.add(container);
    this.#containers.set(container.id, container);
    this.#emit('CONTAINER_CREATED_EVENT', container.id, sandbox);
    return container.id;
  }

  async startContainer(containerId: string): Promise<void> {
    const container = this.#container(containerId);
    if (container.state !== 'CONTAINER_CREATED') throw new CriError('unknown', `container ${containerId} is in state ${container.state}`);
    const { behaviour } = container;
    if (behaviour.startError !== undefined) {
      this.#end(container, 128, 'StartError');
      throw new CriError('unknown', behaviour.startError);
    }
    container.state = 'CONTAINER_RUNNING';
    container.startedAt = this.#nowNs();
    for (const text of behaviour.log ?? []) this.writeLog(containerId, text);
    if (behaviour.exitAfterMs !== undefined) {
      container.exitTimer = this.#options.clock.after(behaviour.exitAfterMs, () => this.#end(container, behaviour.exitCode ?? 0, behaviour.exitReason));
    }
    this.#emit('CONTAINER_STARTED_EVENT', container.id, container.sandbox);
  }

  async stopContainer(containerId: string, timeoutSeconds: number): Promise<void> {
    const container = this.#containers.get(containerId);
    if (container === undefined || container.state !== 'CONTAINER_RUNNING') return;
    const { stopAfterMs = 0 } = container.behaviour;
    const isKilled = stopAfterMs > timeoutSeconds * 1000;
    const delayMs = Math.min(stopAfterMs, timeoutSeconds * 1000);
    if (delayMs > 0) {
      const timer = this.#options.clock.after(delayMs, () => this.#end(container, isKilled ? 137 : 143, 'Error'));
      await container.ended.promise;
      timer.cancel();
    } else {
      this.#end(container, isKilled || timeoutSeconds === 0 ? 137 : 143, 'Error');
    }
  }

  async removeContainer(containerId: string): Promise<void> {
    const container = this.#containers.get(containerId);
    if (container === undefined) return;
    this.#end(container, 137, 'Error');
    this.#containers.delete(containerId);
    container.sandbox.containers.delete(container);
    this.#emit('CONTAINER_DELETED_EVENT', containerId, container.sandbox);
  }

  async listContainers(filter: ContainerFilter = {}): Promise<readonly Container[]> {
    return [...this.#containers.values()]
      .filter((container) => matches(container, container.config.labels, filter) && (filter.podSandboxId === undefined || filter.podSandboxId === container.sandbox.id))
      .map(({ id, sandbox, config, state, createdAt }) => ({
        id, podSandboxId: sandbox.id, metadata: config.metadata, image: config.image, imageRef: imageIdOf(config.image.image), state, createdAt,
        labels: config.labels, annotations: config.annotations,
      }));
  }

  async containerStatus(containerId: string): Promise<ContainerStatus> {
    return statusOfContainer(this.#container(containerId));
  }

  async updateContainerResources(containerId: string, linux: LinuxContainerResources): Promise<void> {
    const container = this.#container(containerId);
    container.resources = { ...container.resources, ...linux };
  }

  async reopenContainerLog(containerId: string): Promise<void> {
    this.#container(containerId);
  }

  async execSync(containerId: string, command: readonly string[]): Promise<ExecSyncResult> {
    const { exitCode = 0, stdout = '', stderr = '' } = this.#execute(containerId, command, '');
    return { exitCode, stdout: new TextEncoder().encode(stdout), stderr: new TextEncoder().encode(stderr) };
  }

  async exec(request: { readonly containerId: string; readonly command: readonly string[] }, streams: ContainerStreams): Promise<number> {
    let stdin = '';
    for await (const chunk of streams.stdin ?? []) stdin += new TextDecoder().decode(chunk);
    const { exitCode = 0, stdout = '', stderr = '' } = this.#execute(request.containerId, request.command, stdin);
    if (stdout !== '') await streams.stdout?.(new TextEncoder().encode(stdout));
    if (stderr !== '') await streams.stderr?.(new TextEncoder().encode(stderr));
    return exitCode;
  }

  async attach(request: { readonly containerId: string }): Promise<void> {
    await this.#container(request.containerId).ended.promise;
  }

  async portForward(podSandboxId: string, port: number, connection: ByteDuplex): Promise<void> {
    this.#sandbox(podSandboxId);
    for await (const chunk of connection.input) await connection.output(chunk);
    throw new CriError('unknown', `nothing listens on port ${port} of a simulated pod`);
  }

  async containerStats(containerId: string): Promise<ContainerStats> {
    return this.#statsOf(this.#container(containerId));
  }

  async listContainerStats(filter: ContainerFilter = {}) {
    const listed = await this.listContainers({ ...filter, state: 'CONTAINER_RUNNING' });
    return listed.map(({ id }) => this.#statsOf(this.#container(id)));
  }

  async listPodSandboxStats(filter: PodSandboxFilter = {}) {
    const listed = await this.listPodSandbox({ ...filter, state: 'SANDBOX_READY' });
    return listed.map(({ id, metadata, labels, annotations }) => {
      const running = [...this.#sandbox(id).containers].filter((container) => container.state === 'CONTAINER_RUNNING');
      return { attributes: { id, metadata, labels, annotations }, linux: { containers: running.map((container) => this.#statsOf(container)) } };
    });
  }

  async *containerEvents(signal: AbortSignal): AsyncIterable<ContainerEvent> {
    const waiting: ContainerEvent[] = [];
    let wake = Promise.withResolvers<void>();
    const listener = (event: ContainerEvent): void => {
      waiting.push(event);
      wake.resolve();
    };
    const onAbort = (): void => wake.resolve();
    this.#listeners.add(listener);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const next = waiting.shift();
        if (next !== undefined) {
          yield next;
          continue;
        }
        wake = Promise.withResolvers();
        await wake.promise;
      }
    } finally {
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** What a container was last given. Throws `notFound`. */
  resourcesOf(containerId: string): LinuxContainerResources {
    return this.#container(containerId).resources;
  }

  /** Makes a running container end. */
  exitContainer(containerId: string, exitCode: number, reason?: string): void {
    this.#end(this.#container(containerId), exitCode, reason);
  }

  /** Makes a container log a line. */
  writeLog(containerId: string, text: string, stream: SimulatedLogLine['stream'] = 'stdout'): void {
    const { log } = this.#container(containerId);
    log.push({ atMs: this.#options.clock.nowMs(), stream, text });
    if (log.length > maxLogLines) log.shift();
  }

  /** What a container has logged, as far as it is kept. Throws `notFound`. */
  readLog(containerId: string): readonly SimulatedLogLine[] {
    return this.#container(containerId).log;
  }

  /** Whether what a network probe asks for answers; undefined when no running pod has the address. */
  probe(ip: string, target: { readonly port: number; readonly path?: string }): boolean | undefined {
    for (const sandbox of this.#sandboxes.values()) {
      if (sandbox.ip !== ip || sandbox.state !== 'SANDBOX_READY') continue;
      const running = [...sandbox.containers].filter((container) => container.state === 'CONTAINER_RUNNING');
      return running.some((container) => container.behaviour.probe?.(target) ?? true) && running.every((container) => container.behaviour.probe?.(target) ?? true);
    }
    return undefined;
  }

  #execute(containerId: string, command: readonly string[], stdin: string): SimulatedExec {
    const container = this.#container(containerId);
    if (container.state !== 'CONTAINER_RUNNING') throw new CriError('unknown', `container is in ${container.state} state`);
    const result = container.behaviour.exec?.(command, stdin) ?? {};
    if (result.error !== undefined) throw new CriError('unknown', result.error);
    return result;
  }

  #end(container: SimulatedContainer, exitCode: number, reason = exitCode === 0 ? 'Completed' : 'Error'): void {
    if (container.state === 'CONTAINER_EXITED') return;
    container.exitTimer?.cancel();
    container.state = 'CONTAINER_EXITED';
    container.finishedAt = this.#nowNs();
    container.exitCode = exitCode;
    container.reason = reason;
    container.ended.resolve();
    this.#emit('CONTAINER_STOPPED_EVENT', container.id, container.sandbox);
  }

  #emit(containerEventType: ContainerEventType, containerId: string, sandbox: Sandbox): void {
    if (this.#listeners.size === 0) return;
    const event: ContainerEvent = {
      containerId, containerEventType, createdAt: this.#nowNs(), podSandboxStatus: statusOfSandbox(sandbox),
      containersStatuses: [...sandbox.containers].map(statusOfContainer),
    };
    for (const listener of this.#listeners) listener(event);
  }

  #statsOf({ id, config, behaviour }: SimulatedContainer): ContainerStats {
    const timestamp = this.#nowNs();
    const memory = behaviour.memoryBytes ?? 8 * 1024 * 1024;
    const usageNanoCores = behaviour.cpuNanoCores ?? 1_000_000;
    return {
      attributes: { id, metadata: config.metadata, labels: config.labels, annotations: config.annotations },
      cpu: { timestamp, usageNanoCores, usageCoreNanoSeconds: Math.round((usageNanoCores * this.#options.clock.monotonicMs()) / 1000) },
      memory: { timestamp, workingSetBytes: memory, usageBytes: memory, rssBytes: memory },
    };
  }

  #sandbox(id: string): Sandbox {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox === undefined) throw new CriError('notFound', `an error occurred when try to find sandbox: not found: ${id}`);
    return sandbox;
  }

  #container(id: string): SimulatedContainer {
    const container = this.#containers.get(id);
    if (container === undefined) throw new CriError('notFound', `an error occurred when try to find container "${id}": not found`);
    return container;
  }

  #newId(): string {
    return this.#options.random.uuid().replaceAll('-', '');
  }

  #nowNs(): number {
    return this.#options.clock.nowMs() * 1e6;
  }
}

/** The images of a simulated runtime: names only. */
export class SimulatedImages implements ImageService {
  readonly #present = new Map<string, Image>();
  readonly #options: Pick<SimulatedRuntimeOptions, 'clock' | 'pull'>;

  constructor(options: Pick<SimulatedRuntimeOptions, 'clock' | 'pull'>) {
    this.#options = options;
  }

  async listImages(): Promise<readonly Image[]> {
    return [...this.#present.values()];
  }

  async imageStatus({ image }: { readonly image: string }): Promise<Image | undefined> {
    return this.#present.get(image) ?? [...this.#present.values()].find((candidate) => candidate.id === image);
  }

  async pullImage({ image }: { readonly image: string }): Promise<string> {
    const { error, afterMs = 0, user = 0 } = this.#options.pull?.(image) ?? {};
    if (afterMs > 0) await this.#options.clock.sleep(afterMs);
    if (error !== undefined) throw new CriError('unknown', error);
    this.load(image, user);
    return imageIdOf(image);
  }

  async removeImage({ image }: { readonly image: string }): Promise<void> {
    this.#present.delete(image);
  }

  async imageFsInfo() {
    return [];
  }

  /** Makes an image present without a pull. */
  load(image: string, user = 0): void {
    this.#present.set(image, { id: imageIdOf(image), repoTags: [image], repoDigests: [], size: 1024 * 1024, uid: user, username: '', pinned: false });
  }
}

function imageIdOf(name: string): string {
  return name.startsWith('sha256:') ? name : `sha256:${name}`;
}

function matches(
  item: { readonly id: string; readonly state: string }, labels: StringMap | undefined,
  filter: { readonly id?: string; readonly state?: string; readonly labelSelector?: StringMap },
): boolean {
  if (filter.id !== undefined && item.id !== filter.id) return false;
  if (filter.state !== undefined && item.state !== filter.state) return false;
  return Object.entries(filter.labelSelector ?? {}).every(([key, value]) => labels?.[key] === value);
}

function statusOfSandbox({ id, config, state, createdAt, ip }: Sandbox): PodSandboxStatus {
  return {
    id, metadata: config.metadata, state, createdAt, labels: config.labels, annotations: config.annotations,
    ...(ip === undefined ? {} : { network: { ip, additionalIps: [] } }),
  };
}

function statusOfContainer(container: SimulatedContainer): ContainerStatus {
  const { id, config, state, createdAt, startedAt, finishedAt, exitCode, reason } = container;
  return {
    id, metadata: config.metadata, state, createdAt, startedAt, finishedAt, exitCode, image: config.image, imageRef: imageIdOf(config.image.image),
    reason, message: '', labels: config.labels, annotations: config.annotations, mounts: config.mounts, logPath: '',
  };
}
