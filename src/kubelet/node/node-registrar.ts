import type { Clock, Timer } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { Given } from '#apimachinery/resource.ts';
import { Lease } from '#api/coordination/lease.ts';
import { Node } from '#api/core/node.ts';
import type { Taint } from '#api/core/scheduling.ts';
import type { Client } from '#client/client.ts';
import { microTimestamp } from '#client/timestamp.ts';
import type { NodePlatform } from '../platform.ts';
import { differsBeyondHeartbeat, extendedChanges, nodeLabels, planNodeStatus } from './plan-node.ts';

export interface NodeOptions {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Given<Taint>[];
  readonly kubeletPort: number;
  /** As in `kubectl version`: v1.36.0. */
  readonly version: string;
}

export interface NodeRegistrarDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly platform: NodePlatform;
  /** Why the node is not ready; undefined when it is. */
  readonly problem: () => string | undefined;
  /** The Node as it was last heard of, with what others have written into it. */
  readonly heard: () => Node | undefined;
  readonly signal: AbortSignal;
}

type Status = ReturnType<typeof planNodeStatus>;

/** Source: the kubelet's defaults for nodeLeaseDurationSeconds, nodeStatusUpdateFrequency, nodeStatusReportFrequency. */
const leaseSeconds = 40;
const beatEveryMs = 10_000;
const reportEveryMs = 5 * 60_000;
const retryMs = 1000;
const maxImages = 50;
const leaseNamespace = 'kube-node-lease';

/**
 * The node's own objects: the Node, registered and kept up to date (when something changes, else every 5 minutes), and its
 * Lease, renewed every 10 seconds, by which the control plane knows that the node lives.
 */
export class NodeRegistrar {
  readonly #options: NodeOptions;
  readonly #dependencies: NodeRegistrarDependencies;
  #node: Node | undefined;
  #reported: Status | undefined;
  #reportedAtMs = 0;
  #lease: Lease | undefined;
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  #runtimeVersion = '';
  #images: Status['images'] = [];

  constructor(options: NodeOptions, dependencies: NodeRegistrarDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  get node(): Node | undefined {
    return this.#node;
  }

  /** Resolves when the Node is known to the API and the first status is written; tries until the signal aborts. */
  async register(): Promise<void> {
    const { clock, log, signal } = this.#dependencies;
    for (let isDone = false; !isDone; ) {
      signal.throwIfAborted();
      try {
        await this.#register();
        isDone = true;
      } catch (error) {
        log.warn({ error }, 'the node could not be registered; trying again');
        await clock.sleep(retryMs, signal);
      }
    }
    this.#scheduleBeat();
  }

  /** Something the status shows has changed. */
  refresh(): void {
    this.#running = this.#running.then(() => this.#report()).catch((error: unknown) => this.#complain(error));
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#running;
  }

  async #register(): Promise<void> {
    const { client, platform } = this.#dependencies;
    const { name, labels, taints } = this.#options;
    const { runtimeName, runtimeVersion } = await platform.runtime.version();
    this.#runtimeVersion = `${runtimeName}://${runtimeVersion}`;
    await this.#listImages();
    const status = await this.#status();
    const given: Given<Node> = {
      metadata: {
        name, labels: nodeLabels(name, status.nodeInfo, labels),
        annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
      },
      spec: taints.length === 0 ? {} : { taints },
      status,
    };
    try {
      this.#node = await client.create(Node, given);
      this.#note(status);
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
      const found = await client.get(Node, { name });
      const wanted = given.metadata?.labels ?? {};
      const isLabelled = Object.entries(wanted).every(([key, text]) => found.metadata.labels?.[key] === text);
      this.#node = isLabelled ? found : await client.patch<Node>(Node, { name }, { type: 'merge', patch: { metadata: { labels: wanted } } });
      await this.#report();
    }
    await this.#renewLease();
  }

  #scheduleBeat(): void {
    const { clock, signal } = this.#dependencies;
    if (signal.aborted) return;
    this.#timer = clock.after(beatEveryMs, () => {
      this.#running = this.#running
        .then(() => this.#beat())
        .catch((error: unknown) => this.#complain(error))
        .finally(() => this.#scheduleBeat());
    });
  }

  async #beat(): Promise<void> {
    await this.#renewLease();
    await this.#report();
  }

  #complain(error: unknown): void {
    if (!this.#dependencies.signal.aborted) this.#dependencies.log.warn({ error }, 'the state of the node could not be written');
  }

  async #renewLease(): Promise<void> {
    const { client, clock, signal } = this.#dependencies;
    const { name } = this.#options;
    const renewTime = microTimestamp(clock.nowMs());
    const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime };
    try {
      if (this.#lease === undefined) {
        const owner = this.#node === undefined ? [] : [{ apiVersion: 'v1', kind: 'Node', name, uid: this.#node.metadata.uid }];
        this.#lease = await client.create(Lease, { metadata: { namespace: leaseNamespace, name, ownerReferences: owner }, spec }, { signal });
      } else {
        this.#lease = await client.update(Lease, { ...this.#lease, spec: { ...this.#lease.spec, ...spec } }, { signal });
      }
    } catch (error) {
      if (hasReason(error, 'AlreadyExists') || hasReason(error, 'Conflict')) {
        const found = await client.get(Lease, { namespace: leaseNamespace, name }, { signal });
        this.#lease = await client.update(Lease, { ...found, spec: { ...found.spec, ...spec } }, { signal });
        return;
      }
      if (hasReason(error, 'NotFound')) this.#lease = undefined;
      throw error;
    }
  }

  async #listImages(): Promise<void> {
    const images = await this.#dependencies.platform.images.listImages();
    this.#images = [...images]
      .sort((a, b) => b.size - a.size || (a.id < b.id ? -1 : 1))
      .slice(0, maxImages)
      .map(({ repoTags, repoDigests, size }) => ({ names: [...repoDigests, ...repoTags], sizeBytes: size }));
  }

  async #status(): Promise<Status> {
    const { platform, clock, problem } = this.#dependencies;
    const { machine } = platform;
    const { version, kubeletPort } = this.#options;
    return planNodeStatus({
      capacity: await machine.capacity(), addresses: await machine.addresses(), images: this.#images ?? [], kubeletPort,
      info: { ...(await machine.info()), containerRuntimeVersion: this.#runtimeVersion, kubeletVersion: version, kubeProxyVersion: '' },
      pressure: await machine.pressure(), problem: problem(), nowMs: clock.nowMs(),
    }, this.#node?.status);
  }

  #note(status: Status): void {
    this.#reported = status;
    this.#reportedAtMs = this.#dependencies.clock.nowMs();
  }

  async #report(): Promise<void> {
    const { client, clock, heard, signal } = this.#dependencies;
    const isDue = clock.nowMs() - this.#reportedAtMs >= reportEveryMs;
    if (isDue) await this.#listImages();
    const status = await this.#status();
    const changes = extendedChanges(heard()?.status ?? {}, status.capacity ?? {});
    const isSettled = this.#reported !== undefined && !differsBeyondHeartbeat(this.#reported, status) && Object.keys(changes).length === 0;
    if (!isDue && isSettled) return;
    const { addresses, allocatable, ...rest } = status;
    const patch = { status: { ...rest, allocatable: { ...allocatable, ...changes }, addresses: [{ $patch: 'replace' }, ...(addresses ?? [])] } };
    try {
      this.#node = await client.patch(Node, { name: this.#options.name }, { type: 'strategic', patch }, { subresource: 'status', signal });
      this.#note(status);
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      // Somebody removed the node while its kubelet runs: it comes back.
      this.#reported = undefined;
      this.#lease = undefined;
      await this.#register();
    }
  }
}
