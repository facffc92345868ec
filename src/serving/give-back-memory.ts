import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '#base/clock.ts';

/** When a start is over and nobody waits for anything. */
const startOverMs = 500;
/** How often a process looks whether it has become quiet. */
const lookEveryMs = 30_000;
/** The share of its time that a quiet process works. */
const quietShare = 0.15;
/** What is given back should be worth the milliseconds that it takes. */
const worthBytes = 16 * 2 ** 20;

/**
 * Gives memory that is no longer used back to the system: what starting has left behind, half a second from now, and later
 * what busy times leave behind, as soon as a quiet half minute follows. The timers do not keep the process alive.
 */
export function giveBackMemory(clock: Clock): void {
  clock.after(startOverMs, () => {
    collectAll();
    whenQuiet(clock, process.memoryUsage.rss());
  });
}

/**
 * Collects all garbage now. What starting leaves behind is about an eighth of an idle server, and nothing else would collect
 * it for a long time. Takes about 30 ms.
 */
function collectAll(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;
  collect({ type: 'major', flavor: 'last-resort' });
}

/** `lowBytes`: what was resident when there was nothing more to give back. */
function whenQuiet(clock: Clock, lowBytes: number): void {
  const before = performance.eventLoopUtilization();
  clock.after(lookEveryMs, () => {
    const residentBytes = process.memoryUsage.rss();
    const isQuiet = performance.eventLoopUtilization(before).utilization < quietShare;
    if (!isQuiet || residentBytes < lowBytes + worthBytes) return whenQuiet(clock, Math.min(lowBytes, residentBytes));
    void trimMalloc().then(() => whenQuiet(clock, process.memoryUsage.rss()));
  });
}

/**
 * A quiet V8 collects and gives back by itself; the C library does not: it keeps whatever lies below memory that is in use.
 * A few milliseconds. Where the library is another one (musl), or Node has no `node:ffi`, nothing happens.
 * Source: malloc_trim(3).
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
