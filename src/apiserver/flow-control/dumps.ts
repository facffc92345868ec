/**
 * What flow control is doing, for people: /debug/api_priority_and_fairness/. Pure.
 * Source: Kubernetes documentation, "API Priority and Fairness: debug endpoints".
 */
import type { Clock } from '#base/clock.ts';
import type { Query } from '../request/api-call.ts';
import { workOf } from './flow-queues.ts';
import type { FlowRequest } from './flow-request.ts';
import type { PriorityLevel } from './priority-level.ts';
import { widthOf } from './work-estimate.ts';
import type { WorkEstimate } from './work-estimate.ts';

const prefix = '/debug/api_priority_and_fairness/';
/** Columns are at least this wide, the space behind the comma included. */
const minWidth = 8;

/** The text at this path; undefined: nothing is there. */
export function dumpAt({ path, query, levels, clock }: { readonly path: string; readonly query: Query; readonly levels: readonly PriorityLevel[]; readonly clock: Clock }): string | undefined {
  if (!path.startsWith(prefix)) return undefined;
  switch (path.slice(prefix.length)) {
    case 'dump_priority_levels':
      return table(levelRows(levels));
    case 'dump_queues':
      return table(queueRows(levels));
    case 'dump_requests':
      return table(requestRows(levels, { withDetails: (query['includeRequestDetails'] ?? '') !== '', offsetMs: clock.nowMs() - clock.monotonicMs() }));
    default:
      return undefined;
  }
}

function levelRows(levels: readonly PriorityLevel[]): string[][] {
  const head = ['PriorityLevelName', 'ActiveQueues', 'IsIdle', 'IsQuiescing', 'WaitingRequests', 'ExecutingRequests', 'DispatchedRequests', 'RejectedRequests', 'TimedoutRequests', 'CancelledRequests'];
  return [head, ...levels.map(({ name, queues, isQuiescing }) => {
    const { dispatched, rejected, timedOut, cancelled } = queues.outcomes;
    const active = queues.dump().filter(({ waiting, executing }) => waiting.length > 0 || executing > 0).length;
    return [name, active, queues.isIdle, isQuiescing, queues.waiting, queues.executing, dispatched, rejected, timedOut, cancelled].map(String);
  })];
}

function queueRows(levels: readonly PriorityLevel[]): string[][] {
  const head = ['PriorityLevelName', 'Index', 'PendingRequests', 'ExecutingRequests', 'SeatsInUse', 'NextDispatchR', 'InitialSeatsSum', 'MaxSeatsSum', 'TotalWorkSum'];
  return [head, ...levels.flatMap(({ name, queues }) => queues.dump().map(({ waiting, executing, seatsInUse, nextDispatchR }, index) => {
    const sum = (value: (work: WorkEstimate) => number): number => waiting.reduce((total, { asking }) => total + value(asking.work), 0);
    return [name, index, waiting.length, executing, seatsInUse, seatSeconds(nextDispatchR), sum(({ seats }) => seats), sum(widthOf), seatSeconds(sum(workOf))].map(String);
  }))];
}

/** `offsetMs`: what the wall clock is ahead of the monotonic one. */
function requestRows(levels: readonly PriorityLevel[], { withDetails, offsetMs }: { readonly withDetails: boolean; readonly offsetMs: number }): string[][] {
  const head = ['PriorityLevelName', 'FlowSchemaName', 'QueueIndex', 'RequestIndexInQueue', 'FlowDistingsher', 'ArriveTime', 'InitialSeats', 'FinalSeats', 'AdditionalLatency', 'StartTime'];
  const details = ['UserName', 'Verb', 'APIPath', 'Namespace', 'Name', 'APIVersion', 'Resource', 'SubResource'];
  const rows = levels.flatMap(({ name, queues }) => {
    const row = (place: readonly [queue: number, index: number], asking: FlowRequest, times: { readonly arrivedMs: number; readonly startedMs?: number }): string[] => {
      const { seats, finalSeats, lingersMs } = asking.work;
      const started = times.startedMs === undefined ? '0001-01-01T00:00:00Z' : timeText(times.startedMs + offsetMs);
      const { name: schema } = asking.schema.object.metadata;
      return [name, schema, ...place.map(String), asking.distinguisher, timeText(times.arrivedMs + offsetMs), String(seats), String(finalSeats), durationText(lingersMs), started, ...(withDetails ? detailsOf(asking) : [])];
    };
    return [
      ...queues.running().map((request) => row([request.queueIndex, -1], request.asking, request)),
      ...queues.dump().flatMap(({ waiting }, queue) => waiting.map((request, index) => row([queue, index], request.asking, { arrivedMs: request.arrivedMs }))),
    ];
  });
  return [[...head, ...(withDetails ? details : [])], ...rows];
}

function detailsOf({ call: { info, user } }: FlowRequest): string[] {
  const apiVersion = info.group === '' ? info.version : `${info.group}/${info.version}`;
  return [user.name, info.verb, info.path, info.namespace, info.name, apiVersion, info.resource, info.subresource];
}

function seatSeconds(value: number): string {
  return `${value.toFixed(8)}ss`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

function durationText(ms: number): string {
  return ms === 0 ? '0s' : `${Number(ms.toFixed(3))}ms`;
}

/** Cells end with a comma and are padded to the widest of their column; the last is as it is. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(minWidth, ...rows.map((row) => (row[column] ?? '').length + 2)));
  return rows.map((row) => `${row.map((cell, column) => (column === row.length - 1 ? cell : `${cell},`.padEnd(widths[column] ?? minWidth))).join('')}\n`).join('');
}
