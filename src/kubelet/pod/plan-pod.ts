import type { Container } from '#api/core/container.ts';
import type { Pod } from '#api/core/pod.ts';
import { containerHash } from './labels.ts';
import type { ContainerRecord, PodRuntime, SandboxRecord } from './pod-runtime.ts';
import { backoffUntilMs, goDuration, restartBackoff } from './restart-backoff.ts';
import type { BackoffEntry } from './restart-backoff.ts';
import { actionOn, restartOfAll } from './restart-rules.ts';
import type { RestartOfAll } from './restart-rules.ts';

/** Everything the decision depends on. */
export interface PodView {
  readonly pod: Pod;
  readonly runtime: PodRuntime;
  readonly nowMs: number;
  readonly probes: ProbeVerdicts;
  /** By `backoffKey`. */
  readonly backoffs: ReadonlyMap<string, BackoffEntry>;
  /** Restart counts known from the status, for containers the runtime has no trace of any more. */
  readonly restartCounts: ReadonlyMap<string, number>;
}

/** What the probes say of a container (by its id in the runtime). */
export interface ProbeVerdicts {
  /** The startup probe has passed, or there is none. */
  isStarted(containerId: string): boolean;
  /** Which probe has failed so often that the container must be restarted. */
  failed(containerId: string): 'liveness' | 'startup' | undefined;
}

export interface PodPlan {
  /** Stop everything, the sandbox included, before anything else. */
  readonly killPod: 'sandbox changed' | 'finished' | undefined;
  /** Make a sandbox, with this attempt number. */
  readonly createSandbox: number | undefined;
  readonly kills: readonly ContainerKill[];
  readonly starts: readonly ContainerStart[];
  /** Containers that wait before their next start, and why. */
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  /** When the plan may look different without any event; wall clock, ms. */
  readonly recheckAtMs: number | undefined;
  /** All containers have ended for good. */
  readonly isFinished: boolean;
}

export interface ContainerKill {
  readonly record: ContainerRecord;
  readonly container: Container;
  /** Goes into the event. */
  readonly message: string;
  /** The probe may bring a grace period of its own. */
  readonly because: 'liveness' | 'startup' | 'definition' | 'unknown' | 'restart of all';
}

export interface ContainerStart {
  readonly container: Container;
  readonly kind: ContainerKind;
  readonly attempt: number;
  /** The one it follows. */
  readonly after: ContainerRecord | undefined;
}

export type ContainerKind = 'init' | 'sidecar' | 'main' | 'ephemeral';

export interface WaitingReason {
  readonly reason: string;
  readonly message: string;
}

export function backoffKey(container: Pick<Container, 'name' | 'image'>): string {
  return `${container.name}/${containerHash(container)}`;
}

export function isSidecar(container: Pick<Container, 'restartPolicy'>): boolean {
  return container.restartPolicy === 'Always';
}

/**
 * What to do next so that the runtime matches the pod. Pure. It is asked again after every round of actions, so it only
 * says what can be done now: a sandbox first, init containers one after another, then the others.
 *
 * Source: Kubernetes' documentation of the pod lifecycle, init containers, sidecar containers (KEP-753).
 */
export function planPod(view: PodView): PodPlan {
  const { pod, runtime } = view;
  const round = new Round(view);
  const sandbox = runtime.sandboxes.find((candidate) => candidate.isReady);
  const isUsable = sandbox !== undefined && (pod.spec.hostNetwork === true || sandbox.ips.length > 0);
  if (!isUsable) return planWithoutSandbox(view, round, sandbox);
  for (const record of round.restart?.running ?? []) {
    const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(({ name }) => name === record.name);
    if (container !== undefined) round.kill(container, record, 'restart of all');
  }
  // Nothing starts before everything has ended.
  if (round.kills.length > 0) return round.plan({ killPod: undefined, createSandbox: undefined, isFinished: false });
  const isInitialized = planInit(view, round, sandbox);
  const isAlive = isInitialized && planMain(view, round, sandbox);
  planEphemeral(view, round, sandbox);
  const isFinished = round.isInitFailed || (isInitialized && !isAlive);
  return round.plan({ killPod: isFinished ? 'finished' : undefined, createSandbox: undefined, isFinished });
}

/** Collects one plan. */
class Round {
  readonly kills: ContainerKill[] = [];
  readonly starts: ContainerStart[] = [];
  readonly waiting = new Map<string, WaitingReason>();
  isInitFailed = false;
  readonly restart: RestartOfAll | undefined;
  #recheckAtMs: number | undefined;
  readonly #view: PodView;

  constructor(view: PodView) {
    this.#view = view;
    this.restart = restartOfAll(view.pod, view.runtime);
  }

  /** The newest one of this sandbox: what ran in an older one, or before all started anew, is history. */
  currentOf(sandbox: SandboxRecord, name: string): ContainerRecord | undefined {
    return this.#view.runtime.containers.find((record) => record.name === name && record.sandboxId === sandbox.id && this.restart?.past.has(record.id) !== true);
  }

  recheckAt(atMs: number): void {
    this.#recheckAtMs = Math.min(this.#recheckAtMs ?? Infinity, atMs);
  }

  /** Starts a container, or makes it wait when it has ended too often. */
  start(container: Container, kind: ContainerKind, after: ContainerRecord | undefined): void {
    const { pod, nowMs, backoffs, restartCounts } = this.#view;
    if (after !== undefined && after.state === 'exited') {
      const entry = backoffs.get(backoffKey(container));
      const untilMs = backoffUntilMs(entry, after.finishedAtMs, nowMs, restartBackoff);
      if (untilMs !== undefined && entry !== undefined) {
        const { namespace, name, uid } = pod.metadata;
        const message = `back-off ${goDuration(entry.delayMs)} restarting failed container=${container.name} pod=${name}_${namespace}(${uid})`;
        this.waiting.set(container.name, { reason: 'CrashLoopBackOff', message });
        this.recheckAt(untilMs);
        return;
      }
    }
    const known = restartCounts.get(container.name);
    this.starts.push({ container, kind, after, attempt: after === undefined ? (known === undefined ? 0 : known + 1) : after.attempt + 1 });
  }

  kill(container: Container, record: ContainerRecord, because: ContainerKill['because']): void {
    const messages = {
      liveness: `Container ${container.name} failed liveness probe, will be restarted`,
      startup: `Container ${container.name} failed startup probe, will be restarted`,
      definition: `Container ${container.name} definition changed, will be restarted`,
      unknown: `Container ${container.name} is in unknown state, try killing it before restart`,
      'restart of all': `Stopping container ${container.name}`,
    };
    this.kills.push({ container, record, because, message: messages[because] });
  }

  plan(rest: Pick<PodPlan, 'killPod' | 'createSandbox' | 'isFinished'>): PodPlan {
    const { kills, starts, waiting } = this;
    return { ...rest, kills: rest.isFinished ? [] : kills, starts: rest.isFinished ? [] : starts, waiting, recheckAtMs: this.#recheckAtMs };
  }
}

/** There is none, or one that does not work: a new one is made unless the pod has run to its end. */
function planWithoutSandbox({ pod, runtime }: PodView, round: Round, broken: SandboxRecord | undefined): PodPlan {
  const hasRun = runtime.containers.some((record) => pod.spec.containers.some((container) => container.name === record.name));
  const isOver = hasRun && pod.spec.containers.every((container) => {
    const record = newestOf(runtime, container.name);
    return record !== undefined && record.state === 'exited' && !mayRestart(pod, container, record);
  });
  const hasFailedInit = pod.spec.restartPolicy === 'Never' && (pod.spec.initContainers ?? []).some((container) => {
    const record = newestOf(runtime, container.name);
    return !isSidecar(container) && record?.state === 'exited' && record.exitCode !== 0;
  });
  const needsKill = broken !== undefined || runtime.containers.some((record) => record.state === 'running');
  if (isOver || hasFailedInit) return round.plan({ killPod: needsKill ? 'finished' : undefined, createSandbox: undefined, isFinished: true });
  const attempt = (runtime.sandboxes[0]?.attempt ?? -1) + 1;
  return round.plan({ killPod: needsKill ? 'sandbox changed' : undefined, createSandbox: attempt, isFinished: false });
}

/** Whether the containers may be looked at: all init containers are done and all sidecars have started. */
function planInit({ pod, runtime, probes }: PodView, round: Round, sandbox: SandboxRecord): boolean {
  const hasInitialized = pod.spec.containers.some((container) => round.currentOf(sandbox, container.name) !== undefined);
  for (const container of pod.spec.initContainers ?? []) {
    const record = round.currentOf(sandbox, container.name);
    if (isSidecar(container)) {
      const isStarted = planRunning(container, 'sidecar', { record, newest: newestOf(runtime, container.name), probes }, round);
      if (!isStarted && !hasInitialized) return false;
      continue;
    }
    if (hasInitialized) continue;
    if (record === undefined || record.state === 'created') {
      round.start(container, 'init', record ?? newestOf(runtime, container.name));
      return false;
    }
    if (record.state === 'running') return false;
    if (record.state === 'exited' && record.exitCode === 0) continue;
    if (pod.spec.restartPolicy === 'Never' && record.state === 'exited') {
      round.isInitFailed = true;
      return false;
    }
    if (record.state === 'unknown') round.kill(container, record, 'unknown');
    round.start(container, 'init', record);
    return false;
  }
  return true;
}

/** Answers whether one of the containers runs or will run again; sidecars do not keep a pod alive. */
function planMain({ pod, runtime, probes }: PodView, round: Round, sandbox: SandboxRecord): boolean {
  let isAlive = false;
  for (const container of pod.spec.containers) {
    const record = round.currentOf(sandbox, container.name);
    const newest = newestOf(runtime, container.name);
    // What has ended for good in an older sandbox is not run again in a newer one.
    if (record === undefined && newest?.state === 'exited' && round.restart?.past.has(newest.id) !== true && !mayRestart(pod, container, newest)) continue;
    if (record?.state === 'exited' && !mayRestart(pod, container, record)) continue;
    isAlive = true;
    planRunning(container, 'main', { record, newest, probes }, round);
  }
  return isAlive;
}

/** For containers that are meant to run on. Answers whether it runs and has started. */
function planRunning(
  container: Container, kind: ContainerKind,
  { record, newest, probes }: { readonly record: ContainerRecord | undefined; readonly newest: ContainerRecord | undefined; readonly probes: ProbeVerdicts },
  round: Round,
): boolean {
  if (record?.state !== 'running') {
    if (record?.state === 'unknown') round.kill(container, record, 'unknown');
    round.start(container, kind, record ?? newest);
    return false;
  }
  const failed = probes.failed(record.id);
  if (record.hash !== '' && record.hash !== containerHash(container)) round.kill(container, record, 'definition');
  else if (failed !== undefined) round.kill(container, record, failed);
  return probes.isStarted(record.id);
}

/** Ephemeral containers start once and are never restarted. */
function planEphemeral({ pod, runtime }: PodView, round: Round, sandbox: SandboxRecord): void {
  for (const container of pod.spec.ephemeralContainers ?? []) {
    if (newestOf(runtime, container.name) !== undefined) continue;
    if (sandbox.isReady) round.start(container, 'ephemeral', undefined);
  }
}

/** Whether a container that has ended is started again. Source: KEP-5307 for rules of the container's own. */
export function mayRestart(pod: Pod, container: Container, record: ContainerRecord): boolean {
  if (actionOn(container, record.exitCode)?.startsWith('Restart') === true) return true;
  switch (container.restartPolicy ?? pod.spec.restartPolicy) {
    case 'Never':
      return false;
    case 'OnFailure':
      return record.exitCode !== 0;
    default:
      return true;
  }
}

function newestOf(runtime: PodRuntime, name: string): ContainerRecord | undefined {
  return runtime.containers.find((record) => record.name === name);
}
