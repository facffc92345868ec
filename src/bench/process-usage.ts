import { readFileSync } from 'node:fs';

/** What processes have used since they began, and the memory they hold now. */
export interface ProcessUsage {
  /** User and system time of all their threads. In steps of 10 ms per process. */
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** Linux counts processor time in hundredths of a second, whatever the kernel's own tick is. */
const msPerTick = 10;
const bytesPerPage = 4096;

/** The sum over the processes. Throws when one of them is gone. Source: proc_pid_stat(5). */
export function usageOf(pids: readonly number[]): ProcessUsage {
  let cpuMs = 0;
  let residentBytes = 0;
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold blanks; what follows it is fields 3 and on.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    cpuMs += (Number(fields[11]) + Number(fields[12])) * msPerTick;
    residentBytes += Number(fields[21]) * bytesPerPage;
  }
  return { cpuMs, residentBytes };
}
