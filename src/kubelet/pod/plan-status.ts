import type { Container, ResourceRequirements } from '#api/core/container.ts';
import type { ContainerState, ContainerStatus, Pod, PodCondition, PodStatus } from '#api/core/pod.ts';
import { qosClassOf } from '#api/core/qos.ts';
import { timestamp } from '#client/timestamp.ts';
import type { PodVerdict } from './admit-pod.ts';
import { isSidecar, mayRestart } from './plan-pod.ts';
import type { WaitingReason } from './plan-pod.ts';
import type { ContainerRecord, PodRuntime } from './pod-runtime.ts';
import { mayRestartAll, restartOfAll } from './restart-rules.ts';

export interface StatusView {
  readonly pod: Pod;
  readonly runtime: PodRuntime;
  readonly nowMs: number;
  /** containerd, cri-o, simulated: in front of container ids. */
  readonly runtimeName: string;
  /** The node's addresses, the main one first. */
  readonly hostIps: readonly string[];
  /** Why containers that should run do not. */
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  /** Last words of containers that have ended, by id. */
  readonly lastWords: ReadonlyMap<string, string>;
  readonly isStarted: (containerId: string) => boolean;
  readonly isReady: (containerId: string) => boolean;
  /** Nothing of it will run again: deleted, evicted or run to its end. */
  readonly isOver: boolean;
  /** Set when the node ended the pod by itself. */
  readonly verdict?: PodVerdict | undefined;
  /** What a running container was given. Default: what the spec says. */
  readonly resourcesOf?: (record: ContainerRecord) => ResourceRequirements;
  /** Containers do not have what the spec asks for. */
  readonly resize?: ResizeCondition | undefined;
}

export interface ResizeCondition {
  readonly type: 'PodResizePending' | 'PodResizeInProgress';
  readonly reason: string;
  readonly message: string;
}

/**
 * The pod's status as it follows from what the runtime has. Pure. Conditions that others write are kept, transition times
 * change only with the status they belong to.
 *
 * Source: Kubernetes' documentation "Pod Lifecycle"; behaviour of the v1.36 kubelet.
 */
export function planStatus(view: StatusView): PodStatus {
  const { pod, runtime, nowMs, hostIps, verdict } = view;
  const { spec, status: old } = pod;
  const initContainers = spec.initContainers ?? [];
  const initContainerStatuses = initContainers.map((container) => statusOf(view, container, 'init', findStatus(old.initContainerStatuses, container.name)));
  const containerStatuses = spec.containers.map((container) => statusOf(view, container, 'main', findStatus(old.containerStatuses, container.name)));
  const ephemeral = (spec.ephemeralContainers ?? []).map((container) => statusOf(view, container, 'ephemeral', findStatus(old.ephemeralContainerStatuses, container.name)));
  const phase = verdict === undefined ? phaseOf(view, initContainerStatuses, containerStatuses) : 'Failed';
  const ips = spec.hostNetwork === true ? hostIps : (runtime.sandboxes.find((sandbox) => sandbox.isReady)?.ips ?? []);
  // What is over keeps the address it had.
  const podIps = ips.length > 0 ? ips : view.isOver ? (old.podIPs ?? []).map(({ ip }) => ip) : [];
  const generation = pod.metadata.generation ?? 0;
  return {
    ...(generation > 0 ? { observedGeneration: generation } : {}),
    phase,
    conditions: conditionsOf(view, phase, initContainerStatuses, containerStatuses),
    ...(verdict === undefined ? {} : verdict),
    ...(old.nominatedNodeName === undefined ? {} : { nominatedNodeName: old.nominatedNodeName }),
    ...(hostIps[0] === undefined ? {} : { hostIP: hostIps[0], hostIPs: hostIps.map((ip) => ({ ip })) }),
    ...(podIps[0] === undefined ? {} : { podIP: podIps[0], podIPs: podIps.map((ip) => ({ ip })) }),
    startTime: old.startTime ?? timestamp(nowMs),
    ...(initContainerStatuses.length === 0 ? {} : { initContainerStatuses }),
    containerStatuses,
    qosClass: old.qosClass ?? qosClassOf(spec),
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
    ...(old.resourceClaimStatuses === undefined ? {} : { resourceClaimStatuses: old.resourceClaimStatuses }),
  };
}

function findStatus(statuses: readonly ContainerStatus[] | undefined, name: string): ContainerStatus | undefined {
  return statuses?.find((status) => status.name === name);
}

type StatusKind = 'init' | 'main' | 'ephemeral';

function statusOf(view: StatusView, container: Container, kind: StatusKind, old: ContainerStatus | undefined): ContainerStatus {
  const { pod, runtime, waiting, runtimeName } = view;
  const [newest, ...earlier] = runtime.containers.filter((record) => record.name === container.name);
  const before = earlier.find((record) => record.state === 'exited');
  const reason = waiting.get(container.name);
  let state = newest === undefined ? stateWithoutRecord(view, old, hadItsTurn(view, container, kind)) : stateOf(view, newest);
  let lastState: ContainerState = before === undefined ? (newest === undefined || newest.attempt > 0 ? (old?.lastState ?? {}) : {}) : stateOf(view, before);
  const mayWait = newest === undefined || newest.state === 'created' || (newest.state === 'exited' && !view.isOver && (kind === 'init' ? true : mayRestart(pod, container, newest)));
  if (reason !== undefined && mayWait && !view.isOver) {
    if (state.terminated !== undefined) lastState = state;
    state = { waiting: { reason: reason.reason, ...(reason.message === '' ? {} : { message: reason.message }) } };
  }
  const isRunning = newest?.state === 'running';
  const isStarted = isRunning && newest !== undefined && view.isStarted(newest.id);
  const isRegularInit = kind === 'init' && !isSidecar(container);
  const ready = isRegularInit ? state.terminated?.exitCode === 0 : kind === 'ephemeral' ? false : isStarted && newest !== undefined && view.isReady(newest.id);
  const mounts = (container.volumeMounts ?? []).map(({ name, mountPath, readOnly }) => ({ name, mountPath, ...(readOnly === true ? { readOnly: true, recursiveReadOnly: 'Disabled' } : {}) }));
  const resources = (newest === undefined || !isRunning ? undefined : view.resourcesOf?.(newest)) ?? container.resources;
  const allocated = view.resize?.type === 'PodResizePending' ? resources : container.resources;
  const hasResources = resources.requests !== undefined || resources.limits !== undefined;
  return {
    name: container.name,
    state,
    lastState,
    ready,
    restartCount: newest?.attempt ?? old?.restartCount ?? 0,
    image: newest?.image || old?.image || (container.image ?? ''),
    imageID: newest?.imageRef ?? old?.imageID ?? '',
    ...(newest === undefined ? (old?.containerID === undefined ? {} : { containerID: old.containerID }) : { containerID: `${runtimeName}://${newest.id}` }),
    started: isStarted,
    ...(isRunning && allocated.requests !== undefined && kind !== 'ephemeral' ? { allocatedResources: allocated.requests } : {}),
    ...(isRunning && kind !== 'ephemeral' ? { resources: hasResources ? resources : {} } : {}),
    ...(mounts.length === 0 ? {} : { volumeMounts: mounts }),
  };
}

function stateOf(view: StatusView, record: ContainerRecord): ContainerState {
  if (record.state === 'running') return { running: { startedAt: timestamp(record.startedAtMs) } };
  if (record.state === 'created') return { waiting: { reason: 'ContainerCreating' } };
  const message = view.lastWords.get(record.id) ?? record.message;
  return {
    terminated: {
      exitCode: record.exitCode,
      reason: record.reason === '' ? (record.exitCode === 0 ? 'Completed' : 'Error') : record.reason,
      ...(message === '' ? {} : { message }),
      ...(record.startedAtMs === 0 ? {} : { startedAt: timestamp(record.startedAtMs) }),
      ...(record.finishedAtMs === 0 ? {} : { finishedAt: timestamp(record.finishedAtMs) }),
      containerID: `${view.runtimeName}://${record.id}`,
    },
  };
}

/** Whether the pod came as far as to start this container: those behind an init container that failed never ran. */
function hadItsTurn({ pod, runtime }: StatusView, { name }: Container, kind: StatusKind): boolean {
  const initNames = (pod.spec.initContainers ?? []).map((each) => each.name);
  const last = initNames.at(-1);
  if (kind === 'ephemeral' || last === undefined) return true;
  const hasBegun = (each: string, statuses: readonly ContainerStatus[] | undefined): boolean => {
    const old = findStatus(statuses, each);
    return runtime.containers.some((record) => record.name === each) || (old !== undefined && (old.state.waiting === undefined || old.lastState.terminated !== undefined));
  };
  if (pod.spec.containers.some((each) => hasBegun(each.name, pod.status.containerStatuses))) return true;
  if (kind === 'init') return initNames.slice(initNames.indexOf(name)).some((each) => hasBegun(each, pod.status.initContainerStatuses));
  return runtime.containers.some((record) => record.name === last && record.state === 'exited' && record.exitCode === 0)
    || findStatus(pod.status.initContainerStatuses, last)?.state.terminated?.exitCode === 0;
}

/** It has not been made yet, or the runtime has lost it. */
function stateWithoutRecord(view: StatusView, old: ContainerStatus | undefined, hadTurn: boolean): ContainerState {
  if (old?.state.terminated !== undefined) return old.state;
  if (old?.state.running !== undefined || (view.isOver && hadTurn && old !== undefined)) {
    return {
      terminated: {
        exitCode: 137, reason: 'ContainerStatusUnknown',
        message: view.pod.metadata.deletionTimestamp === undefined
          ? 'The container could not be located when the pod was terminated'
          : 'The container could not be located when the pod was deleted.  The container used to be Running',
      },
    };
  }
  return { waiting: { reason: (view.pod.spec.initContainers ?? []).length > 0 ? 'PodInitializing' : 'ContainerCreating' } };
}

type Phase = NonNullable<PodStatus['phase']>;

function phaseOf(view: StatusView, init: readonly ContainerStatus[], main: readonly ContainerStatus[]): Phase {
  const { pod, isOver } = view;
  const restartPolicy = pod.spec.restartPolicy ?? 'Always';
  const regular = (pod.spec.initContainers ?? []).flatMap((container, index) => (isSidecar(container) ? [] : [init[index]])).filter((status) => status !== undefined);
  const sidecars = (pod.spec.initContainers ?? []).flatMap((container, index) => (isSidecar(container) ? [init[index]] : [])).filter((status) => status !== undefined);
  const startsAnew = !isOver && restartOfAll(pod, view.runtime)?.isUnderWay === true;
  if (restartPolicy === 'Never' && !startsAnew && regular.some((status) => status.state.terminated !== undefined && status.state.terminated.exitCode !== 0)) return 'Failed';
  const hasBegun = main.some((status) => status.state.running !== undefined || status.state.terminated !== undefined || status.lastState.terminated !== undefined);
  const isInitializing = regular.some((status) => status.state.terminated?.exitCode !== 0) || sidecars.some((status) => status.started !== true);
  if (!hasBegun && !isOver && isInitializing) return 'Pending';
  let running = 0;
  let waiting = 0;
  const ended: number[] = [];
  for (const { state, lastState } of main) {
    if (state.running !== undefined) running++;
    else if (state.terminated !== undefined) ended.push(state.terminated.exitCode);
    else if (lastState.terminated !== undefined) ended.push(lastState.terminated.exitCode);
    else waiting++;
  }
  if (isOver && running === 0) return ended.length > 0 && waiting === 0 && ended.every((code) => code === 0) ? 'Succeeded' : 'Failed';
  if (waiting > 0) return 'Pending';
  if (running > 0 || startsAnew || willRestart(view)) return 'Running';
  if (restartPolicy === 'Always') return 'Running';
  if (ended.every((code) => code === 0)) return 'Succeeded';
  return restartPolicy === 'Never' ? 'Failed' : 'Running';
}

/** Whether a container that has ended will run again, be it by a rule of its own. */
function willRestart({ isOver, pod, runtime }: StatusView): boolean {
  return !isOver && pod.spec.containers.some((container) => {
    const newest = runtime.containers.find(({ name }) => name === container.name);
    return newest?.state === 'exited' && mayRestart(pod, container, newest);
  });
}

/** The status of a pod that its node has refused: it never had containers. Pure. */
export function planRefusal({ metadata, spec, status: old }: Pod, { reason, message }: PodVerdict, nowMs: number): PodStatus {
  const generation = metadata.generation ?? 0;
  return {
    ...(generation > 0 ? { observedGeneration: generation } : {}),
    phase: 'Failed', reason, message: `Pod was rejected: ${message}`,
    startTime: old.startTime ?? timestamp(nowMs),
    qosClass: old.qosClass ?? qosClassOf(spec),
  };
}

/** What a kubelet reports itself; conditions of other types are others'. */
const ownConditions: ReadonlySet<string> = new Set(['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled', 'PodResizePending', 'PodResizeInProgress', 'AllContainersRestarting']);

/** `status`, the API's, with what the kubelet has found out in the place of its own part. Pure. */
export function withOwnPart({ conditions = [], nominatedNodeName, resourceClaimStatuses }: PodStatus, found: PodStatus): PodStatus {
  const { nominatedNodeName: _name, resourceClaimStatuses: _claims, ...own } = found;
  return {
    ...own,
    ...(nominatedNodeName !== undefined && { nominatedNodeName }),
    ...(resourceClaimStatuses !== undefined && { resourceClaimStatuses }),
    conditions: [...(found.conditions ?? []).filter(({ type }) => ownConditions.has(type)), ...conditions.filter(({ type }) => !ownConditions.has(type))],
  };
}

function conditionsOf(view: StatusView, phase: Phase, init: readonly ContainerStatus[], main: readonly ContainerStatus[]): readonly PodCondition[] {
  const { pod, runtime } = view;
  const sandbox = runtime.sandboxes.find((candidate) => candidate.isReady);
  const hasSandbox = sandbox !== undefined && (pod.spec.hostNetwork === true || sandbox.ips.length > 0);
  const ready = readinessOf(phase, [...init.filter((_, index) => isSidecar(pod.spec.initContainers?.[index] ?? {})), ...main]);
  const wanted: Verdict[] = [
    { type: 'PodReadyToStartContainers', isTrue: hasSandbox },
    { type: 'Initialized', ...initializationOf(view, phase, init, main) },
    { type: 'Ready', ...(ready.isTrue ? gatesOf(pod) : ready) },
    { type: 'ContainersReady', ...ready },
    { type: 'PodScheduled', isTrue: true },
    ...(view.resize === undefined ? [] : [{ ...view.resize, isTrue: true }]),
    ...(mayRestartAll(pod) ? [{ type: 'AllContainersRestarting', ...restartingOf(view, phase) }] : []),
  ];
  const generation = pod.metadata.generation ?? 0;
  const kept = (pod.status.conditions ?? []).filter(({ type }) => !ownConditions.has(type));
  return [
    ...wanted.map(({ type, isTrue, reason, message }): PodCondition => {
      const status = isTrue ? 'True' : 'False';
      const before = pod.status.conditions?.find((condition) => condition.type === type);
      return {
        type, status,
        ...(generation > 0 ? { observedGeneration: generation } : {}),
        lastTransitionTime: before?.status === status && before.lastTransitionTime !== undefined ? before.lastTransitionTime : timestamp(view.nowMs),
        ...(reason === undefined ? {} : { reason }),
        ...(message === undefined ? {} : { message }),
      };
    }),
    ...kept,
  ];
}

interface Verdict extends Judgement {
  readonly type: string;
}
interface Judgement {
  readonly isTrue: boolean;
  readonly reason?: string;
  readonly message?: string;
}

function initializationOf(view: StatusView, phase: Phase, init: readonly ContainerStatus[], main: readonly ContainerStatus[]): Judgement {
  const hasBegun = main.some((status) => status.state.running !== undefined || status.state.terminated !== undefined || status.lastState.terminated !== undefined);
  if (hasBegun) return { isTrue: true, ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) };
  const incomplete = init.filter((status, index) => (isSidecar(view.pod.spec.initContainers?.[index] ?? {}) ? status.started !== true : !status.ready)).map((status) => status.name);
  if (incomplete.length > 0) return { isTrue: false, reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${incomplete.join(' ')}]` };
  return { isTrue: true, ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) };
}

/** True from the exit that asks for it until everything has ended. */
function restartingOf({ isOver, pod, runtime }: StatusView, phase: Phase): Judgement {
  if (phase === 'Succeeded') return { isTrue: false, reason: 'PodCompleted' };
  if (phase === 'Failed') return { isTrue: false, reason: 'PodFailed' };
  return { isTrue: !isOver && (restartOfAll(pod, runtime)?.running.length ?? 0) > 0 };
}

function readinessOf(phase: Phase, statuses: readonly ContainerStatus[]): Judgement {
  if (phase === 'Succeeded') return { isTrue: false, reason: 'PodCompleted' };
  if (phase === 'Failed') return { isTrue: false, reason: 'PodFailed' };
  const unready = statuses.filter((status) => !status.ready).map((status) => status.name);
  if (unready.length === 0) return { isTrue: true };
  return { isTrue: false, reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
}

function gatesOf(pod: Pod): Judgement {
  const messages: string[] = [];
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const condition = pod.status.conditions?.find(({ type }) => type === conditionType);
    if (condition === undefined) messages.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    else if (condition.status !== 'True') messages.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`);
  }
  return messages.length === 0 ? { isTrue: true } : { isTrue: false, reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}
