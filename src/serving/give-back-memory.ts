import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '#base/clock.ts';

/** When a start is over and nobody waits for anything. */
const startOverMs = 500;
/** How often a process looks whether it has become quiet. */
const lookEveryMs = 10_000;
/** The share of its time that a quiet process works. */
const quietShare = 0.15;
/** What is given back should be worth the work. */
const worthBytes = 16 * 2 ** 20;
/** V8 starts to collect when so much has come to buffers since it did so last (64 MiB), and a little. */
const nudgeBytes = 72 * 2 ** 20;

/**
 * Gives memory that is no longer used back to the system: what starting has left behind, half a second from now, and later
 * what busy times leave behind, within half a minute of quiet. The timers do not keep the process alive.
 */
export function giveBackMemory(clock: Clock): void {
  clock.after(startOverMs, () => {
    collectNow();
    look(clock, process.memoryUsage.rss());
  });
}

/**
 * Collects all garbage at once. What starting leaves behind is about an eighth of an idle server, and nothing else would
 * collect it for a long time. Takes about 30 ms.
 */
function collectNow(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;
  collect({ type: 'major', flavor: 'last-resort' });
}

/** `lowBytes`: what was resident when there was nothing more to give back. */
function look(clock: Clock, lowBytes: number): void {
  const before = performance.eventLoopUtilization();
  clock.after(lookEveryMs, () => {
    const residentBytes = process.memoryUsage.rss();
    const isQuiet = performance.eventLoopUtilization(before).utilization < quietShare;
    if (!isQuiet || residentBytes < lowBytes + worthBytes) return look(clock, Math.min(lowBytes, residentBytes));
    collectInSteps();
    clock.after(lookEveryMs, () => {
      setFlagsFromString('--no-memory-saver-mode');
      void trimMalloc().then(() => look(clock, process.memoryUsage.rss()));
    });
  });
}

/**
 * Makes V8 collect, in steps of a few milliseconds, and close the gaps: told to save memory it does so when it collects next,
 * and memory that is asked for, but not touched, lets it begin. Left alone it would keep a heap that is half empty for good.
 */
function collectInSteps(): void {
  setFlagsFromString('--memory-saver-mode');
  void new ArrayBuffer(nudgeBytes);
}

/**
 * The C library keeps what lies below memory that is in use, unless it is asked. A few milliseconds. Where the library is
 * another one (musl), or Node has no `node:ffi`, nothing happens. Source: malloc_trim(3).
 */
async function trimMalloc(): Promise<void> {
  try {
    const { dlopen } = await import('node:ffi');
    const { lib, functions } = dlopen(null, { malloc_trim: { arguments: ['uint64'], return: 'int32' } });
    functions.malloc_trim(0n);
    lib.close();
  } catch {
    // It is a courtesy to the machine's other processes.
  }
}
