/** At most one process runs a cluster, and others can find it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import type { ClusterLayout } from './layout.ts';

export interface RunLock {
  release(): Promise<void>;
}

/**
 * Claims the cluster for this process; undefined when another one has it. The claim is a socket in the kernel's abstract
 * namespace: it goes with the process however that ends, so there is nothing stale to judge, and no gap for two to slip in.
 * Source: unix(7), "abstract".
 */
export async function claimCluster(layout: Pick<ClusterLayout, 'stateDir' | 'pidFile'>): Promise<RunLock | undefined> {
  const release = await claimName(createHash('sha256').update(layout.stateDir).digest('hex').slice(0, 24));
  if (release === undefined) return undefined;
  await mkdir(dirname(layout.pidFile), { recursive: true });
  await writeFile(layout.pidFile, `${process.pid} ${startTicksOf(process.pid) ?? ''}\n`);
  return {
    async release() {
      await rm(layout.pidFile, { force: true });
      release();
    },
  };
}

/** Claims a name of this machine for this process; undefined when another one has it. What it answers gives it back. */
export async function claimName(name: string): Promise<(() => void) | undefined> {
  const server = createServer((socket) => socket.destroy());
  const isOurs = await new Promise<boolean>((resolve, reject) => {
    server.once('listening', () => resolve(true));
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
    server.listen({ path: `\0skiff-${name}` });
  });
  if (!isOurs) return undefined;
  server.unref();
  return () => server.close();
}

/** The process that runs the cluster, or undefined. */
export async function runningPid(layout: Pick<ClusterLayout, 'pidFile'>): Promise<number | undefined> {
  const [pid = '', ticks = ''] = (await readFile(layout.pidFile, 'utf8').catch(() => '')).trim().split(' ');
  if (!/^\d+$/.test(pid)) return undefined;
  // The number alone may belong to somebody else by now.
  return startTicksOf(Number(pid)) === ticks ? Number(pid) : undefined;
}

/** When the process started, in the kernel's ticks since boot; undefined when there is no such process, or only its remains. */
export function startTicksOf(pid: number): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name stands in parentheses and may hold anything; what follows are state and numbers. Source: proc_pid_stat(5).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}
