import type { Clock } from '#base/clock.ts';
import type { ContainerStats } from '../cri/records.ts';
import type { NodePlatform } from '../platform.ts';
import { labelKeys } from '../pod/labels.ts';

/** What `/stats/summary` answers. Source: Kubernetes, the kubelet's Summary API. */
export interface NodeSummary {
  readonly node: { readonly nodeName: string; readonly startTime: string; readonly cpu?: CpuStats; readonly memory?: MemoryStats };
  readonly pods: readonly PodStats[];
}

export interface PodStats {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly startTime: string;
  readonly containers: readonly ContainerSummary[];
  readonly cpu?: CpuStats;
  readonly memory?: MemoryStats;
  readonly network?: { readonly time: string; readonly name: string; readonly rxBytes?: number | undefined; readonly txBytes?: number | undefined };
}

interface ContainerSummary {
  readonly name: string;
  readonly startTime: string;
  readonly cpu?: CpuStats;
  readonly memory?: MemoryStats;
}

interface CpuStats {
  readonly time: string;
  readonly usageNanoCores?: number;
  readonly usageCoreNanoSeconds?: number;
}

interface MemoryStats {
  readonly time: string;
  readonly workingSetBytes?: number;
  readonly usageBytes?: number;
  readonly rssBytes?: number;
}

/** Asks the runtime what its containers use now. CPU rates come from two readings: the first answer has none. */
export class StatsReader {
  readonly #platform: NodePlatform;
  readonly #nodeName: string;
  readonly #startedAt: string;
  /** The last reading of each container's CPU time. */
  #before = new Map<string, { readonly atNs: number; readonly usedNs: number }>();

  constructor(platform: NodePlatform, options: { readonly nodeName: string; readonly clock: Clock }) {
    this.#platform = platform;
    this.#nodeName = options.nodeName;
    this.#startedAt = isoTime(options.clock.nowMs());
  }

  async summary(): Promise<NodeSummary> {
    const { runtime } = this.#platform;
    const [containers, sandboxes] = await Promise.all([runtime.listContainerStats(), runtime.listPodSandbox({ state: 'SANDBOX_READY' })]);
    const byPod = new Map<string, ContainerSummary[]>();
    const readings = new Map<string, { readonly atNs: number; readonly usedNs: number }>();
    for (const stats of containers) {
      const uid = stats.attributes.labels[labelKeys.podUid] ?? '';
      const list = byPod.get(uid) ?? [];
      list.push(this.#summaryOf(stats, readings));
      byPod.set(uid, list);
    }
    this.#before = readings;
    const pods = sandboxes.map(({ metadata: { name, namespace, uid }, createdAt }): PodStats => {
      const own = byPod.get(uid) ?? [];
      return { podRef: { name, namespace, uid }, startTime: isoTime(createdAt / 1e6), containers: own, ...total(own) };
    });
    return { node: { nodeName: this.#nodeName, startTime: this.#startedAt, ...total(pods) }, pods };
  }

  #summaryOf({ attributes, cpu, memory }: ContainerStats, readings: Map<string, { readonly atNs: number; readonly usedNs: number }>): ContainerSummary {
    const before = this.#before.get(attributes.id);
    let rate = cpu?.usageNanoCores;
    if (cpu?.usageCoreNanoSeconds !== undefined) {
      readings.set(attributes.id, { atNs: cpu.timestamp, usedNs: cpu.usageCoreNanoSeconds });
      if (before !== undefined && cpu.timestamp > before.atNs) rate = Math.round(((cpu.usageCoreNanoSeconds - before.usedNs) * 1e9) / (cpu.timestamp - before.atNs));
    }
    return {
      name: attributes.metadata.name,
      startTime: this.#startedAt,
      ...(cpu === undefined ? {} : {
        cpu: {
          time: isoTime(cpu.timestamp / 1e6), ...(rate === undefined ? {} : { usageNanoCores: rate }),
          ...(cpu.usageCoreNanoSeconds === undefined ? {} : { usageCoreNanoSeconds: cpu.usageCoreNanoSeconds }),
        },
      }),
      ...(memory === undefined ? {} : {
        memory: {
          time: isoTime(memory.timestamp / 1e6),
          ...(memory.workingSetBytes === undefined ? {} : { workingSetBytes: memory.workingSetBytes }),
          ...(memory.usageBytes === undefined ? {} : { usageBytes: memory.usageBytes }),
          ...(memory.rssBytes === undefined ? {} : { rssBytes: memory.rssBytes }),
        },
      }),
    };
  }
}

function total(parts: readonly { readonly cpu?: CpuStats; readonly memory?: MemoryStats }[]): { readonly cpu?: CpuStats; readonly memory?: MemoryStats } {
  const sum = (pick: (part: { readonly cpu?: CpuStats; readonly memory?: MemoryStats }) => number | undefined): number => parts.reduce((all, part) => all + (pick(part) ?? 0), 0);
  const cpuTime = parts.find(({ cpu }) => cpu !== undefined)?.cpu?.time;
  const memoryTime = parts.find(({ memory }) => memory !== undefined)?.memory?.time;
  return {
    ...(cpuTime === undefined ? {} : { cpu: { time: cpuTime, usageNanoCores: sum(({ cpu }) => cpu?.usageNanoCores), usageCoreNanoSeconds: sum(({ cpu }) => cpu?.usageCoreNanoSeconds) } }),
    ...(memoryTime === undefined ? {} : {
      memory: {
        time: memoryTime, workingSetBytes: sum(({ memory }) => memory?.workingSetBytes), usageBytes: sum(({ memory }) => memory?.usageBytes), rssBytes: sum(({ memory }) => memory?.rssBytes),
      },
    }),
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
