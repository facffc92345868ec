/** Files that a daemon is configured by, and that may change while it runs. */
import { readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock, Timer } from '#base/clock.ts';

/** Files change in several steps; they are read when they have been quiet for so long. */
const settleMs = 200;

export interface FollowOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Hears the new text. */
  readonly changed: (text: string) => void;
  /** The file can no longer be followed. */
  readonly failed: (error: unknown) => void;
}

/**
 * Follows a file until the signal aborts: also where another is put in its place, as mounted ones are. A file that is
 * gone for the moment is waited for. Does not keep the process alive.
 */
export function followFile(file: string, { clock, signal, changed, failed }: FollowOptions): void {
  let timer: Timer | undefined;
  let last = textOf(file);
  const look = (): void => {
    timer = undefined;
    const text = textOf(file);
    if (text === last || text === undefined) return;
    last = text;
    changed(text);
  };
  // The directory, because what is watched is a name, not a file.
  const watcher = watch(dirname(file), { signal, persistent: false }, (_event, name) => {
    if (name === null || name === basename(file) || name.startsWith('..')) timer ??= clock.after(settleMs, look);
  });
  watcher.on('error', failed);
  signal.addEventListener('abort', () => timer?.cancel(), { once: true });
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
