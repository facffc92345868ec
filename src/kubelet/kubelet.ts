import type { Given } from '#apimachinery/resource.ts';
import { Node } from '#api/core/node.ts';
import type { ResourceList } from '#api/core/pod-resources.ts';
import { addResources, requestsOnNode } from '#api/core/pod-resources.ts';
import { isTerminal } from '#api/core/pod-status.ts';
import { Pod } from '#api/core/pod.ts';
import type { Taint } from '#api/core/scheduling.ts';
import { Service } from '#api/core/service.ts';
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import type { Informer } from '#client/informer.ts';
import type { KubeletHandle } from './kubelet-handle.ts';
import { NodeRegistrar } from './node/node-registrar.ts';
import { allocatableOf, extendedChanges } from './node/plan-node.ts';
import { RuntimeHealth } from './node/runtime-health.ts';
import type { NodePlatform } from './platform.ts';
import { admitPod } from './pod/admit-pod.ts';
import type { PodVerdict } from './pod/admit-pod.ts';
import { createConfigLookup } from './pod/config-lookup.ts';
import { ImagePuller } from './pod/image-puller.ts';
import { podTarget } from './pod/events.ts';
import { labelKeys } from './pod/labels.ts';
import { isStatic, mirroredUid, MirrorPods } from './pod/mirror-pods.ts';
import { PodAccess } from './pod/pod-access.ts';
import { PodWorker } from './pod/pod-worker.ts';
import type { PodWorkerDependencies } from './pod/pod-worker.ts';
import { StaticPods } from './pod/static-pods.ts';
import { StatusManager } from './pod/status-manager.ts';
import { watchRuntime } from './runtime-watch.ts';

export interface KubeletOptions {
  readonly nodeName: string;
  readonly platform: NodePlatform;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Given<Taint>[];
  /** The port of the HTTPS server, for the Node's status. Default 10250. */
  readonly port?: number;
  readonly clusterDns?: readonly string[];
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Default `v1.36.0`. */
  readonly version?: string;
  /** Kernel parameters that pods may set although they are not known to be safe (`--allowed-unsafe-sysctls`). */
  readonly allowedUnsafeSysctls?: readonly string[];
  /** Pods from manifests in this directory (`--pod-manifest-path`). */
  readonly staticPodPath?: string;
  /** Sets the pod network up for the node's ranges, before the runtime says that its network is ready. */
  readonly configureNetwork?: (podCidrs: readonly string[]) => Promise<void>;
}

export interface RunningKubelet extends RunningComponent {
  readonly handle: KubeletHandle;
}

/** While runtime or network are not ready, they are looked at this often; else every 5 s as the original does. */
const unreadyCheckMs = 250;
const readyCheckMs = 5000;
const runtimeRetryMs = 1000;
/** How long a runtime may take to see a new network list, and how often it is asked meanwhile. */
const networkNoticeMs = 1000;
const networkLookMs = 20;
/** The original's containerLogMonitorInterval. */
const rotateEveryMs = 10_000;
/** How long a container of a pod that nobody knows may take to end. */
const orphanGraceSeconds = 30;

/**
 * Starts the node agent: registers the node, runs the pods bound to it, and reports. `ready` resolves when the node is
 * registered and the pods are known. Closing leaves every container running; the next start adopts them.
 */
export function startKubelet(context: ComponentContext, options: KubeletOptions): RunningKubelet {
  const kubelet = new Kubelet(context, options);
  kubelet.start();
  return kubelet;
}

class Kubelet implements RunningKubelet {
  readonly handle: KubeletHandle;
  readonly #nodeName: string;
  readonly #context: ComponentContext;
  readonly #options: KubeletOptions;
  readonly #platform: NodePlatform;
  readonly #stop = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  readonly #pods: Informer<Pod>;
  readonly #services: Informer<Service>;
  readonly #nodes: Informer<Node>;
  readonly #workers = new Map<string, PodWorker>();
  readonly #mirrors: MirrorPods;
  #staticPods: StaticPods | undefined;
  readonly #unsubscribe: (() => void)[] = [];
  readonly #statuses: StatusManager;
  readonly #registrar: NodeRegistrar;
  readonly #workerDependencies: PodWorkerDependencies;
  readonly #health: RuntimeHealth;
  #runtimeName = '';
  #hostIps: readonly string[] = [];
  #allocatable: Readonly<Record<string, string>> = {};
  #podCidr = '';
  #rotatedAtMs = 0;
  #isClosed = false;

  constructor(context: ComponentContext, options: KubeletOptions) {
    const { client, clock, log, informers } = context;
    const { platform, nodeName } = options;
    const { signal } = this.#stop;
    this.#nodeName = nodeName;
    this.#context = context;
    this.#options = options;
    this.#platform = platform;
    this.#health = new RuntimeHealth(platform.runtime);
    this.#pods = informers.for(Pod, { fieldSelector: `spec.nodeName=${nodeName}` });
    this.#services = informers.for(Service);
    this.#nodes = informers.for(Node, { fieldSelector: `metadata.name=${nodeName}` });
    this.#statuses = new StatusManager({ client, clock, log, signal });
    this.#registrar = new NodeRegistrar(
      { name: nodeName, labels: options.labels ?? {}, taints: options.taints ?? [], kubeletPort: options.port ?? 10_250, version: options.version ?? 'v1.36.0' },
      { client, clock, log, platform, signal, problem: () => this.#health.problem(), heard: () => this.#nodes.list()[0] },
    );
    this.#mirrors = new MirrorPods({ client, log, node: () => this.#registrar.node });
    this.handle = new PodAccess({ nodeName, platform, workers: () => this.#workers.values(), newest: (pod) => this.#statuses.newest(pod) });
    const recorder = context.recorderFor('kubelet', { host: nodeName });
    this.#workerDependencies = {
      client, clock, log, recorder, platform, runtime: platform.runtime, prober: platform.prober, statuses: this.#statuses,
      puller: new ImagePuller({ images: platform.images, clock, recorder }),
      lookup: createConfigLookup({ client, services: this.#services }),
      node: {
        runtimeName: () => this.#runtimeName, hostIps: () => this.#hostIps, allocatable: () => this.#allocatable,
        requestedByOthers: (uid) => this.#requestedByOthers(uid),
        networkProblem: () => this.#health.networkProblem(), clusterDns: options.clusterDns ?? [], clusterDomain: options.clusterDomain ?? 'cluster.local',
      },
      shownAs: (pod) => (isStatic(pod) ? this.#mirrors.of(pod.metadata.uid) : pod),
      onGone: (worker) => {
        const { uid } = worker.pod.metadata;
        if (this.#workers.get(uid) === worker) this.#workers.delete(uid);
      },
    };
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  start(): void {
    this.#ready.promise.catch(() => undefined);
    this.#begin().then(() => this.#ready.resolve(), (error: unknown) => {
      if (!this.#isClosed) this.#context.log.error({ error, node: this.#nodeName }, 'the kubelet could not start');
      this.#ready.reject(error);
    });
  }

  async #begin(): Promise<void> {
    const { clock, log, recorderFor } = this.#context;
    const { signal } = this.#stop;
    const { machine, runtime, files } = this.#platform;
    const addresses = await machine.addresses();
    this.#hostIps = addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
    this.#allocatable = allocatableOf(await machine.capacity());
    this.#runtimeName = await this.#awaitRuntime();
    await this.#checkRuntime();
    await this.#bringBackNetwork();
    await this.#registrar.register();
    const recorder = recorderFor('kubelet', { host: this.#nodeName });
    const about = { object: { apiVersion: 'v1', kind: 'Node', metadata: { name: this.#nodeName, uid: this.#nodeName } } };
    recorder.event(about, 'Normal', 'Starting', 'Starting kubelet.');
    this.#unsubscribe.push(this.#nodes.addHandler({ added: (node) => this.#onNode(node), updated: (node) => this.#onNode(node) }));
    await Promise.all([this.#pods.synced(signal), this.#services.synced(signal)]);
    files.onVolumeChange((uid) => this.#workers.get(uid)?.trigger());
    this.#unsubscribe.push(this.#pods.addHandler({
      added: (pod) => this.#onPod(pod),
      updated: (pod) => this.#onPod(pod),
      deleted: (pod) => this.#onPodGone(pod),
    }));
    await this.#startStaticPods();
    watchRuntime({ runtime, clock, log, signal, onChange: (uid) => this.#workers.get(uid)?.trigger() });
    this.#scheduleCheck();
    await this.#removeOrphans();
  }

  /** The runtime's name, as soon as it answers: it may be started after us. */
  async #awaitRuntime(): Promise<string> {
    const { clock, log } = this.#context;
    for (;;) {
      try {
        return (await this.#platform.runtime.version()).runtimeName;
      } catch (error) {
        log.warn({ error }, 'the container runtime does not answer; waiting for it');
        await clock.sleep(runtimeRetryMs, this.#stop.signal);
      }
    }
  }

  async #startStaticPods(): Promise<void> {
    const { staticPodPath } = this.#options;
    if (staticPodPath === undefined) return;
    const { clock, log } = this.#context;
    this.#staticPods = new StaticPods({
      directory: staticPodPath, nodeName: this.#nodeName, clock, log,
      onAdded: (pod) => {
        this.#onPod(pod);
        this.#mirrors.show(pod);
      },
      onRemoved: (pod) => {
        this.#workers.get(pod.metadata.uid)?.remove(pod);
        this.#mirrors.hide(pod.metadata.uid);
      },
    });
    await this.#staticPods.start();
    this.#mirrors.hideAllBut((uid) => this.#workers.has(uid));
  }

  /** The pods that have a place on this node, but for one: also those from before a restart that have not come by yet. */
  #othersThan(uid: string): readonly Pod[] {
    const others = new Map<string, Pod>();
    for (const pod of this.#pods.list()) if (pod.status.startTime !== undefined && !isTerminal(pod)) others.set(pod.metadata.uid, pod);
    for (const [each, { pod, hasPlace }] of this.#workers) {
      if (hasPlace) others.set(each, pod);
      else others.delete(each);
    }
    others.delete(uid);
    return [...others.values()];
  }

  #requestedByOthers(uid: string): ResourceList {
    return this.#othersThan(uid).reduce<ResourceList>((total, pod) => addResources(total, requestsOnNode(pod)), {});
  }

  /** Lets a pod begin, or refuses it with a word. One that has started before was admitted then. */
  async #admit(worker: PodWorker): Promise<void> {
    const { pod } = worker;
    const known = this.#nodes.list()[0] ?? this.#registrar.node;
    if (pod.status.startTime !== undefined || isTerminal(pod) || known === undefined) {
      worker.begin();
      return;
    }
    let refusal = this.#judge(pod, known);
    // Labels and taints may have changed a moment ago, and whoever bound the pod has seen it.
    if (refusal?.reason === 'NodeAffinity' || refusal?.reason === 'TaintToleration') {
      const newest = await this.#context.client.get<Node>(Node, { name: this.#nodeName }).catch(() => known);
      refusal = this.#judge(pod, newest);
    }
    if (refusal !== undefined) this.#workerDependencies.recorder.event(podTarget(pod), 'Warning', refusal.reason, refusal.message);
    worker.begin(refusal);
  }

  #judge(pod: Pod, node: Node): PodVerdict | undefined {
    return admitPod({
      pod, node, allocatable: node.status.allocatable ?? this.#allocatable, others: this.#othersThan(pod.metadata.uid),
      isStatic: isStatic(pod), allowedUnsafeSysctls: this.#options.allowedUnsafeSysctls ?? [],
    });
  }

  #onPod(pod: Pod): void {
    const mirrored = mirroredUid(pod);
    if (mirrored !== undefined) {
      this.#mirrors.onChange(mirrored, pod);
      this.#workers.get(mirrored)?.trigger();
      return;
    }
    const { uid } = pod.metadata;
    const worker = this.#workers.get(uid);
    if (worker !== undefined) {
      worker.update(pod);
      return;
    }
    const fresh = new PodWorker(pod, this.#workerDependencies);
    this.#workers.set(uid, fresh);
    void this.#admit(fresh);
  }

  #onPodGone(pod: Pod): void {
    const mirrored = mirroredUid(pod);
    if (mirrored === undefined) {
      this.#workers.get(pod.metadata.uid)?.remove(pod);
      return;
    }
    this.#mirrors.onGone(mirrored);
    const shown = this.#staticPods?.get(mirrored);
    if (shown !== undefined) this.#mirrors.show(shown);
  }

  #onNode(node: Node): void {
    if (Object.keys(extendedChanges(node.status, this.#allocatable)).length > 0) this.#registrar.refresh();
    const cidrs = node.spec.podCIDRs ?? (node.spec.podCIDR === undefined ? [] : [node.spec.podCIDR]);
    if (cidrs[0] === undefined || this.#podCidr === cidrs.join(',')) return;
    this.#setUpNetwork(cidrs).catch((error: unknown) => this.#context.log.error({ error, node: this.#nodeName }, 'the runtime could not be checked'));
  }

  /** A node that has been here before gets its network first: it is not shown as unready just because Skiff was restarted. */
  async #bringBackNetwork(): Promise<void> {
    const { client, clock } = this.#context;
    const node = await client.get<Node>(Node, { name: this.#nodeName }).catch(() => undefined);
    const cidrs = node?.spec.podCIDRs ?? [];
    if (cidrs.length === 0) return;
    await this.#setUpNetwork(cidrs);
    // The runtime notices by itself, a moment later.
    for (let waitedMs = 0; waitedMs < networkNoticeMs && this.#health.networkFailure === undefined && this.#health.networkProblem() !== undefined; waitedMs += networkLookMs) {
      await clock.sleep(networkLookMs, this.#stop.signal);
      await this.#checkRuntime();
    }
  }

  /** A failure makes the node unready and is tried again when the Node changes. */
  async #setUpNetwork(cidrs: readonly string[]): Promise<void> {
    this.#podCidr = cidrs.join(',');
    try {
      await this.#options.configureNetwork?.(cidrs);
      await this.#platform.runtime.updateRuntimeConfig(this.#podCidr);
      this.#health.networkFailure = undefined;
    } catch (error) {
      this.#health.networkFailure = error instanceof Error ? error.message : String(error);
      this.#podCidr = '';
      this.#context.log.error({ error, node: this.#nodeName }, 'the pod network could not be set up');
    }
    await this.#checkRuntime();
  }

  /** Looks whether runtime and network are ready; a change shows in the node's status and wakes the pods that wait for it. */
  async #checkRuntime(): Promise<void> {
    if (!(await this.#health.look()) || this.#registrar.node === undefined) return;
    this.#registrar.refresh();
    if (this.#health.problem() === undefined) for (const worker of this.#workers.values()) worker.trigger();
  }

  #scheduleCheck(): void {
    const { clock, log } = this.#context;
    if (this.#stop.signal.aborted) return;
    // The simulated runtime changes only when it is told to.
    if (this.#health.problem() === undefined && this.#runtimeName === 'simulated') return;
    clock.after(this.#health.problem() === undefined ? readyCheckMs : unreadyCheckMs, () => {
      if (this.#stop.signal.aborted) return;
      this.#checkRuntime()
        .then(() => this.#rotateLogs())
        .catch((error: unknown) => log.warn({ error }, 'the runtime could not be checked'))
        .finally(() => this.#scheduleCheck())
        .catch(() => undefined);
    });
  }

  async #rotateLogs(): Promise<void> {
    const { clock, log } = this.#context;
    if (clock.nowMs() - this.#rotatedAtMs < rotateEveryMs) return;
    this.#rotatedAtMs = clock.nowMs();
    for (const worker of this.#workers.values()) {
      for (const record of worker.runtime.containers) {
        if (record.state !== 'running') continue;
        await this.#platform.files.rotateLog(record).catch((error: unknown) => log.warn({ error, container: record.id }, 'a log could not be rotated'));
      }
    }
  }

  /** What runs here for pods that the API does not know (any more) is ended. */
  async #removeOrphans(): Promise<void> {
    const { runtime, files } = this.#platform;
    const { log } = this.#context;
    const known = new Set([...this.#pods.list().map((pod) => pod.metadata.uid), ...this.#workers.keys()]);
    const gone = new Map<string, { name: string; namespace: string }>();
    for (const sandbox of await runtime.listPodSandbox()) {
      const { uid, name, namespace } = sandbox.metadata;
      if (known.has(uid) || sandbox.labels[labelKeys.podUid] !== uid) continue;
      log.info({ pod: `${namespace}/${name}` }, 'removing what is left of a pod that is gone');
      const running = await runtime.listContainers({ podSandboxId: sandbox.id, state: 'CONTAINER_RUNNING' });
      await Promise.all(running.map(({ id }) => runtime.stopContainer(id, orphanGraceSeconds)));
      await runtime.stopPodSandbox(sandbox.id);
      await runtime.removePodSandbox(sandbox.id);
      gone.set(uid, { name, namespace });
    }
    for (const uid of await files.podsWithFiles()) if (!known.has(uid)) gone.set(uid, gone.get(uid) ?? { name: '', namespace: '' });
    for (const [uid, { name, namespace }] of gone) {
      await files.removeVolumes(uid);
      await files.removePod({ uid, name, namespace });
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stop.abort(new Error('kubelet closed'));
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#staticPods?.close();
    await Promise.all([...this.#workers.values()].map((worker) => worker.close()));
    await this.#registrar.close();
    this.#ready.reject(this.#stop.signal.reason);
  }
}
