/** A node with what runs on it, added up as pods come and go. */
import { clash } from '#api/core/host-ports.ts';
import type { HostPort } from '#api/core/host-ports.ts';
import type { Node } from '#api/core/node.ts';
import { resourceAmounts } from '#api/core/pod-resources.ts';
import { value } from '#apimachinery/quantity.ts';
import type { PodInfo } from './pod-info.ts';

/** As much of a NodeInfo as plugins may look at. */
export interface ReadonlyNodeInfo {
  readonly name: string;
  readonly node: Node;
  readonly pods: ReadonlyMap<string, PodInfo>;
  readonly affinityPods: ReadonlySet<PodInfo>;
  readonly antiAffinityPods: ReadonlySet<PodInfo>;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly ephemeralStorageBytes: number;
  readonly usualCpuMillis: number;
  readonly usualMemoryBytes: number;
  readonly allocatable: Allocatable;
  /** Sizes in bytes by every name an image has. */
  readonly images: ReadonlyMap<string, number>;
  /** How much of an extended resource is taken. */
  scalar(name: string): number;
  hasPort(port: HostPort): boolean;
  /** Its own, to be changed without harm. */
  clone(): NodeInfo;
}

export interface Allocatable {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly ephemeralStorageBytes: number;
  readonly pods: number;
  readonly scalars: Readonly<Record<string, number>>;
}

export class NodeInfo implements ReadonlyNodeInfo {
  readonly name: string;
  node: Node;
  readonly pods = new Map<string, PodInfo>();
  readonly affinityPods = new Set<PodInfo>();
  readonly antiAffinityPods = new Set<PodInfo>();
  cpuMillis = 0;
  memoryBytes = 0;
  ephemeralStorageBytes = 0;
  usualCpuMillis = 0;
  usualMemoryBytes = 0;
  allocatable: Allocatable;
  images: ReadonlyMap<string, number>;
  /** Both stay absent until they are needed: most nodes have neither. */
  #scalars: Map<string, number> | undefined;
  #ports: HostPort[] | undefined;

  constructor(node: Node) {
    this.name = node.metadata.name;
    this.node = node;
    this.allocatable = allocatableOf(node);
    this.images = imagesOf(node);
  }

  setNode(node: Node): void {
    const old = this.node;
    this.node = node;
    if (old.status.allocatable !== node.status.allocatable) this.allocatable = allocatableOf(node);
    if (old.status.images !== node.status.images) this.images = imagesOf(node);
  }

  add(info: PodInfo): void {
    if (this.pods.has(info.uid)) this.remove(info.uid);
    this.pods.set(info.uid, info);
    this.#count(info, 1);
    if (info.hasAffinity) this.affinityPods.add(info);
    if (info.antiAffinity.length > 0) this.antiAffinityPods.add(info);
    if (info.hostPorts.length > 0) this.#ports = [...(this.#ports ?? []), ...info.hostPorts];
  }

  remove(uid: string): PodInfo | undefined {
    const info = this.pods.get(uid);
    if (info === undefined) return undefined;
    this.pods.delete(uid);
    this.#count(info, -1);
    this.affinityPods.delete(info);
    this.antiAffinityPods.delete(info);
    for (const port of info.hostPorts) {
      const index = this.#ports?.indexOf(port) ?? -1;
      if (index >= 0) this.#ports = this.#ports?.toSpliced(index, 1);
    }
    return info;
  }

  scalar(name: string): number {
    return this.#scalars?.get(name) ?? 0;
  }

  hasPort(port: HostPort): boolean {
    return this.#ports?.some((taken) => clash(taken, port)) ?? false;
  }

  clone(): NodeInfo {
    const copy = new NodeInfo(this.node);
    for (const info of this.pods.values()) copy.add(info);
    return copy;
  }

  #count({ requests, usualCpuMillis, usualMemoryBytes }: PodInfo, sign: 1 | -1): void {
    this.cpuMillis += sign * requests.cpuMillis;
    this.memoryBytes += sign * requests.memoryBytes;
    this.ephemeralStorageBytes += sign * requests.ephemeralStorageBytes;
    this.usualCpuMillis += sign * usualCpuMillis;
    this.usualMemoryBytes += sign * usualMemoryBytes;
    for (const name in requests.scalars) {
      this.#scalars ??= new Map();
      this.#scalars.set(name, (this.#scalars.get(name) ?? 0) + sign * (requests.scalars[name] ?? 0));
    }
  }
}

function allocatableOf({ status }: Node): Allocatable {
  const list = status.allocatable ?? status.capacity;
  const { cpuMillis, ephemeralStorageBytes, memoryBytes, scalars } = resourceAmounts(list);
  return { cpuMillis, memoryBytes, ephemeralStorageBytes, scalars, pods: list?.['pods'] === undefined ? 0 : value(list['pods']) };
}

function imagesOf({ status }: Node): ReadonlyMap<string, number> {
  const images = new Map<string, number>();
  for (const { names, sizeBytes } of status.images ?? []) {
    // Absent names are written as null.
    for (const name of (names as readonly string[] | null) ?? []) images.set(name, sizeBytes ?? 0);
  }
  return images;
}
