import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { Pod } from '#api/core/pod.ts';
import type { PodCondition, PodStatus } from '#api/core/pod.ts';
import type { Client } from '#client/client.ts';
import { withOwnPart } from './plan-status.ts';

export interface StatusManagerDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

interface Entry {
  /** The newest state of the object that is known here. */
  base: Pod;
  wanted: PodStatus;
  /** The patch that was sent last. */
  sent: object | undefined;
  running: Promise<void> | undefined;
  /** Resolves when `wanted` changes. */
  changed: PromiseWithResolvers<void>;
}

const retryFirstMs = 500;
const retryLastMs = 10_000;

/**
 * Writes pod statuses to the API: one request per pod at a time, the last status wins, nothing when nothing differs.
 * Failures are tried again until the pod is gone.
 */
export class StatusManager {
  readonly #dependencies: StatusManagerDependencies;
  readonly #entries = new Map<string, Entry>();

  constructor(dependencies: StatusManagerDependencies) {
    this.#dependencies = dependencies;
  }

  /** `pod` is the newest object the caller has. */
  report(pod: Pod, status: PodStatus): void {
    const { uid } = pod.metadata;
    const entry = this.#entries.get(uid);
    // The API has it, and the caller has seen that: nothing needs to be remembered.
    if ((entry === undefined || (entry.running === undefined && !isNewer(entry.base, pod))) && planStatusPatch(pod, withOwnPart(pod.status, status)) === undefined) {
      this.#entries.delete(uid);
      return;
    }
    if (entry === undefined) {
      const fresh: Entry = { base: pod, wanted: status, sent: undefined, running: undefined, changed: Promise.withResolvers() };
      this.#entries.set(uid, fresh);
      this.#start(uid, fresh);
      return;
    }
    if (!saysTheSame(entry.wanted, status)) entry.changed.resolve();
    entry.wanted = status;
    if (isNewer(pod, entry.base)) entry.base = pod;
    if (entry.running === undefined) this.#start(uid, entry);
  }

  /** The newest state of the object, as the API answered our last write. */
  newest(pod: Pod): Pod {
    const base = this.#entries.get(pod.metadata.uid)?.base;
    return base !== undefined && isNewer(base, pod) ? base : pod;
  }

  /**
   * The status that the API will have when what was reported last is written. What is found out next goes on from there:
   * from the API's own, two reports of the same change would differ by their times and replace each other for ever.
   */
  expected(pod: Pod): PodStatus {
    const { status } = this.newest(pod);
    const entry = this.#entries.get(pod.metadata.uid);
    return entry?.running === undefined ? status : withOwnPart(status, entry.wanted);
  }

  /** Resolves when what was reported last is written, or the pod is gone. */
  async written(uid: string): Promise<void> {
    for (let entry = this.#entries.get(uid); entry?.running !== undefined; entry = this.#entries.get(uid)) await entry.running;
  }

  forget(uid: string): void {
    this.#entries.delete(uid);
  }

  #start(uid: string, entry: Entry): void {
    entry.running = this.#write(uid, entry).finally(() => {
      entry.running = undefined;
    });
  }

  /** Waits, but not when there is something new to say. */
  async #pause(entry: Entry, pauseMs: number): Promise<void> {
    const { clock, signal } = this.#dependencies;
    entry.changed = Promise.withResolvers();
    const done = new AbortController();
    const timer = clock.sleep(pauseMs, AbortSignal.any([signal, done.signal])).catch(() => undefined);
    await Promise.race([timer, entry.changed.promise]);
    done.abort();
  }

  async #write(uid: string, entry: Entry): Promise<void> {
    const { client, log, signal } = this.#dependencies;
    let pauseMs = retryFirstMs;
    while (this.#entries.get(uid) === entry && !signal.aborted) {
      const patch = planStatusPatch(entry.base, withOwnPart(entry.base.status, entry.wanted));
      if (patch === undefined) return;
      // The same once more: the server does not keep what it was given. It is asked again, but not at once.
      if (saysTheSame(patch, entry.sent)) {
        entry.sent = undefined;
        await this.#pause(entry, retryLastMs);
        continue;
      }
      entry.sent = patch;
      const { namespace, name } = entry.base.metadata;
      try {
        const answer = await client.patch(Pod, { namespace, name }, { type: 'strategic', patch }, { subresource: 'status', signal });
        if (isNewer(answer, entry.base)) entry.base = answer;
        pauseMs = retryFirstMs;
      } catch (error) {
        // Gone, or another pod of that name: there is nobody to tell.
        if (signal.aborted || hasReason(error, 'NotFound') || hasReason(error, 'Conflict')) {
          this.#entries.delete(uid);
          return;
        }
        log.warn({ error, pod: `${namespace}/${name}` }, 'the status of a pod could not be written; trying again');
        await this.#pause(entry, pauseMs);
        pauseMs = Math.min(pauseMs * 2, retryLastMs);
      }
    }
  }
}

/** The strategic merge patch from what the API has to `status`; undefined when nothing differs. Pure. */
export function planStatusPatch(pod: Pod, status: PodStatus): object | undefined {
  const old = pod.status as Readonly<Record<string, unknown>>;
  const wanted = status as Readonly<Record<string, unknown>>;
  const changes: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(old), ...Object.keys(wanted)])) {
    if (saysTheSame(old[key], wanted[key])) continue;
    const content = wanted[key];
    if (content === undefined) changes[key] = null;
    else if (key === 'conditions') {
      const conditions = planConditions(pod.status.conditions ?? [], status.conditions ?? []);
      // Their order says nothing.
      if (conditions.length > 0) changes[key] = conditions;
    } else if ((key === 'podIPs' || key === 'hostIPs') && old[key] !== undefined) {
      changes[key] = [{ $patch: 'replace' }, ...(content as readonly object[])];
    } else changes[key] = content;
  }
  if (Object.keys(changes).length === 0) return undefined;
  return { metadata: { uid: pod.metadata.uid }, status: changes };
}

/** Conditions of the kubelet that come and go; others that it does not report are somebody else's. */
const passing: ReadonlySet<string> = new Set(['PodResizePending', 'PodResizeInProgress']);

/**
 * Only what differs, for others may be changing theirs. A merge keeps what the patch does not name: what a condition has no
 * more is taken away by name.
 */
function planConditions(old: readonly PodCondition[], wanted: readonly PodCondition[]): readonly object[] {
  const past = old.filter(({ type }) => passing.has(type) && !wanted.some((each) => each.type === type)).map(({ type }) => ({ type, $patch: 'delete' }));
  const present = wanted.flatMap((condition) => {
    const before: Readonly<Record<string, unknown>> = { ...old.find(({ type }) => type === condition.type) };
    if (saysTheSame(before, condition)) return [];
    const gone = Object.keys(before).filter((key) => !(key in condition));
    return [{ ...condition, ...Object.fromEntries(gone.map((key) => [key, null])) }];
  });
  return [...present, ...past];
}

/** Versions of one object are decimal numbers here as in every API server so far. */
export function isNewer(a: Pod, b: Pod): boolean {
  return Number(a.metadata.resourceVersion) > Number(b.metadata.resourceVersion);
}
