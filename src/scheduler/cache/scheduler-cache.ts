/**
 * What the scheduler believes: nodes and assigned pods as the informers show them, and pods it has placed itself that
 * the informers do not show yet (assumed pods). It is the snapshot, too: a decision is made in one go, so nothing is
 * copied for it; every change costs as much as it changes.
 *
 * Bound: one entry per node and per assigned pod of the cluster.
 */
import type { Node } from '#api/core/node.ts';
import type { Pod } from '#api/core/pod.ts';
import { NodeInfo } from './node-info.ts';
import type { NamespaceLabels, PodInfo } from './pod-info.ts';
import { podInfoOf } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';

interface Placed {
  readonly info: PodInfo;
  readonly nodeName: string;
  readonly isAssumed: boolean;
}

export class SchedulerCache implements Snapshot {
  readonly namespaceLabels: NamespaceLabels;
  readonly affinityNodes = new Set<NodeInfo>();
  readonly antiAffinityNodes = new Set<NodeInfo>();
  readonly #nodes = new Map<string, NodeInfo>();
  /** By uid. */
  readonly #pods = new Map<string, Placed>();
  /** Pods whose node is not known (yet, or any more), by node. */
  readonly #waiting = new Map<string, Map<string, PodInfo>>();
  readonly #imageCounts = new Map<string, number>();
  readonly #replicas = new Map<string, Map<string, number>>();
  #assumed = 0;
  #preferredTaints = 0;
  #order: readonly NodeInfo[] | undefined;

  constructor(namespaceLabels: NamespaceLabels = () => undefined) {
    this.namespaceLabels = namespaceLabels;
  }

  get nodes(): readonly NodeInfo[] {
    return (this.#order ??= interleaveZones([...this.#nodes.values()]));
  }
  get hasPreferredTaints(): boolean {
    return this.#preferredTaints > 0;
  }
  get podCount(): number {
    return this.#pods.size;
  }
  get assumedCount(): number {
    return this.#assumed;
  }

  get(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }
  nodesWithImage(name: string): number {
    return this.#imageCounts.get(name) ?? 0;
  }
  replicas(ownerUid: string): ReadonlyMap<string, number> | undefined {
    return this.#replicas.get(ownerUid);
  }

  setNode(node: Node): void {
    const { name } = node.metadata;
    const info = this.#nodes.get(name);
    if (info === undefined) {
      const added = new NodeInfo(node);
      this.#nodes.set(name, added);
      this.#order = undefined;
      this.#countNode(added, 1);
      for (const pod of this.#waiting.get(name)?.values() ?? []) this.#place(added, pod);
      this.#waiting.delete(name);
      return;
    }
    this.#countNode(info, -1);
    if (zoneOf(info.node) !== zoneOf(node)) this.#order = undefined;
    info.setNode(node);
    this.#countNode(info, 1);
  }

  deleteNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    this.#countNode(info, -1);
    const left = new Map(info.pods);
    for (const uid of left.keys()) this.#unplace(info, uid);
    this.#nodes.delete(name);
    this.#order = undefined;
    if (left.size > 0) this.#waiting.set(name, left);
  }

  /** An assigned pod, as an informer shows it. Of an assumed one it confirms (or corrects) the assumption. */
  setPod(pod: Pod): void {
    const nodeName = pod.spec.nodeName ?? '';
    if (nodeName !== '') this.#setPlaced({ info: podInfoOf(pod), nodeName, isAssumed: false });
  }

  /** Counts `info` on the node before the API server says so. */
  assume(info: PodInfo, nodeName: string): void {
    this.#setPlaced({ info, nodeName, isAssumed: true });
  }

  isAssumed(uid: string): boolean {
    return this.#pods.get(uid)?.isAssumed === true;
  }

  /** Takes back an assumption; does nothing to a pod that an informer has shown as assigned. */
  forget(uid: string): void {
    if (this.isAssumed(uid)) this.deletePod(uid);
  }

  deletePod(uid: string): void {
    const placed = this.#pods.get(uid);
    if (placed === undefined) return;
    this.#pods.delete(uid);
    if (placed.isAssumed) this.#assumed--;
    const info = this.#nodes.get(placed.nodeName);
    if (info !== undefined) {
      this.#unplace(info, uid);
      return;
    }
    const waiting = this.#waiting.get(placed.nodeName);
    waiting?.delete(uid);
    if (waiting?.size === 0) this.#waiting.delete(placed.nodeName);
  }

  #setPlaced(placed: Placed): void {
    const { uid } = placed.info;
    this.deletePod(uid);
    this.#pods.set(uid, placed);
    if (placed.isAssumed) this.#assumed++;
    const info = this.#nodes.get(placed.nodeName);
    if (info !== undefined) {
      this.#place(info, placed.info);
      return;
    }
    const waiting = this.#waiting.get(placed.nodeName);
    if (waiting === undefined) this.#waiting.set(placed.nodeName, new Map([[uid, placed.info]]));
    else waiting.set(uid, placed.info);
  }

  #place(node: NodeInfo, info: PodInfo): void {
    node.add(info);
    this.#countReplica(info, node.name, 1);
    this.#noteAffinity(node);
  }

  #unplace(node: NodeInfo, uid: string): void {
    const info = node.remove(uid);
    if (info !== undefined) this.#countReplica(info, node.name, -1);
    this.#noteAffinity(node);
  }

  #noteAffinity(node: NodeInfo): void {
    if (node.affinityPods.size > 0) this.affinityNodes.add(node);
    else this.affinityNodes.delete(node);
    if (node.antiAffinityPods.size > 0) this.antiAffinityNodes.add(node);
    else this.antiAffinityNodes.delete(node);
  }

  #countReplica({ ownerUid }: PodInfo, nodeName: string, by: 1 | -1): void {
    if (ownerUid === undefined) return;
    let counts = this.#replicas.get(ownerUid);
    if (counts === undefined) this.#replicas.set(ownerUid, (counts = new Map()));
    const count = (counts.get(nodeName) ?? 0) + by;
    if (count > 0) counts.set(nodeName, count);
    else counts.delete(nodeName);
    if (counts.size === 0) this.#replicas.delete(ownerUid);
  }

  #countNode(info: NodeInfo, by: 1 | -1): void {
    if (info.node.spec.taints?.some((taint) => taint.effect === 'PreferNoSchedule') === true) this.#preferredTaints += by;
    for (const name of info.images.keys()) {
      const count = (this.#imageCounts.get(name) ?? 0) + by;
      if (count > 0) this.#imageCounts.set(name, count);
      else this.#imageCounts.delete(name);
    }
  }
}

/** Region and zone; nodes without labels form one zone. */
function zoneOf({ metadata: { labels } }: Node): string {
  return `${labels?.['topology.kubernetes.io/region'] ?? ''}/${labels?.['topology.kubernetes.io/zone'] ?? ''}`;
}

function interleaveZones(nodes: readonly NodeInfo[]): readonly NodeInfo[] {
  const zones = [...Map.groupBy(nodes, (info) => zoneOf(info.node)).values()];
  if (zones.length <= 1) return nodes;
  const order: NodeInfo[] = [];
  for (let row = 0; order.length < nodes.length; row++) {
    for (const zone of zones) {
      const info = zone[row];
      if (info !== undefined) order.push(info);
    }
  }
  return order;
}
