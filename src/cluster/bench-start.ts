/** Measures what a user waits for: from `up` to an answer, from a manifest to pods, and what an idle cluster costs. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { Clock } from '#base/clock.ts';
import { residentBytes } from './cluster-status.ts';

/** Milliseconds until the API server on this port answers /readyz with 200, asked every few milliseconds. */
export async function untilReady(port: number, { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number }): Promise<number> {
  const startMs = clock.monotonicMs();
  for (;;) {
    if (await isReady(port)) return clock.monotonicMs() - startMs;
    if (clock.monotonicMs() - startMs > timeoutMs) throw new Error(`/readyz does not answer after ${timeoutMs / 1000} s`);
    await clock.sleep(3);
  }
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: '/readyz', rejectUnauthorized: false, agent: false, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.once('error', () => resolve(false));
    asked.end();
  });
}

export interface IdleCost {
  readonly memoryMiB: number;
  /** Of one core. */
  readonly cpuPercent: number;
}

/** What a process costs while nobody asks anything of it. */
export async function idleCost(pid: number, { clock, overMs }: { readonly clock: Clock; readonly overMs: number }): Promise<IdleCost> {
  const before = cpuMs(pid);
  const startMs = clock.monotonicMs();
  await clock.sleep(overMs);
  const cpuPercent = ((cpuMs(pid) - before) / (clock.monotonicMs() - startMs)) * 100;
  return { memoryMiB: residentBytes(pid) / 1024 ** 2, cpuPercent };
}

/** Source: proc_pid_stat(5): utime and stime, in ticks of 10 ms. */
function cpuMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
