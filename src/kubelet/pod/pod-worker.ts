import type { Logger } from '#base/log.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import type { ResourceList } from '#api/core/pod-resources.ts';
import { Pod } from '#api/core/pod.ts';
import { isTerminal } from '#api/core/pod-status.ts';
import { RuntimeClass } from '#api/node/runtime-class.ts';
import type { Client } from '#client/client.ts';
import type { PodSandboxConfig } from '../cri/records.ts';
import type { PodFacts } from '../platform.ts';
import { ProbeManager } from '../probes/probe-manager.ts';
import { runProbe } from '../probes/run-probe.ts';
import type { PodVerdict } from './admit-pod.ts';
import { Alarm, retryAfterMs } from './alarm.ts';
import { allContainers } from './all-containers.ts';
import { planSandboxConfig } from './container-config.ts';
import { podCgroupResources } from './container-resources.ts';
import { dropOld } from './drop-old.ts';
import { containerTarget, podTarget } from './events.ts';
import { planPod } from './plan-pod.ts';
import type { PodPlan, PodView } from './plan-pod.ts';
import { planRefusal, planStatus } from './plan-status.ts';
import { kernelHostName, planDns, planHostsFile } from './pod-dns.ts';
import { PodResizer } from './pod-resizer.ts';
import { emptyRuntime, observePod } from './pod-runtime.ts';
import type { PodRuntime } from './pod-runtime.ts';
import { PodVolumes } from './pod-volumes.ts';
import { startContainer } from './start-container.ts';
import type { StartDependencies } from './start-container.ts';
import { StartLedger } from './start-ledger.ts';
import type { StatusManager } from './status-manager.ts';
import { stopAll, stopContainer } from './stop-containers.ts';

/** What a worker knows of its node. */
export interface NodeView {
  /** containerd, cri-o, simulated. */
  readonly runtimeName: () => string;
  readonly hostIps: () => readonly string[];
  readonly allocatable: () => Readonly<Record<string, string>>;
  /** What the other pods of the node ask for, together. */
  readonly requestedByOthers: (podUid: string) => ResourceList;
  /** Why pods cannot get a network now; undefined when they can. */
  readonly networkProblem: () => string | undefined;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
}

export interface PodWorkerDependencies extends StartDependencies {
  readonly client: Client;
  readonly log: Logger;
  readonly node: NodeView;
  readonly statuses: StatusManager;
  /** The object in the API that shows a pod's status: the pod itself, or the mirror of a static pod; undefined before there is one. */
  readonly shownAs: (pod: Pod) => Pod | undefined;
  /** The pod is gone from API, runtime and disk. */
  readonly onGone: (worker: PodWorker) => void;
}

/** More rounds than any pod needs; what goes on longer is looked at again later. */
const maxRounds = 50;
const networkRetryMs = 500;
/** A first status is shown when starting takes longer than this. */
const earlyStatusMs = 300;

type Mode = 'running' | 'terminating' | 'terminated' | 'gone';

/**
 * Brings one pod's containers where its spec says and tells the API. Runs one step at a time; triggers that come meanwhile
 * lead to one more look. Everything it decides follows from `planPod` and `planStatus`.
 */
export class PodWorker {
  #pod: Pod;
  #runtime: PodRuntime = emptyRuntime;
  #mode: Mode = 'running';
  #isDeletedFromApi = false;
  #hasBegun = false;
  #isTriggered = false;
  #isClosed = false;
  #running: Promise<void> | undefined;
  #verdict: PodVerdict | undefined;
  /** The verdict came before anything was begun. */
  #isRefused = false;
  #killDeadlineMs = Infinity;
  /** Aborts when the pod is to end, so that nobody waits for its images or hooks any longer. */
  readonly #starting = new AbortController();
  readonly #startedAtMs: number;
  readonly #lastWords = new Map<string, string>();
  /** Rings when it is time to look again. */
  readonly #alarm: Alarm;
  readonly #volumes: PodVolumes;
  readonly #resizer: PodResizer;
  readonly #starts: StartLedger;
  readonly #probes: ProbeManager;
  readonly #dependencies: PodWorkerDependencies;

  constructor(pod: Pod, dependencies: PodWorkerDependencies) {
    this.#pod = pod;
    this.#dependencies = dependencies;
    this.#startedAtMs = dependencies.clock.nowMs();
    const { clock, platform, recorder, node } = dependencies;
    this.#alarm = new Alarm(clock, () => this.trigger());
    this.#volumes = new PodVolumes({ files: platform.files, recorder, clock, alarm: this.#alarm });
    this.#resizer = new PodResizer({ platform, allocatable: node.allocatable, requestedByOthers: node.requestedByOthers, alarm: this.#alarm });
    this.#starts = new StartLedger({ recorder, clock, alarm: this.#alarm });
    this.#probes = new ProbeManager({
      clock,
      run: (subject, record) => runProbe(subject.probe, {
        container: subject.container, containerId: record.id, podIp: this.#podIps()[0] ?? '', timeoutSeconds: subject.probe.timeoutSeconds ?? 1,
      }, { runtime: dependencies.runtime, prober: dependencies.prober }),
      onChange: () => this.trigger(),
      onFailure: (container, kind, outcome) => {
        const name = `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}`;
        recorder.event(containerTarget(this.#pod, container.name), 'Warning', 'Unhealthy', `${name} probe failed: ${outcome.output}`);
      },
    });
  }

  get pod(): Pod {
    return this.#pod;
  }

  get runtime(): PodRuntime {
    return this.#runtime;
  }

  get mode(): Mode {
    return this.#mode;
  }

  /** The API has a newer state of the pod. */
  update(pod: Pod): void {
    this.#volumes.noteChange(this.#pod, pod);
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined && this.#mode === 'terminating') this.#hurry();
    this.trigger();
  }

  /** The API has it no more. */
  remove(pod: Pod): void {
    this.#pod = pod;
    this.#isDeletedFromApi = true;
    if (this.#mode === 'terminating') this.#hurry();
    this.trigger();
  }

  /** Takes the pod up; with a verdict, the node refuses it and it has failed. Until then nothing is done for it. */
  begin(refusal?: PodVerdict): void {
    this.#hasBegun = true;
    this.#verdict = refusal;
    this.#isRefused = refusal !== undefined;
    this.trigger();
  }

  /** Whether it takes of what the node has to give. What the API has no more counts as gone, as the scheduler counts it. */
  get hasPlace(): boolean {
    return !this.#isRefused && !this.#isDeletedFromApi && (this.#mode === 'running' || this.#mode === 'terminating') && !isTerminal(this.#pod);
  }

  /** Something has changed: look again. */
  trigger(): void {
    this.#isTriggered = true;
    if (this.#shouldEnd()) this.#starting.abort(new Error('the pod is being stopped'));
    if (!this.#hasBegun || this.#running !== undefined || this.#isClosed || this.#mode === 'gone') return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      // A trigger between the last look and now.
      if (this.#isTriggered && !this.#isClosed) this.trigger();
    });
  }

  /** Stops looking after the pod; containers stay as they are. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#starting.abort(new Error('the kubelet is being closed'));
    this.#alarm.close();
    this.#probes.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log } = this.#dependencies;
    while (this.#isTriggered && !this.#isClosed && this.#mode !== 'gone') {
      this.#isTriggered = false;
      this.#alarm.clear();
      try {
        if (this.#shouldEnd()) await this.#terminate();
        else await this.#sync();
      } catch (error) {
        if (this.#isClosed) return;
        log.warn({ error, pod: this.#name() }, 'a pod could not be brought up to date; trying again');
        this.#alarm.in(retryAfterMs);
      }
    }
  }

  #shouldEnd(): boolean {
    return this.#isDeletedFromApi || this.#pod.metadata.deletionTimestamp !== undefined || this.#verdict !== undefined;
  }

  #name(): string {
    return `${this.#pod.metadata.namespace}/${this.#pod.metadata.name}`;
  }

  async #observe(): Promise<PodRuntime> {
    const { runtime, platform } = this.#dependencies;
    const pod = this.#pod;
    this.#runtime = await observePod(runtime, pod.metadata.uid, this.#runtime);
    for (const record of this.#runtime.containers) {
      if (record.state !== 'exited' || this.#lastWords.has(record.id)) continue;
      const container = allContainers(pod).find(({ name }) => name === record.name);
      if (container !== undefined) this.#lastWords.set(record.id, await platform.files.lastWords(pod, container, record));
    }
    for (const id of this.#lastWords.keys()) if (!this.#runtime.containers.some((record) => record.id === id)) this.#lastWords.delete(id);
    return this.#runtime;
  }

  async #sync(): Promise<void> {
    const { clock } = this.#dependencies;
    if (isTerminal(this.#pod)) return this.#finish();
    if (this.#checkDeadline()) return this.#terminate();
    const early = this.#pod.status.startTime === undefined ? clock.after(earlyStatusMs, () => this.#report(false)) : undefined;
    try {
      await this.#bringUp();
    } finally {
      early?.cancel();
    }
    if (this.#shouldEnd()) return undefined;
    await dropOld(this.#runtime, this.#dependencies);
    if (this.#volumes.refreshAtMs !== undefined) this.#alarm.at(this.#volumes.refreshAtMs);
    return undefined;
  }

  /** Acts until there is nothing left to do now. */
  async #bringUp(): Promise<void> {
    if (this.#volumes.isStale) await this.#volumes.prepare(this.#pod, this.#facts());
    for (let round = 0; round < maxRounds && !this.#isClosed; round++) {
      const runtime = await this.#observe();
      this.#probes.update(this.#pod, runtime.containers);
      const plan = planPod(this.#view(runtime));
      this.#starts.notePlan(this.#pod, plan);
      if (plan.isFinished) return this.#finish();
      // Someone wants it gone: nothing new is begun.
      if (this.#shouldEnd()) return undefined;
      if (!(await this.#act(plan)) && !(await this.#resize(runtime))) {
        if (plan.recheckAtMs !== undefined) this.#alarm.at(plan.recheckAtMs);
        break;
      }
    }
    this.#report(false);
    return undefined;
  }

  #view(runtime: PodRuntime): PodView {
    const { clock, statuses } = this.#dependencies;
    const { status } = statuses.newest(this.#dependencies.shownAs(this.#pod) ?? this.#pod);
    const restartCounts = new Map<string, number>();
    for (const { name, restartCount, containerID } of [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]) {
      if (containerID !== undefined && containerID !== '') restartCounts.set(name, restartCount);
    }
    return { pod: this.#pod, runtime, nowMs: clock.nowMs(), probes: this.#probes, backoffs: this.#starts.backoffs, restartCounts };
  }

  /** Carries out one round; answers whether the runtime may look different now. */
  async #act(plan: PodPlan): Promise<boolean> {
    if (plan.killPod !== undefined) {
      await this.#stopEverything(specGraceMs(this.#pod));
      return true;
    }
    if (plan.createSandbox !== undefined) return this.#createSandbox(plan.createSandbox);
    for (const { record, container, message, because } of plan.kills) {
      const probe = because === 'liveness' ? container.livenessProbe : because === 'startup' ? container.startupProbe : undefined;
      // When all start anew none is asked to leave first: no preStop hook, no time.
      const graceSeconds = because === 'restart of all' ? 0 : (probe?.terminationGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds ?? 30);
      await stopContainer(this.#pod, container, record, { graceMs: graceSeconds * 1000, podIp: this.#podIps()[0] ?? '', message }, this.#dependencies);
      this.#probes.forget(record.id);
    }
    if (plan.kills.length > 0) return true;
    return this.#startContainers(plan);
  }

  async #createSandbox(attempt: number): Promise<boolean> {
    const { runtime, recorder, node } = this.#dependencies;
    const pod = this.#pod;
    const problem = pod.spec.hostNetwork === true ? undefined : node.networkProblem();
    if (problem !== undefined) {
      recorder.event(podTarget(pod), 'Warning', 'NetworkNotReady', `network is not ready: ${problem}`);
      this.#alarm.in(networkRetryMs);
      return false;
    }
    if (attempt > 0) recorder.event(podTarget(pod), 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
    // Files first: a pod whose volumes are not there does not start.
    if (!(await this.#volumes.prepare(pod, this.#facts()))) return false;
    try {
      const runtimeHandler = await this.#runtimeHandler();
      await runtime.runPodSandbox(await this.#sandboxConfig(attempt), runtimeHandler === undefined ? {} : { runtimeHandler });
      return true;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      recorder.event(podTarget(pod), 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${message}`);
      this.#alarm.in(retryAfterMs);
      return false;
    }
  }

  /** What the pod's RuntimeClass stands for in the runtime; undefined: its default. */
  async #runtimeHandler(): Promise<string | undefined> {
    const { runtimeClassName: name } = this.#pod.spec;
    return name === undefined ? undefined : (await this.#dependencies.client.get(RuntimeClass, { name })).handler;
  }

  async #sandboxConfig(attempt: number): Promise<PodSandboxConfig> {
    const { platform, node } = this.#dependencies;
    const pod = this.#pod;
    const resources = podCgroupResources(pod);
    return planSandboxConfig(pod, {
      attempt, resources,
      hostName: kernelHostName(pod, node.clusterDomain),
      logDirectory: platform.files.logDirectory(pod),
      dns: planDns(pod, { clusterDns: node.clusterDns, clusterDomain: node.clusterDomain, host: await platform.machine.dns() }),
      cgroupParent: await platform.files.prepareCgroup(pod, resources),
    });
  }

  #facts(): PodFacts {
    const { node } = this.#dependencies;
    return { podIps: this.#podIps(), hostIps: node.hostIps(), nodeAllocatable: node.allocatable() };
  }

  #podIps(): readonly string[] {
    if (this.#pod.spec.hostNetwork === true) return this.#dependencies.node.hostIps();
    return this.#runtime.sandboxes.find((sandbox) => sandbox.isReady)?.ips ?? [];
  }

  async #startContainers(plan: PodPlan): Promise<boolean> {
    const { node } = this.#dependencies;
    const pod = this.#pod;
    const sandbox = this.#runtime.sandboxes.find((candidate) => candidate.isReady);
    if (sandbox === undefined) return false;
    // What others wrote into ConfigMaps and Secrets meanwhile shows now at the latest; what is due is made anew.
    if (this.#volumes.isDue && !(await this.#volumes.prepare(pod, this.#facts()))) return false;
    const sandboxConfig = plan.starts.length === 0 ? undefined : await this.#sandboxConfig(sandbox.attempt);
    let hasStarted = false;
    for (const start of plan.starts) {
      const { container } = start;
      if (sandboxConfig === undefined) break;
      if (!this.#starts.isDue(container)) continue;
      this.#starts.noteBegin(start);
      const target = start.kind === 'ephemeral' ? pod.spec.ephemeralContainers?.find(({ name }) => name === container.name)?.targetContainerName : undefined;
      const failure = await startContainer(pod, start, {
        sandboxId: sandbox.id, sandboxConfig, facts: this.#facts(), volumes: this.#volumes.paths,
        hostsFile: (hostFile) => planHostsFile(pod, { podIps: this.#podIps(), clusterDomain: node.clusterDomain, hostFile }),
        targetId: target === undefined ? undefined : this.#runtime.containers.find((record) => record.name === target && record.state === 'running')?.id,
        signal: this.#starting.signal,
        holdBack: (id) => this.#probes.holdBack(id),
      }, this.#dependencies);
      if (this.#shouldEnd() || this.#isClosed) return false;
      if (failure === undefined) {
        this.#resizer.noteStart(container, start.attempt);
        this.#starts.noteSuccess(container);
        hasStarted = true;
        continue;
      }
      this.#starts.noteFailure(container, failure);
      this.#report(false);
    }
    return hasStarted;
  }

  /** Gives running containers what the pod asks for now; answers whether one was stopped for it. */
  async #resize({ containers }: PodRuntime): Promise<boolean> {
    const pod = this.#pod;
    const restarts = await this.#resizer.resize(pod, containers);
    for (const { container, record } of restarts) {
      await stopContainer(pod, container, record, { graceMs: specGraceMs(pod), podIp: this.#podIps()[0] ?? '', message: `Container ${container.name} resize requires restart` }, this.#dependencies);
      this.#probes.forget(record.id);
    }
    return restarts.length > 0;
  }

  /** All containers have ended for good: what is left of the pod is stopped, its logs stay. */
  async #finish(): Promise<void> {
    await this.#observe();
    this.#probes.update(this.#pod, this.#runtime.containers);
    if (this.#runtime.containers.some((record) => record.state === 'running') || this.#runtime.sandboxes.some((sandbox) => sandbox.isReady)) {
      this.#report(false);
      await this.#stopEverything(specGraceMs(this.#pod));
    }
    if (!isTerminal(this.#pod)) this.#report(true);
    await this.#volumes.removeIfPrepared(this.#pod.metadata.uid);
  }

  async #stopEverything(graceMs: number): Promise<void> {
    const { runtime } = this.#dependencies;
    await stopAll(this.#pod, this.#runtime.containers, { graceMs, podIp: this.#podIps()[0] ?? '' }, this.#dependencies);
    for (const sandbox of this.#runtime.sandboxes) if (sandbox.isReady) await runtime.stopPodSandbox(sandbox.id);
    await this.#observe();
    this.#probes.update(this.#pod, this.#runtime.containers);
  }

  #graceMs(): number {
    const { metadata, spec } = this.#pod;
    const seconds = metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;
    return (this.#verdict === undefined || metadata.deletionTimestamp !== undefined ? seconds : (spec.terminationGracePeriodSeconds ?? 30)) * 1000;
  }

  /** Deletion, or the node's verdict: stop it, tell, clean up, and let the API forget it. */
  async #terminate(): Promise<void> {
    const { clock, platform, statuses, client } = this.#dependencies;
    const { uid, namespace, name } = this.#pod.metadata;
    if (this.#mode === 'running') {
      this.#mode = 'terminating';
      this.#probes.stopRestarts();
      await this.#observe();
      this.#killDeadlineMs = clock.nowMs() + this.#graceMs();
      await this.#stopEverything(this.#graceMs());
      this.#report(true);
      this.#mode = 'terminated';
      await platform.files.removeVolumes(uid);
    } else if (this.#mode === 'terminating') {
      // An earlier attempt failed half-way.
      await this.#observe();
      await this.#stopEverything(Math.max(0, this.#killDeadlineMs - clock.nowMs()));
      this.#report(true);
      this.#mode = 'terminated';
      await platform.files.removeVolumes(uid);
    }
    if (!this.#isDeletedFromApi) {
      await statuses.written(uid);
      if (this.#pod.metadata.deletionTimestamp === undefined) return;
      try {
        await client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
      } catch (error) {
        if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error;
      }
      // The informer tells when it is gone; a finalizer may hold it back.
      return;
    }
    await this.#removeFromNode();
  }

  async #removeFromNode(): Promise<void> {
    const { runtime, platform, statuses, onGone } = this.#dependencies;
    const { uid, name, namespace } = this.#pod.metadata;
    this.#probes.close();
    for (const sandbox of this.#runtime.sandboxes) await runtime.removePodSandbox(sandbox.id);
    for (const record of this.#runtime.containers) await runtime.removeContainer(record.id);
    await platform.files.removeVolumes(uid);
    await platform.files.removePod({ uid, name, namespace });
    statuses.forget(uid);
    this.#mode = 'gone';
    onGone(this);
  }

  /** The grace period was shortened while containers are being stopped. */
  #hurry(): void {
    const { clock, runtime, log } = this.#dependencies;
    const deadlineMs = clock.nowMs() + this.#graceMs();
    if (deadlineMs >= this.#killDeadlineMs) return;
    this.#killDeadlineMs = deadlineMs;
    for (const record of this.#runtime.containers) {
      if (record.state !== 'running') continue;
      runtime.stopContainer(record.id, Math.ceil(this.#graceMs() / 1000)).catch((error: unknown) => log.debug({ error, pod: this.#name() }, 'a container could not be stopped sooner'));
    }
  }

  /** Source: API reference, `activeDeadlineSeconds`. */
  #checkDeadline(): boolean {
    const { activeDeadlineSeconds } = this.#pod.spec;
    if (activeDeadlineSeconds === undefined) return false;
    const { clock, recorder } = this.#dependencies;
    const started = this.#pod.status.startTime;
    const endMs = (started === undefined ? this.#startedAtMs : Date.parse(started)) + activeDeadlineSeconds * 1000;
    if (endMs > clock.nowMs()) {
      this.#alarm.at(endMs);
      return false;
    }
    this.#verdict = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
    recorder.event(podTarget(this.#pod), 'Normal', 'DeadlineExceeded', this.#verdict.message);
    return true;
  }

  #report(isOver: boolean): void {
    const { statuses, clock, node } = this.#dependencies;
    const shown = this.#dependencies.shownAs(this.#pod);
    if (this.#isDeletedFromApi || shown === undefined) return;
    const target = statuses.newest(shown);
    if (this.#isRefused && this.#verdict !== undefined) {
      statuses.report(target, planRefusal(target, this.#verdict, clock.nowMs()));
      return;
    }
    const pod = { ...(shown === this.#pod ? target : this.#pod), status: statuses.expected(shown) };
    statuses.report(target, planStatus({
      pod, runtime: this.#runtime, nowMs: clock.nowMs(), runtimeName: node.runtimeName(), hostIps: node.hostIps(),
      waiting: this.#starts.waiting, lastWords: this.#lastWords, resourcesOf: (record) => this.#resizer.givenTo(this.#pod, record), resize: this.#resizer.condition,
      isStarted: (id) => this.#probes.isStarted(id), isReady: (id) => this.#probes.isReady(id), isOver, verdict: this.#verdict,
    }));
  }
}

function specGraceMs({ spec }: Pod): number {
  return (spec.terminationGracePeriodSeconds ?? 30) * 1000;
}
