import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { systemRandom } from '#base/random.ts';
import { openMemoryStore } from './memory.ts';
import { openSqliteStore } from './sqlite.ts';
import type { Store } from './store.ts';

export interface StoreBenchResult {
  readonly backend: 'memory' | 'sqlite';
  readonly puts: readonly PutRate[];
  /** Time to open the file after the runs (its content: 10000 keys of 2 KB). */
  readonly reopenMs?: number;
  /** Size of file and write-ahead log after 1e5 rewrites of 100 keys of 2 KB (live: 0.2 MB), and the largest on the way. */
  readonly rewritten?: { readonly bytes: number; readonly peakBytes: number };
}

export interface PutRate {
  readonly writers: number;
  readonly putsPerSecond: number;
  /** Processor time of the whole process, threads included. */
  readonly cpuMsPerPut: number;
}

const valueBytes = 2048;

/** Measures both backends; takes about `seconds` per number of writers and backend, and some seconds more. */
export async function benchStore(options: { readonly seconds: number; readonly rewrites: number }): Promise<StoreBenchResult[]> {
  const memory = openMemoryStore({ clock: systemClock, random: systemRandom });
  const results: StoreBenchResult[] = [{ backend: 'memory', puts: await putRates(memory, options.seconds) }];
  await memory.close();
  const directory = await mkdtemp(join(tmpdir(), 'skiff-bench-'));
  try {
    results.push(await benchSqlite(directory, options));
  } finally {
    await rm(directory, { recursive: true });
  }
  return results;
}

async function benchSqlite(directory: string, options: { readonly seconds: number; readonly rewrites: number }): Promise<StoreBenchResult> {
  const file = join(directory, 'store.db');
  const open = (path: string): Promise<Store> => openSqliteStore({ file: path, clock: systemClock, random: systemRandom });
  const store = await open(file);
  const puts = await putRates(store, options.seconds);
  await store.close();
  const startMs = systemClock.monotonicMs();
  const again = await open(file);
  const reopenMs = systemClock.monotonicMs() - startMs;
  await again.close();
  const rewrittenFile = join(directory, 'rewritten.db');
  const rewriting = await open(rewrittenFile);
  const rewritten = await rewrite(rewriting, { file: rewrittenFile, count: options.rewrites });
  await rewriting.close();
  return { backend: 'sqlite', puts, reopenMs, rewritten };
}

async function putRates(store: Store, seconds: number): Promise<PutRate[]> {
  const rates: PutRate[] = [];
  for (const writers of [1, 8, 64]) rates.push(await putRate(store, { writers, seconds }));
  return rates;
}

async function putRate(store: Store, options: { readonly writers: number; readonly seconds: number }): Promise<PutRate> {
  const cpuBefore = process.cpuUsage();
  const startMs = systemClock.monotonicMs();
  const untilMs = startMs + options.seconds * 1000;
  let puts = 0;
  const write = async (): Promise<void> => {
    while (systemClock.monotonicMs() < untilMs) {
      await store.put(`/bench/${(puts++ * 7919) % 10_000}`, new Uint8Array(valueBytes), { any: true });
      // A store in memory answers without leaving this turn; the clock has to be read, but not at each put.
      if (puts % 256 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: options.writers }, write));
  const elapsedMs = systemClock.monotonicMs() - startMs;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    writers: options.writers,
    putsPerSecond: Math.round((puts / elapsedMs) * 1000),
    cpuMsPerPut: Number(((cpu.user + cpu.system) / 1000 / puts).toFixed(4)),
  };
}

async function rewrite(store: Store, options: { readonly file: string; readonly count: number }): Promise<{ bytes: number; peakBytes: number }> {
  let peakBytes = 0;
  for (let done = 0; done < options.count; done += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => store.put(`/rewritten/${index}`, new Uint8Array(valueBytes), { any: true })));
    if (done % 5000 === 0) peakBytes = Math.max(peakBytes, await fileBytes(options.file));
  }
  return { bytes: await fileBytes(options.file), peakBytes };
}

/** The file and its write-ahead log. */
async function fileBytes(file: string): Promise<number> {
  const sizes = await Promise.all([stat(file), stat(`${file}-wal`)]);
  return sizes.reduce((sum, { size }) => sum + size, 0);
}
