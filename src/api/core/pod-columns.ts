/** How `kubectl get pods` shows a pod. Source: behaviour of Kubernetes' pod printer. */
import { age } from '#apimachinery/age.ts';
import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { column } from '#apimachinery/resource.ts';
import { findCondition, isReady, isTerminal, isTerminating } from './pod-status.ts';
import type { PodSpec } from './pod-template.ts';
import type { ContainerStatus, PodStatus } from './pod.ts';

type Pod = Parts<PodSpec, PodStatus>;

/** What the three columns of the containers' states say. */
interface Summary {
  readonly ready: string;
  readonly status: string;
  readonly restarts: number;
  /** When a container last ended before it was restarted; undefined when none was. */
  readonly lastRestart: string | undefined;
}

export const podColumns = [
  nameColumn,
  column<Pod>('Ready', (pod) => summarize(pod).ready, { description: 'Containers that are ready, of all' }),
  column<Pod>('Status', (pod) => summarize(pod).status, { description: 'State of the pod and its containers in one word' }),
  column<Pod>('Restarts', showRestarts, { description: 'How often containers were restarted, and when last' }),
  ageColumn,
  column<Pod>('IP', (pod) => pod.status.podIPs?.[0]?.ip ?? orNone(pod.status.podIP), { wide: true }),
  column<Pod>('Node', (pod) => orNone(pod.spec.nodeName), { wide: true }),
  column<Pod>('Nominated Node', (pod) => orNone(pod.status.nominatedNodeName), { wide: true }),
  column<Pod>('Readiness Gates', showGates, { wide: true }),
];

function orNone(text: string | undefined): string {
  return text === undefined || text === '' ? '<none>' : text;
}

function showRestarts(pod: Pod, nowMs: number): string {
  const { restarts, lastRestart } = summarize(pod);
  return restarts > 0 && lastRestart !== undefined ? `${restarts} (${age(lastRestart, nowMs)} ago)` : String(restarts);
}

function showGates(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const open = gates.filter((gate) => findCondition(pod.status.conditions, gate.conditionType)?.status === 'True');
  return `${open.length}/${gates.length}`;
}

export function summarize(pod: Pod): Summary {
  const { spec, status } = pod;
  const sidecars = new Set((spec.initContainers ?? []).filter((each) => each.restartPolicy === 'Always').map((each) => each.name));
  const total = spec.containers.length + sidecars.size;
  let ready = 0;
  let reason = status.reason !== undefined && status.reason !== '' ? status.reason : (status.phase ?? '');
  if (findCondition(status.conditions, 'PodScheduled')?.reason === 'SchedulingGated') reason = 'SchedulingGated';

  const initStatuses = status.initContainerStatuses ?? [];
  let counted: readonly ContainerStatus[] = initStatuses;
  let initializing = false;
  for (const [index, each] of initStatuses.entries()) {
    if (each.state.terminated?.exitCode === 0 && each.state.terminated !== undefined) continue;
    if (sidecars.has(each.name) && each.started === true) {
      if (each.ready) ready++;
      continue;
    }
    reason = `Init:${initReason(each) ?? `${index}/${(spec.initContainers ?? []).length}`}`;
    initializing = true;
    counted = initStatuses.slice(0, index + 1);
    break;
  }

  if (!initializing || findCondition(status.conditions, 'Initialized')?.status === 'True') {
    const statuses = status.containerStatuses ?? [];
    let running = false;
    for (const each of statuses.toReversed()) {
      const { waiting, terminated, running: runs } = each.state;
      if (waiting?.reason !== undefined) reason = waiting.reason;
      else if (terminated !== undefined) reason = terminated.reason ?? endedBy(terminated);
      else if (each.ready && runs !== undefined) {
        running = true;
        ready++;
      }
    }
    // One container has finished while another goes on: the pod as a whole is not completed.
    if (reason === 'Completed' && running) reason = isReady(pod) ? 'Running' : 'NotReady';
    counted = [...initStatuses.filter((each) => sidecars.has(each.name)), ...statuses];
  }

  if (isTerminating(pod)) {
    if (status.reason === 'NodeLost') reason = 'Unknown';
    else if (!isTerminal(pod)) reason = 'Terminating';
  }
  return { ready: `${ready}/${total}`, status: reason, restarts: restartsOf(counted), lastRestart: lastRestartOf(counted) };
}

function initReason({ state: { terminated, waiting } }: ContainerStatus): string | undefined {
  if (terminated !== undefined) return terminated.reason ?? endedBy(terminated);
  return waiting?.reason !== undefined && waiting.reason !== 'PodInitializing' ? waiting.reason : undefined;
}

function endedBy(terminated: { readonly exitCode: number; readonly signal?: number | undefined }): string {
  return terminated.signal !== undefined ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

function restartsOf(statuses: readonly ContainerStatus[]): number {
  return statuses.reduce((sum, each) => sum + each.restartCount, 0);
}

function lastRestartOf(statuses: readonly ContainerStatus[]): string | undefined {
  // Times of one form (UTC, whole seconds) sort as texts.
  return statuses.flatMap((each) => each.lastState.terminated?.finishedAt ?? []).toSorted().at(-1);
}
