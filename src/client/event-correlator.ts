/**
 * Decides what becomes of an event: a new Event object, one more on the count of an earlier one, or nothing.
 * Pure but for its own memory, which is bounded.
 *
 * Source: Kubernetes documentation of event rate limiting and aggregation (client-go's EventCorrelator defaults).
 */
import type { EventTarget } from './event-recorder.ts';

export interface Occurrence {
  readonly about: EventTarget;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly nowMs: number;
}

/** What is remembered of an Event object that was (or is about to be) written. */
export interface EventSeriesState {
  readonly message: string;
  readonly firstMs: number;
  count: number;
  /** The Event's name, once the server has it. */
  name?: string;
}

interface Similar {
  /** Different messages seen in the window. */
  readonly messages: Set<string>;
  lastMs: number;
}
interface Bucket {
  tokens: number;
  atMs: number;
}

/** Objects, groups and series remembered; the oldest is forgotten first, which costs no more than a second Event object. */
const maxRemembered = 4096;
const spamBurst = 25;
const spamRefillMs = 300_000;
const similarLimit = 10;
const similarWindowMs = 600_000;
const combinedPrefix = '(combined from similar events): ';

export class EventCorrelator {
  readonly #buckets = new Map<string, Bucket>();
  readonly #similar = new Map<string, Similar>();
  readonly #series = new Map<string, EventSeriesState>();

  /** The series the occurrence belongs to, its count already raised; undefined when it is dropped as spam. */
  correlate(occurrence: Occurrence): EventSeriesState | undefined {
    const { object, fieldPath = '' } = occurrence.about;
    const { name, namespace = '', uid = '' } = object.metadata;
    const target = `${object.kind}/${namespace}/${name}/${uid}/${object.apiVersion}`;
    if (!this.#takeToken(target, occurrence.nowMs)) return undefined;
    const group = `${target}/${occurrence.type}/${occurrence.reason}`;
    const isCombined = this.#isOneOfTooMany(group, occurrence);
    const message = isCombined ? combinedPrefix + occurrence.message : occurrence.message;
    const id = isCombined ? group : `${group}/${fieldPath}/${message}`;
    const known = this.#series.get(id);
    const series = known === undefined ? { message, firstMs: occurrence.nowMs, count: 1 } : { ...known, message, count: known.count + 1 };
    const kept = known === undefined ? series : Object.assign(known, series);
    remember(this.#series, id, kept);
    return kept;
  }

  #takeToken(target: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(target) ?? { tokens: spamBurst, atMs: nowMs };
    bucket.tokens = Math.min(spamBurst, bucket.tokens + (nowMs - bucket.atMs) / spamRefillMs);
    bucket.atMs = nowMs;
    const isAllowed = bucket.tokens >= 1;
    if (isAllowed) bucket.tokens -= 1;
    remember(this.#buckets, target, bucket);
    return isAllowed;
  }

  #isOneOfTooMany(group: string, { message, nowMs }: Occurrence): boolean {
    let similar = this.#similar.get(group);
    if (similar === undefined || nowMs - similar.lastMs > similarWindowMs) similar = { messages: new Set(), lastMs: nowMs };
    similar.lastMs = nowMs;
    if (similar.messages.size < similarLimit) similar.messages.add(message);
    remember(this.#similar, group, similar);
    return similar.messages.size >= similarLimit;
  }
}

function remember<V>(memory: Map<string, V>, key: string, value: V): void {
  memory.delete(key);
  memory.set(key, value);
  if (memory.size <= maxRemembered) return;
  const oldest = memory.keys().next();
  if (oldest.done !== true) memory.delete(oldest.value);
}
