import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { isCriError } from './cri/cri.ts';
import type { RuntimeService } from './cri/cri.ts';
import { labelKeys } from './pod/labels.ts';

export interface RuntimeWatchOptions {
  readonly runtime: RuntimeService;
  readonly clock: Clock;
  readonly log: Logger;
  /** Something of this pod has changed in the runtime. */
  readonly onChange: (podUid: string) => void;
  readonly signal: AbortSignal;
}

/** How often the runtime is listed: where it tells no events, and where it does, in case one was lost. */
const relistMs = 1000;
const relistWithEventsMs = 60_000;
/** A runtime may tell that a container has ended before its own list shows it; looked again this often, for this long. */
const settleEveryMs = 20;
const settleTries = 50;

interface Seen {
  readonly podUid: string;
  readonly state: string;
}

/**
 * Tells which pods have changed in the runtime: by its events, and by listing and comparing, which is all there is with a
 * runtime that has no events. Runs until the signal aborts.
 */
export function watchRuntime(options: RuntimeWatchOptions): void {
  const watch = new RuntimeWatch(options);
  const complain = (error: unknown): void => {
    if (!options.signal.aborted) options.log.error({ error }, 'the runtime is no longer watched');
  };
  watch.followEvents().catch(complain);
  watch.relistForEver().catch(complain);
}

class RuntimeWatch {
  readonly #options: RuntimeWatchOptions;
  #seen: ReadonlyMap<string, Seen> = new Map();
  #hasEvents = true;
  #isInformed = false;
  /** Its list is never behind its events. */
  #isSimulated = false;

  constructor(options: RuntimeWatchOptions) {
    this.#options = options;
  }

  async followEvents(): Promise<void> {
    const { runtime, clock, log, onChange, signal } = this.#options;
    while (!signal.aborted && this.#hasEvents) {
      try {
        this.#isInformed = true;
        for await (const event of runtime.containerEvents(signal)) {
          const uid = event.podSandboxStatus?.metadata.uid;
          if (uid !== undefined) onChange(uid);
          // Whoever looks now may still see it run, and would not look again for long.
          if (uid === undefined || (event.containerEventType === 'CONTAINER_STOPPED_EVENT' && !this.#isSimulated)) await this.#settle(event.containerId);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isCriError(error, 'unimplemented')) this.#hasEvents = false;
        else log.warn({ error }, 'the runtime does not tell its events');
      }
      this.#isInformed = false;
      await clock.sleep(relistMs, signal).catch(() => undefined);
      // What happened without an event being told.
      if (this.#hasEvents && !signal.aborted) await this.#relist().catch((error: unknown) => log.warn({ error }, 'the runtime does not answer'));
    }
  }

  async relistForEver(): Promise<void> {
    const { clock, log, signal } = this.#options;
    // Events from before the runtime knew of us are lost: at first it is listed often, then more and more seldom.
    for (let pauseMs = relistMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, relistWithEventsMs)) {
      // Events alone: the simulated runtime loses none, and a thousand nodes would each set a timer.
      this.#isSimulated = this.#isInformed && (await this.#isReliable());
      if (this.#isSimulated) return;
      try {
        await this.#relist();
      } catch (error) {
        if (!signal.aborted) log.warn({ error }, 'the runtime does not answer');
      }
      await clock.sleep(this.#isInformed ? pauseMs : relistMs, signal).catch(() => undefined);
    }
  }

  async #isReliable(): Promise<boolean> {
    const version = await this.#options.runtime.version().catch(() => undefined);
    return version?.runtimeName === 'simulated';
  }

  async #relist(): Promise<void> {
    const now = await listAll(this.#options.runtime);
    const before = this.#seen;
    this.#seen = now;
    for (const uid of changedPods(before, now)) this.#options.onChange(uid);
  }

  /** Lists until the list shows what the event told. */
  async #settle(containerId: string): Promise<void> {
    const { clock, signal } = this.#options;
    for (let tries = 0; tries < settleTries && !signal.aborted; tries++) {
      await this.#relist();
      if (this.#seen.get(containerId)?.state !== 'CONTAINER_RUNNING') return;
      await clock.sleep(settleEveryMs, signal).catch(() => undefined);
    }
  }
}

async function listAll(runtime: RuntimeService): Promise<Map<string, Seen>> {
  const [sandboxes, containers] = await Promise.all([runtime.listPodSandbox(), runtime.listContainers()]);
  const seen = new Map<string, Seen>();
  for (const { id, metadata, state } of sandboxes) seen.set(id, { podUid: metadata.uid, state });
  for (const { id, labels, state } of containers) seen.set(id, { podUid: labels[labelKeys.podUid] ?? '', state });
  return seen;
}

function changedPods(before: ReadonlyMap<string, Seen>, now: ReadonlyMap<string, Seen>): ReadonlySet<string> {
  const changed = new Set<string>();
  for (const [id, { podUid, state }] of now) if (before.get(id)?.state !== state) changed.add(podUid);
  for (const [id, { podUid }] of before) if (!now.has(id)) changed.add(podUid);
  return changed;
}
