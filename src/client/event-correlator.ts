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
  message: string;
  readonly firstMs: number;
  count: number;
  /** The Event's name, once the server has it. */
  name?: string;
}

interface Series extends EventSeriesState {
  readonly fieldPath: string;
}

/** The events about one object that have type and reason in common. */
interface Group {
  readonly type: string;
  readonly reason: string;
  /** Different messages seen in the window, up to `similarLimit`. */
  messages: readonly string[];
  lastMs: number;
  /** The oldest first. */
  series: readonly Series[];
  combined: EventSeriesState | undefined;
}

/**
 * One object: how many events it may still have, and those it had. Kept for every pod of a node, so the lists are made anew
 * when they grow: V8 reserves room for sixteen more when one is added to.
 */
interface Target {
  tokens: number;
  atMs: number;
  groups: readonly Group[];
}

/** Objects remembered; the oldest is forgotten first, which costs no more than a second Event object. */
const maxTargets = 4096;
/** Of a group. Within a window there are ten, so that this takes an hour of different messages. */
const maxSeries = 64;
const spamBurst = 25;
const spamRefillMs = 300_000;
const similarLimit = 10;
const similarWindowMs = 600_000;
const combinedPrefix = '(combined from similar events): ';

export class EventCorrelator {
  readonly #targets = new Map<string, Target>();

  /** The series the occurrence belongs to, its count already raised; undefined when it is dropped as spam. */
  correlate(occurrence: Occurrence): EventSeriesState | undefined {
    const { type, reason, nowMs } = occurrence;
    const target = this.#targetOf(occurrence);
    if (!takeToken(target, nowMs)) return undefined;
    let group = target.groups.find((each) => each.type === type && each.reason === reason);
    if (group === undefined) {
      group = { type, reason, messages: [], lastMs: nowMs, series: [], combined: undefined };
      target.groups = [...target.groups, group];
    }
    const series = isOneOfTooMany(group, occurrence) ? combinedSeries(group, occurrence) : ownSeries(group, occurrence);
    series.count++;
    return series;
  }

  #targetOf({ about: { object }, nowMs }: Occurrence): Target {
    const { name, namespace = '', uid = '' } = object.metadata;
    const key = `${object.kind}/${namespace}/${name}/${uid}/${object.apiVersion}`;
    const target = this.#targets.get(key) ?? { tokens: spamBurst, atMs: nowMs, groups: [] };
    this.#targets.delete(key);
    this.#targets.set(key, target);
    if (this.#targets.size > maxTargets) {
      const oldest = this.#targets.keys().next();
      if (oldest.done !== true) this.#targets.delete(oldest.value);
    }
    return target;
  }
}

function takeToken(target: Target, nowMs: number): boolean {
  target.tokens = Math.min(spamBurst, target.tokens + (nowMs - target.atMs) / spamRefillMs);
  target.atMs = nowMs;
  if (target.tokens < 1) return false;
  target.tokens -= 1;
  return true;
}

function isOneOfTooMany(group: Group, { message, nowMs }: Occurrence): boolean {
  if (nowMs - group.lastMs > similarWindowMs) group.messages = [];
  group.lastMs = nowMs;
  if (group.messages.length < similarLimit && !group.messages.includes(message)) group.messages = [...group.messages, message];
  return group.messages.length >= similarLimit;
}

function combinedSeries(group: Group, { message, nowMs }: Occurrence): EventSeriesState {
  group.combined ??= { message: '', firstMs: nowMs, count: 0 };
  group.combined.message = combinedPrefix + message;
  return group.combined;
}

function ownSeries(group: Group, { about: { fieldPath = '' }, message, nowMs }: Occurrence): EventSeriesState {
  const known = group.series.find((each) => each.message === message && each.fieldPath === fieldPath);
  if (known !== undefined) return known;
  const fresh: Series = { message, fieldPath, firstMs: nowMs, count: 0 };
  group.series = [...group.series, fresh].slice(-maxSeries);
  return fresh;
}
