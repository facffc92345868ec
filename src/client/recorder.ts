/** The `EventRecorder` that writes core/v1 Events through a client. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { Given } from '#apimachinery/resource.ts';
import { Event } from '#api/core/event.ts';
import type { Client } from './client.ts';
import type { EventSeriesState, Occurrence } from './event-correlator.ts';
import { EventCorrelator } from './event-correlator.ts';
import type { EventRecorder } from './event-recorder.ts';
import { timestamp } from './timestamp.ts';

export interface RecorderDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Events waiting to be sent; more are dropped, because whoever records them must not wait and memory is finite. */
const maxWaiting = 1000;
/** How many are on their way at once. */
const maxSending = 4;
const maxAttempts = 12;
const retryPauseMs = 10_000;

/** A recorder that signs as `component` (on `host`). It needs no closing: what is unsent when the process ends is lost. */
export function createEventRecorder(
  { client, clock, log }: RecorderDependencies,
  component: string,
  { host = '' }: { readonly host?: string } = {},
): EventRecorder {
  const correlator = new EventCorrelator();
  const waiting: (() => Promise<void>)[] = [];
  /** The last write of each series: its updates must not overtake its creation. */
  const tails = new WeakMap<EventSeriesState, Promise<void>>();
  let idle = Promise.withResolvers<void>();
  idle.resolve();
  let sending = 0;
  // Several recorders of a process write about one object in one millisecond: each counts from a place of its own.
  let named = placeOf(`${component}/${host}`);

  function pump(): void {
    while (sending < maxSending) {
      const next = waiting.shift();
      if (next === undefined) break;
      sending++;
      void next().then(() => {
        sending--;
        pump();
      });
    }
    if (sending === 0 && waiting.length === 0) idle.resolve();
  }

  async function send(occurrence: Occurrence, series: EventSeriesState): Promise<void> {
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      try {
        return await write(occurrence, series);
      } catch (error) {
        // An answer is final: the namespace is going away, or the event is refused.
        if (error instanceof StatusError && error.code < 500 && error.code !== 429) {
          log.debug({ component, reason: occurrence.reason, error }, 'the server refused an event');
          return;
        }
      }
      await clock.sleep(retryPauseMs);
    }
  }

  async function write(occurrence: Occurrence, series: EventSeriesState): Promise<void> {
    const namespace = eventNamespace(occurrence);
    if (series.name !== undefined) {
      const patch = { message: series.message, count: series.count, lastTimestamp: timestamp(occurrence.nowMs) };
      try {
        await client.patch(Event, { namespace, name: series.name }, { type: 'strategic', patch });
        return;
      } catch (error) {
        // Events expire: start the series anew.
        if (!(error instanceof StatusError && error.code === 404)) throw error;
      }
    }
    // The time in nanoseconds, of which the last six digits count.
    const name = `${occurrence.about.object.metadata.name}.${(BigInt(Math.trunc(occurrence.nowMs)) * 1_000_000n + BigInt(named++ % 1_000_000)).toString(16)}`;
    await client.create(Event, newEvent({ occurrence, series, component, host, name }));
    series.name = name;
  }

  return {
    event(about, type, reason, message) {
      const occurrence: Occurrence = { about, type, reason, message, nowMs: clock.nowMs() };
      if (waiting.length >= maxWaiting) return;
      const series = correlator.correlate(occurrence);
      if (series === undefined) return;
      if (sending === 0 && waiting.length === 0) idle = Promise.withResolvers<void>();
      waiting.push(() => {
        const tail = (tails.get(series) ?? Promise.resolve()).then(() => send(occurrence, series));
        tails.set(series, tail);
        return tail;
      });
      pump();
    },
    flush: () => idle.promise,
  };
}

function placeOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) >>> 0;
  return hash % 1_000_000;
}

function eventNamespace({ about }: Occurrence): string {
  const { namespace } = about.object.metadata;
  return namespace === undefined || namespace === '' ? 'default' : namespace;
}

interface NewEvent {
  readonly occurrence: Occurrence;
  readonly series: EventSeriesState;
  readonly component: string;
  readonly host: string;
  readonly name: string;
}

function newEvent({ occurrence, series, component, host, name }: NewEvent): Given<Event> {
  const { about, type, reason, nowMs } = occurrence;
  const { object, fieldPath } = about;
  const { metadata } = object;
  return {
    metadata: { name, namespace: eventNamespace(occurrence) },
    involvedObject: {
      kind: object.kind,
      apiVersion: object.apiVersion,
      name: metadata.name,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      ...(metadata.uid !== undefined && { uid: metadata.uid }),
      ...(metadata.resourceVersion !== undefined && { resourceVersion: metadata.resourceVersion }),
      ...(fieldPath !== undefined && { fieldPath }),
    },
    reason,
    message: series.message,
    source: { component, ...(host !== '' && { host }) },
    firstTimestamp: timestamp(series.firstMs),
    lastTimestamp: timestamp(nowMs),
    count: series.count,
    type,
    reportingComponent: component,
    reportingInstance: host,
  };
}
