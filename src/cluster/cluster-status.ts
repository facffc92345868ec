/** What can be said about a cluster of this machine from outside. */
import { existsSync, readFileSync } from 'node:fs';
import { systemClock } from '#base/clock.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { createClient } from '#client/create-client.ts';
import { createHttpsTransport } from '#client/https-transport.ts';
import { connectionFrom, loadKubeconfig } from '#client/kubeconfig.ts';
import type { ClusterLayout } from './layout.ts';
import { runningPid } from './run-lock.ts';
import { readSettings } from './settings.ts';

export interface ClusterStatus {
  readonly name: string;
  /** `unreachable`: the process is there, but its API does not answer. */
  readonly state: 'absent' | 'stopped' | 'unreachable' | 'running';
  readonly stateDir: string;
  readonly kubeconfig: string;
  readonly pid?: number;
  readonly server?: string;
  /** Resident memory of the process. */
  readonly memoryBytes?: number;
  readonly problem?: string;
  readonly nodes?: readonly { readonly name: string; readonly isReady: boolean; readonly runtime: string; readonly address: string }[];
  readonly pods?: { readonly total: number; readonly running: number };
}

/** How long the API may take to answer. */
const answerWithinMs = 5000;

/** Asks the process table and the API. Does not throw because of the cluster. */
export async function clusterStatus(layout: ClusterLayout): Promise<ClusterStatus> {
  const { name, stateDir, adminKubeconfig: kubeconfig } = layout;
  const settings = await readSettings(layout);
  if (settings === undefined) return { name, state: 'absent', stateDir, kubeconfig };
  const pid = await runningPid(layout);
  if (pid === undefined) return { name, state: 'stopped', stateDir, kubeconfig };
  const server = `https://127.0.0.1:${settings.apiPort}`;
  const known = { name, stateDir, kubeconfig, pid, server, memoryBytes: residentBytes(pid) };
  if (!existsSync(kubeconfig)) return { ...known, state: 'unreachable', problem: 'it is starting' };
  const transport = createHttpsTransport(connectionFrom(loadKubeconfig({ file: kubeconfig })), { clock: systemClock, userAgent: 'skiff-status' });
  try {
    const client = createClient(transport);
    const signal = AbortSignal.timeout(answerWithinMs);
    const [nodes, pods] = await Promise.all([client.list(Node, { signal }), client.list(Pod, { signal })]);
    return {
      ...known,
      state: 'running',
      nodes: nodes.items.map((node) => ({
        name: node.metadata.name,
        isReady: node.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
        runtime: node.status.nodeInfo?.containerRuntimeVersion ?? '',
        address: node.status.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
      })),
      pods: { total: pods.items.length, running: pods.items.filter((pod) => pod.status.phase === 'Running').length },
    };
  } catch (error) {
    return { ...known, state: 'unreachable', problem: error instanceof Error ? error.message : String(error) };
  } finally {
    await transport.close();
  }
}

/** Source: proc_pid_status(5): VmRSS, in kB. */
export function residentBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
