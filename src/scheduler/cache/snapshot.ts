/** The cluster as one scheduling decision sees it. Nothing changes while a decision is made: it does not wait. */
import type { ReadonlyNodeInfo } from './node-info.ts';
import type { NamespaceLabels } from './pod-info.ts';

export interface Snapshot {
  /** Zones take turns, so that a search that stops early has seen all of them. */
  readonly nodes: readonly ReadonlyNodeInfo[];
  get(name: string): ReadonlyNodeInfo | undefined;
  /** Nodes on which some pod has rules about other pods. */
  readonly affinityNodes: ReadonlySet<ReadonlyNodeInfo>;
  /** Nodes on which some pod keeps others away. */
  readonly antiAffinityNodes: ReadonlySet<ReadonlyNodeInfo>;
  /** Whether any node would rather not have some pods. */
  readonly hasPreferredTaints: boolean;
  /** On how many nodes an image is, by name. */
  nodesWithImage(name: string): number;
  /** How many replicas of a controller there are, by node. */
  replicas(ownerUid: string): ReadonlyMap<string, number> | undefined;
  readonly namespaceLabels: NamespaceLabels;
}

/** `snapshot` with one node in another state. */
export function withNode(snapshot: Snapshot, changed: ReadonlyNodeInfo): Snapshot {
  const swap = (nodes: ReadonlySet<ReadonlyNodeInfo>, belongs: boolean): ReadonlySet<ReadonlyNodeInfo> => {
    const others = [...nodes].filter((node) => node.name !== changed.name);
    return new Set(belongs ? [...others, changed] : others);
  };
  return {
    get nodes() {
      return snapshot.nodes.map((node) => (node.name === changed.name ? changed : node));
    },
    get: (name) => (name === changed.name ? changed : snapshot.get(name)),
    get affinityNodes() {
      return swap(snapshot.affinityNodes, changed.affinityPods.size > 0);
    },
    get antiAffinityNodes() {
      return swap(snapshot.antiAffinityNodes, changed.antiAffinityPods.size > 0);
    },
    hasPreferredTaints: snapshot.hasPreferredTaints,
    nodesWithImage: (name) => snapshot.nodesWithImage(name),
    replicas: (ownerUid) => snapshot.replicas(ownerUid),
    namespaceLabels: snapshot.namespaceLabels,
  };
}
