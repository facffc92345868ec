import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '#base/clock.ts';

/** When a start is over and nobody waits for anything. */
const startOverMs = 500;
/** How often a process looks whether it has become quiet, and how long V8 is given to collect. */
const lookEveryMs = 5_000;
/** The share of its time that a quiet process works. */
const quietShare = 0.15;
/** While it collects, it is looked at this often, and works more than so much of the time when there is something else to do. */
const glanceMs = 1_000;
const busyShare = 0.5;
/** What is given back should be worth the work. */
const worthBytes = 16 * 2 ** 20;
/** V8 starts to collect when so much has come to buffers since it did so last (64 MiB), and a little. */
const nudgeBytes = 72 * 2 ** 20;

/**
 * Gives memory that is no longer used back to the system: what starting has left behind, half a second from now, and later
 * what busy times leave behind, when five quiet seconds follow. The timers do not keep the process alive.
 */
export function giveBackMemory(clock: Clock): void {
  clock.after(startOverMs, () => {
    collectNow();
    look(clock, { lowBytes: process.memoryUsage.rss(), wasBusy: false });
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
function look(clock: Clock, { lowBytes, wasBusy }: { readonly lowBytes: number; readonly wasBusy: boolean }): void {
  const before = performance.eventLoopUtilization();
  clock.after(lookEveryMs, () => {
    const isQuiet = performance.eventLoopUtilization(before).utilization < quietShare;
    if (!isQuiet || !wasBusy) return look(clock, { lowBytes, wasBusy: !isQuiet });
    if (process.memoryUsage.rss() < lowBytes + worthBytes) return look(clock, { lowBytes, wasBusy: false });
    void collectInSteps(clock).then((residentBytes) => look(clock, { lowBytes: residentBytes ?? lowBytes, wasBusy: residentBytes === undefined }));
  });
}

/**
 * Makes V8 collect in steps of a few milliseconds and close the gaps, again and again as long as that is worth it: told to
 * save memory it moves a few MiB whenever it collects, and memory that is asked for, but not touched, makes it begin. Left
 * alone it would keep a heap that is half empty for good. Resolves to what is still resident; to undefined when there was
 * something to do before it was over: a V8 that saves memory works slowly.
 */
async function collectInSteps(clock: Clock): Promise<number | undefined> {
  setFlagsFromString('--memory-saver-mode');
  try {
    for (let before = process.memoryUsage.rss(); ;) {
      void new ArrayBuffer(nudgeBytes);
      if (!(await staysQuiet(clock))) return undefined;
      await trimMalloc();
      const after = process.memoryUsage.rss();
      if (after > before - worthBytes) return after;
      before = after;
    }
  } finally {
    setFlagsFromString('--no-memory-saver-mode');
  }
}

/** Whether nobody asks for anything while V8 collects; told as soon as somebody does. */
async function staysQuiet(clock: Clock): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < lookEveryMs; waitedMs += glanceMs) {
    const before = performance.eventLoopUtilization();
    await clock.sleep(glanceMs);
    if (performance.eventLoopUtilization(before).utilization > busyShare) return false;
  }
  return true;
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
