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
  /** How often to list where the runtime tells no events. Default 1 s. */
  readonly relistMs?: number;
}

/** When the list was last complete, for the health of the node. */
export interface RuntimeWatch {
  readonly lastSeenMs: number;
}

/**
 * Tells which pods have changed in the runtime: by its events, or, where it has none (containerd before 1.7), by listing
 * it every second and comparing. Runs until the signal aborts.
 */
export function watchRuntime(options: RuntimeWatchOptions): RuntimeWatch {
  const watch = { lastSeenMs: options.clock.nowMs() };
  follow(options, watch).catch((error: unknown) => {
    if (!options.signal.aborted) options.log.error({ error }, 'the runtime is no longer watched');
  });
  return watch;
}

async function follow(options: RuntimeWatchOptions, watch: { lastSeenMs: number }): Promise<void> {
  const { runtime, clock, log, onChange, signal, relistMs = 1000 } = options;
  let seen = new Map<string, Seen>();
  let hasEvents = true;
  while (!signal.aborted) {
    try {
      if (hasEvents) {
        for await (const event of runtime.containerEvents(signal)) {
          watch.lastSeenMs = clock.nowMs();
          const uid = event.podSandboxStatus?.metadata.uid;
          if (uid !== undefined) onChange(uid);
        }
      }
      const now = await listAll(runtime);
      watch.lastSeenMs = clock.nowMs();
      for (const uid of changedPods(seen, now)) onChange(uid);
      seen = now;
    } catch (error) {
      if (signal.aborted) return;
      if (isCriError(error, 'unimplemented')) hasEvents = false;
      else log.warn({ error }, 'the runtime does not answer');
    }
    await clock.sleep(relistMs, signal).catch(() => undefined);
  }
}

interface Seen {
  readonly podUid: string;
  readonly state: string;
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
