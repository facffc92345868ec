/**
 * The scheduler: watches pods without a node and nodes, decides (`planPlacement`), and binds. Decisions are made one
 * after another and never wait; the binding of one pod goes on while the next is decided, because the cache already
 * counts it as placed.
 */
import type { Registry } from 'prom-client';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { Namespace } from '#api/core/namespace.ts';
import { Node } from '#api/core/node.ts';
import { isTerminal } from '#api/core/pod-status.ts';
import { Pod } from '#api/core/pod.ts';
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { bindPod, reportUnschedulable } from './act.ts';
import type { PodInfo } from './cache/pod-info.ts';
import { podInfoOf } from './cache/pod-info.ts';
import { SchedulerCache } from './cache/scheduler-cache.ts';
import type { Explainer } from './explain.ts';
import { DecisionLog } from './explain.ts';
import { fitMessage } from './fit-message.ts';
import type { SchedulerPlugin } from './framework.ts';
import type { SchedulerMetrics } from './metrics.ts';
import { createSchedulerMetrics, noMetrics } from './metrics.ts';
import type { Unplaced } from './plan-placement.ts';
import { planPlacement } from './plan-placement.ts';
import { plugins as standardPlugins } from './plugins.ts';
import { isNodeChangeOfInterest } from './queue/cluster-event.ts';
import type { QueuedPod } from './queue/scheduling-queue.ts';
import { SchedulingQueue } from './queue/scheduling-queue.ts';

export interface SchedulerOptions {
  /** Pods that name another scheduler are left alone. Default: default-scheduler. */
  readonly schedulerName?: string;
  /** How many fitting nodes are enough, in percent of all; 0 (default): fewer the more nodes there are. */
  readonly percentageOfNodesToScore?: number;
  /** Default: the standard ones. */
  readonly plugins?: readonly SchedulerPlugin[];
  /** Where metrics are registered. Default: nowhere. */
  readonly registry?: Registry;
  /** Remember the points of every plugin, for `explain`. Default: false, because it costs time. */
  readonly recordPoints?: boolean;
}

export interface RunningScheduler extends RunningComponent, Explainer {}

/** Decisions are made for this long at a time; then others get a turn. */
const sliceMs = 5;
/** Bindings under way: more would only wait at the API server. */
const maxBindings = 256;

export function createScheduler(context: ComponentContext, options: SchedulerOptions = {}): RunningScheduler {
  const scheduler = new Scheduler(context, options);
  return {
    ready: scheduler.start(),
    close: () => scheduler.close(),
    explain: (pod) => scheduler.log.explain(pod),
    decisions: () => scheduler.log.decisions(),
  };
}

class Scheduler {
  readonly log = new DecisionLog();
  readonly #context: ComponentContext;
  readonly #options: SchedulerOptions;
  readonly #name: string;
  readonly #plugins: readonly SchedulerPlugin[];
  readonly #cache: SchedulerCache;
  readonly #queue: SchedulingQueue;
  readonly #metrics: SchedulerMetrics;
  readonly #recorder: ReturnType<ComponentContext['recorderFor']>;
  readonly #stop = new AbortController();
  readonly #bindings = new Set<Promise<void>>();
  readonly #unsubscribe: (() => void)[] = [];
  #startIndex = 0;
  #running: Promise<void> | undefined;
  #isReady = false;

  constructor(context: ComponentContext, options: SchedulerOptions) {
    this.#context = context;
    this.#options = options;
    this.#name = options.schedulerName ?? 'default-scheduler';
    this.#plugins = options.plugins ?? standardPlugins;
    const namespaces = context.informers.for(Namespace);
    this.#cache = new SchedulerCache((namespace) => namespaces.get(namespace)?.metadata.labels);
    this.#queue = new SchedulingQueue({
      clock: context.clock,
      plugins: this.#plugins,
      onReady: () => this.#wake(),
      onMove: (queue, event) => this.#metrics.queued(queue, event),
    });
    this.#metrics = options.registry === undefined ? noMetrics : createSchedulerMetrics(options.registry, {
      queue: () => this.#queue.sizes,
      cache: () => ({ nodes: this.#cache.nodes.length, pods: this.#cache.podCount, assumed_pods: this.#cache.assumedCount }),
    }, this.#name);
    this.#recorder = context.recorderFor(this.#name);
  }

  /** Resolves when the first decision can be made. */
  async start(): Promise<void> {
    const { informers } = this.#context;
    const [nodes, pods, namespaces] = [informers.for(Node), informers.for(Pod), informers.for(Namespace)];
    const { signal } = this.#stop;
    try {
      await Promise.all([nodes.synced(signal), pods.synced(signal), namespaces.synced(signal)]);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    this.#watch();
    this.#isReady = true;
    this.#wake();
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('scheduler closed'));
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#queue.close();
    await this.#running;
    await Promise.all(this.#bindings);
    await this.#recorder.flush();
  }

  #watch(): void {
    const { informers } = this.#context;
    this.#unsubscribe.push(
      informers.for(Node).addHandler({
        added: (node) => {
          this.#cache.setNode(node);
          this.#queue.notify({ kind: 'NodeAdd', node });
        },
        updated: (node, oldNode) => {
          this.#cache.setNode(node);
          const event = { kind: 'NodeUpdate', node, oldNode } as const;
          if (isNodeChangeOfInterest(event)) this.#queue.notify(event);
        },
        deleted: (node) => this.#cache.deleteNode(node.metadata.name),
      }),
      informers.for(Pod).addHandler({
        added: (pod) => this.#podChanged(pod, undefined),
        updated: (pod, old) => this.#podChanged(pod, old),
        deleted: (pod) => this.#podGone(pod),
      }),
      informers.for(Namespace).addHandler({ updated: () => this.#queue.notify({ kind: 'NamespaceUpdate' }) }),
    );
  }

  #podChanged(pod: PodObject, old: PodObject | undefined): void {
    const { uid } = pod.metadata;
    if (isTerminal(pod)) {
      if (old === undefined || !isTerminal(old)) this.#podGone(pod);
      return;
    }
    if ((pod.spec.nodeName ?? '') === '') {
      if (this.#cache.isAssumed(uid)) return;
      if (pod.spec.schedulerName !== this.#name) return;
      if (pod.metadata.deletionTimestamp !== undefined) this.#queue.delete(uid);
      else this.#queue.set(podInfoOf(pod));
      return;
    }
    const isNew = old === undefined || (old.spec.nodeName ?? '') === '';
    this.#queue.delete(uid);
    this.#cache.setPod(pod);
    const info = podInfoOf(pod);
    if (isNew) this.#queue.notify({ kind: 'AssignedPodAdd', pod: info });
    else this.#queue.notify({ kind: 'AssignedPodUpdate', pod: info, oldPod: podInfoOf(old) });
  }

  #podGone(pod: PodObject): void {
    const { uid } = pod.metadata;
    this.#queue.delete(uid);
    this.#cache.deletePod(uid);
    if ((pod.spec.nodeName ?? '') !== '') this.#queue.notify({ kind: 'AssignedPodDelete', pod: podInfoOf(pod) });
  }

  #wake(): void {
    if (!this.#isReady || this.#running !== undefined) return;
    this.#running = this.#run().catch((error: unknown) => {
      this.#context.log.error({ error }, 'the scheduling loop failed');
    }).finally(() => {
      this.#running = undefined;
      // Somebody may have come between the last look and now.
      if (this.#queue.sizes.active > 0) this.#wake();
    });
  }

  async #run(): Promise<void> {
    const { clock } = this.#context;
    // What arrives together is sorted by priority before the first of it is decided.
    await Promise.resolve();
    let sliceEndMs = clock.monotonicMs() + sliceMs;
    while (!this.#stop.signal.aborted) {
      if (this.#bindings.size >= maxBindings) {
        await Promise.race(this.#bindings);
        continue;
      }
      const pod = this.#queue.take();
      if (pod === undefined) return;
      this.#schedule(pod);
      if (clock.monotonicMs() < sliceEndMs) continue;
      await nextTurn();
      sliceEndMs = clock.monotonicMs() + sliceMs;
    }
  }

  #schedule(pod: QueuedPod): void {
    const { clock, random } = this.#context;
    const startMs = clock.monotonicMs();
    const placement = planPlacement(pod.info, this.#cache, {
      plugins: this.#plugins,
      percentageOfNodesToScore: this.#options.percentageOfNodesToScore ?? 0,
      startIndex: this.#startIndex,
      tieBreak: random.next(),
      ...(this.#options.recordPoints === true && { explain: true }),
    });
    this.#startIndex = placement.nextStartIndex;
    this.#metrics.decided((clock.monotonicMs() - startMs) / 1000);
    this.log.record(pod.info.key, clock.nowMs(), placement);
    if (placement.is === 'unplaced') {
      this.#handleUnplaced(pod, placement, startMs);
      return;
    }
    this.#cache.assume(pod.info, placement.nodeName);
    const binding = this.#bind(pod, placement.nodeName, startMs).finally(() => this.#bindings.delete(binding));
    this.#bindings.add(binding);
  }

  #handleUnplaced(pod: QueuedPod, { diagnosis }: Unplaced, startMs: number): void {
    const message = fitMessage(diagnosis);
    this.#queue.failed(pod, diagnosis.plugins);
    this.#metrics.attempted('unschedulable', (this.#context.clock.monotonicMs() - startMs) / 1000);
    this.#metrics.unschedulable(diagnosis.plugins);
    this.#report(pod.info, 'Unschedulable', message);
  }

  /** Event and condition; best effort. */
  #report(info: PodInfo, reason: 'Unschedulable' | 'SchedulerError', message: string): void {
    this.#recorder.event({ object: info.pod }, 'Warning', 'FailedScheduling', message);
    const reporting = reportUnschedulable(this.#context, info.pod, { reason, message }, this.#stop.signal).catch((error: unknown) => {
      if (!this.#stop.signal.aborted && !hasReason(error, 'NotFound')) this.#context.log.warn({ pod: info.key, error }, 'the condition PodScheduled could not be written');
    }).finally(() => this.#bindings.delete(reporting));
    this.#bindings.add(reporting);
  }

  async #bind(pod: QueuedPod, nodeName: string, startMs: number): Promise<void> {
    const { clock, log } = this.#context;
    const { info } = pod;
    try {
      await bindPod(this.#context, info.pod, nodeName, this.#stop.signal);
    } catch (error) {
      this.#cache.forget(info.uid);
      if (this.#stop.signal.aborted) return;
      // Another node's worth of room has become free again.
      this.#queue.notify({ kind: 'AssignedPodDelete', pod: info });
      if (hasReason(error, 'NotFound') || this.#isSettled(info)) {
        this.#queue.done(info.uid);
        return;
      }
      const text = error instanceof Error ? error.message : String(error);
      log.error({ pod: info.key, node: nodeName, error }, 'binding rejected');
      this.#metrics.attempted('error', (clock.monotonicMs() - startMs) / 1000);
      this.#queue.failed(pod, new Set());
      this.#report(info, 'SchedulerError', `binding rejected: ${text}`);
      return;
    }
    this.#queue.done(info.uid);
    const nowMs = clock.monotonicMs();
    this.#metrics.attempted('scheduled', (nowMs - startMs) / 1000);
    this.#metrics.scheduled(pod.attempts, (nowMs - pod.firstAddedMs) / 1000);
    this.#recorder.event({ object: info.pod }, 'Normal', 'Scheduled', `Successfully assigned ${info.key} to ${nodeName}`);
  }

  /** Whether the pod has a node by now, or is gone, or is not the same one. */
  #isSettled({ key, uid }: PodInfo): boolean {
    const now = this.#context.informers.for(Pod).get(key);
    return now === undefined || now.metadata.uid !== uid || (now.spec.nodeName ?? '') !== '' || now.metadata.deletionTimestamp !== undefined;
  }
}
