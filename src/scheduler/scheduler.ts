import { Namespace } from '#api/core/namespace.ts';
import { Pod } from '#api/core/pod.ts';
import { PodDisruptionBudget } from '#api/policy/pod-disruption-budget.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { LogFields } from '#base/log.ts';
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import type { PodVerdict } from './act.ts';
import { bindPod, clearNomination, evictVictim, reportUnschedulable } from './act.ts';
import type { PodInfo } from './cache/pod-info.ts';
import { SchedulerCache } from './cache/scheduler-cache.ts';
import type { Explainer } from './explain.ts';
import { DecisionLog } from './explain.ts';
import { fitMessage } from './fit-message.ts';
import type { SchedulerPlugin } from './framework.ts';
import type { SchedulerMetrics } from './metrics.ts';
import { createSchedulerMetrics, noMetrics } from './metrics.ts';
import type { Unplaced } from './plan-placement.ts';
import { planPlacement } from './plan-placement.ts';
import { createPlugins } from './plugins.ts';
import { Nominator } from './preemption/nominator.ts';
import type { PreemptionPlan } from './preemption/plan-preemption.ts';
import { planPreemption } from './preemption/plan-preemption.ts';
import type { QueuedPod } from './queue/scheduling-queue.ts';
import { SchedulingQueue } from './queue/scheduling-queue.ts';
import { volumeLookups, watchCluster, watchedKinds } from './watch-cluster.ts';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Registry } from 'prom-client';
/**
 * The scheduler: watches pods without a node and nodes, decides (`planPlacement`), and binds. Decisions are made one
 * after another and never wait; the binding of one pod goes on while the next is decided, because the cache already
 * counts it as placed.
 */

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
  readonly #nominator = new Nominator();
  readonly #metrics: SchedulerMetrics;
  readonly #recorder: ReturnType<ComponentContext['recorderFor']>;
  readonly #stop = new AbortController();
  readonly #bindings = new Set<Promise<void>>();
  #unsubscribe: () => void = () => {};
  #startIndex = 0;
  #running: Promise<void> | undefined;
  #isReady = false;

  constructor(context: ComponentContext, options: SchedulerOptions) {
    this.#context = context;
    this.#options = options;
    this.#name = options.schedulerName ?? 'default-scheduler';
    this.#plugins = options.plugins ?? createPlugins(volumeLookups(context));
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
    const { signal } = this.#stop;
    try {
      await Promise.all(watchedKinds.map((kind) => informers.for(kind).synced(signal)));
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    this.#unsubscribe = watchCluster({ informers, cache: this.#cache, queue: this.#queue, nominator: this.#nominator, schedulerName: this.#name });
    this.#isReady = true;
    this.#wake();
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('scheduler closed'));
    this.#unsubscribe();
    this.#queue.close();
    await this.#running;
    await Promise.all(this.#bindings);
    await this.#recorder.flush();
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
      ...(!this.#nominator.isEmpty && { nominated: (nodeName) => this.#nominator.at(nodeName) }),
      ...(this.#options.recordPoints === true && { explain: true }),
    });
    this.#startIndex = placement.nextStartIndex;
    this.#metrics.decided((clock.monotonicMs() - startMs) / 1000);
    if (placement.is === 'unplaced') {
      this.#handleUnplaced(pod, placement, startMs);
      return;
    }
    this.log.record(pod.info.key, clock.nowMs(), placement);
    this.#nominator.delete(pod.info.uid);
    this.#cache.assume(pod.info, placement.nodeName);
    const binding = this.#bind(pod, placement.nodeName, startMs).finally(() => this.#bindings.delete(binding));
    this.#bindings.add(binding);
  }

  #handleUnplaced(pod: QueuedPod, placement: Unplaced, startMs: number): void {
    const { diagnosis } = placement;
    const { clock, informers, random } = this.#context;
    const plan: PreemptionPlan = diagnosis.nodeCount === 0 ? { is: 'none', message: '', isHopeless: true } : planPreemption(pod.info, this.#cache, {
      plugins: this.#plugins,
      diagnosis,
      budgets: informers.for(PodDisruptionBudget).list(),
      offset: random.next(),
      nominated: (nodeName) => this.#nominator.at(nodeName),
    });
    const preemption = plan.is === 'none' ? plan.message : undefined;
    const message = fitMessage(diagnosis, preemption);
    this.log.record(pod.info.key, clock.nowMs(), placement, preemption);
    // Before the victims go: their leaving is what wakes the pod.
    this.#queue.failed(pod, diagnosis.plugins);
    this.#metrics.attempted('unschedulable', (clock.monotonicMs() - startMs) / 1000);
    this.#metrics.unschedulable(diagnosis.plugins);
    const promise = plan.is === 'victims' ? { nominatedNodeName: plan.nodeName } : plan.isHopeless && { nominatedNodeName: '' };
    if (plan.is === 'victims') this.#preempt(pod.info, plan.nodeName, plan.victims);
    else if (plan.isHopeless) this.#nominator.delete(pod.info.uid);
    this.#report(pod.info, { reason: 'Unschedulable', message, ...promise });
  }

  #preempt(info: PodInfo, nodeName: string, victims: readonly PodInfo[]): void {
    this.#metrics.preempted(victims.length);
    // Less important pods that were promised this room look for another.
    for (const other of this.#nominator.at(nodeName)) {
      if (other.priority >= info.priority) continue;
      this.#nominator.delete(other.uid);
      this.#inBackground(clearNomination(this.#context, other.pod, this.#stop.signal), { pod: other.key, for: info.key }, 'a nomination could not be cleared');
    }
    this.#nominator.set(info, nodeName);
    for (const victim of victims) {
      this.#inBackground(evictVictim(this.#context, victim.pod, this.#name, this.#stop.signal), { pod: victim.key, for: info.key }, 'a victim could not be deleted');
      this.#recorder.event({ object: victim.pod }, 'Normal', 'Preempted', `Preempted by pod ${info.uid} on node ${nodeName}`);
    }
  }

  /** Event and condition; best effort. */
  #report(info: PodInfo, verdict: PodVerdict): void {
    this.#recorder.event({ object: info.pod }, 'Warning', 'FailedScheduling', verdict.message);
    this.#inBackground(reportUnschedulable(this.#context, info.pod, verdict, this.#stop.signal), { pod: info.key }, 'the condition PodScheduled could not be written');
  }

  /** Lets a write go its way; `close` waits for it. */
  #inBackground(writing: Promise<void>, fields: LogFields, failure: string): void {
    const watched = writing.catch((error: unknown) => {
      if (!this.#stop.signal.aborted && !hasReason(error, 'NotFound')) this.#context.log.warn({ ...fields, error }, failure);
    }).finally(() => this.#bindings.delete(watched));
    this.#bindings.add(watched);
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
      this.#report(info, { reason: 'SchedulerError', message: `binding rejected: ${text}` });
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
