/** Notices nodes that have gone silent, and taints nodes by their conditions. */
import { Lease } from '#api/coordination/lease.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { findCondition, isReady } from '#api/core/pod-status.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { timestamp } from '#client/timestamp.ts';
import type { Controller, ReconcileContext } from '#reconcile/controller.ts';
import { recheckAfter, done } from '#reconcile/controller.ts';
import { defineController } from '#reconcile/define-controller.ts';
import type { ControllerOptions } from '../options.ts';
import type { SignsOfLife } from './plan-node.ts';
import { evictionRate, evictionTaint, isNodeReady, signsOfLife, silentConditions, wantedTaints, zoneState } from './plan-node.ts';
import { indexPodsByNode, podsOnNode } from './pods-on-node.ts';

const leaseNamespace = 'kube-node-lease';

export function nodeLifecycleController(options: ControllerOptions): Controller {
  // What was seen of the nodes is of this start only: another leader may have worked in between.
  return { name: 'node-lifecycle-controller', start: (environment) => monitor(options).start(environment) };
}

function monitor(options: ControllerOptions): Controller {
  const { nodeMonitorPeriodMs = 5000, nodeMonitorGracePeriodMs = 50_000, nodeStartupGracePeriodMs = 60_000 } = options;
  const seen = new Map<string, { readonly uid: string; readonly signs: SignsOfLife; readonly wasReady: boolean }>();
  const zones = new ZoneEvictions();

  return defineController<Node>({
    name: 'node-lifecycle-controller',
    component: 'node-controller',
    for: Node,
    reads: [Lease, Pod],
    indexes: indexPodsByNode,

    async reconcile(key, context) {
      const { lister, client, clock, recorder, signal } = context;
      const node = lister.get(Node, key);
      const before = seen.get(key);
      if (node === undefined) {
        seen.delete(key);
        if (before !== undefined) recorder.event({ object: target(key, before.uid) }, 'Normal', 'RemovingNode', `Node ${key} event: Removing Node ${key} from Controller`);
        return done;
      }
      const nowMs = clock.nowMs();
      const isNew = before?.uid !== node.metadata.uid;
      if (isNew) recorder.event({ object: node }, 'Normal', 'RegisteredNode', `Node ${key} event: Registered Node ${key} in Controller`);
      const renewTime = lister.get(Lease, `${leaseNamespace}/${key}`)?.spec.renewTime;
      const signs = signsOfLife(node, renewTime, isNew ? undefined : before.signs, nowMs);
      const hasSpoken = findCondition(node.status.conditions, 'Ready') !== undefined;
      const silentFromMs = signs.heardMs + (hasSpoken ? nodeMonitorGracePeriodMs : nodeStartupGracePeriodMs);
      const isSilent = nowMs >= silentFromMs;

      let current = node;
      const conditions = isSilent ? silentConditions(node, nowMs) : undefined;
      if (conditions !== undefined) current = await client.updateStatus(Node, { ...node, status: { ...node.status, conditions } }, { signal });
      const ready = isNodeReady(current);
      const wasReady = isNew ? ready : before.wasReady;
      if (wasReady && !ready) recorder.event({ object: current }, 'Normal', 'NodeNotReady', `Node ${key} status is now: NodeNotReady`);
      if (!ready && (wasReady || findCondition(current.status.conditions, 'Ready')?.status === 'Unknown')) await markPodsNotReady(current, context);
      seen.set(key, { uid: node.metadata.uid, signs, wasReady: ready });

      const isEvicting = evictionTaint(current.status.conditions) !== undefined;
      const wait = isEvicting ? zones.mayEvict(current, context) : { isAllowed: false, isStopped: false, afterMs: undefined };
      const base = wait.isStopped ? withoutEviction(current) : current;
      const taints = wantedTaints(base, wait.isAllowed, nowMs) ?? (base === current ? undefined : base.spec.taints);
      if (taints !== undefined) await client.update(Node, { ...current, spec: { ...current.spec, taints } }, { signal });
      if (isSilent) return recheckAfter(Math.min(wait.afterMs ?? Infinity, nodeMonitorPeriodMs));
      return recheckAfter(Math.min(wait.afterMs ?? Infinity, Math.max(nodeMonitorPeriodMs, silentFromMs - nowMs)));
    },
  });
}

function target(name: string, uid: string) {
  return { apiVersion: Node.apiVersion, kind: Node.kind, metadata: { name, uid } };
}

/** When no zone is well, the fault is likely ours: pods stay where they are. */
function withoutEviction(node: Node): Node {
  const taints = (node.spec.taints ?? []).filter(({ key, effect }) => !(effect === 'NoExecute' && key === evictionTaint(node.status.conditions)));
  return taints.length === (node.spec.taints ?? []).length ? node : { ...node, spec: { ...node.spec, taints } };
}

async function markPodsNotReady(node: Node, { lister, client, clock, recorder, signal }: ReconcileContext): Promise<void> {
  const now = timestamp(clock.nowMs());
  for (const pod of podsOnNode(lister, node.metadata.name)) {
    if (!isReady(pod)) continue;
    recorder.event({ object: pod }, 'Warning', 'NodeNotReady', 'Node is not ready');
    const conditions = (pod.status.conditions ?? []).map((condition) => (condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: now } : condition));
    try {
      await client.updateStatus(Pod, { ...pod, status: { ...pod.status, conditions } }, { signal });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }
}

interface Permission {
  readonly isAllowed: boolean;
  /** No eviction at all, and those under way are called off. */
  readonly isStopped: boolean;
  /** When to ask again. */
  readonly afterMs: number | undefined;
}

/** One node after the other: how fast the nodes of each zone may be emptied. */
class ZoneEvictions {
  readonly #nextMs = new Map<string, number>();
  #counted: { readonly atMs: number; readonly zones: ReadonlyMap<string, ZoneCount> } | undefined;

  mayEvict(node: Node, { lister, clock }: ReconcileContext): Permission {
    const nowMs = clock.nowMs();
    const zone = zoneOf(node);
    const counts = this.#count(lister, nowMs);
    const states = new Map([...counts].map(([name, { ready, notReady }]) => [name, zoneState(ready, notReady)]));
    const { ready, notReady } = withoutReady(counts.get(zone), lister.get(Node, node.metadata.name));
    states.set(zone, zoneState(ready, notReady));
    const rate = evictionRate(states, zone, ready + notReady);
    if (rate === 0) return { isAllowed: false, isStopped: [...states.values()].every((state) => state === 'FullDisruption'), afterMs: undefined };
    const nextMs = this.#nextMs.get(zone) ?? nowMs;
    const hasTaint = node.spec.taints?.some(({ key, effect }) => effect === 'NoExecute' && key === evictionTaint(node.status.conditions)) === true;
    if (hasTaint) return { isAllowed: true, isStopped: false, afterMs: undefined };
    if (nextMs > nowMs) return { isAllowed: false, isStopped: false, afterMs: nextMs - nowMs };
    this.#nextMs.set(zone, nowMs + 1000 / rate);
    return { isAllowed: true, isStopped: false, afterMs: undefined };
  }

  /** When a thousand nodes are not ready, each of them asks. */
  #count(lister: ReconcileContext['lister'], nowMs: number): ReadonlyMap<string, ZoneCount> {
    if (this.#counted !== undefined && nowMs < this.#counted.atMs + countAgainAfterMs) return this.#counted.zones;
    const zones = new Map<string, { ready: number; notReady: number }>();
    for (const node of lister.list(Node)) {
      const count = zones.get(zoneOf(node)) ?? { ready: 0, notReady: 0 };
      if (isNodeReady(node)) count.ready++;
      else count.notReady++;
      zones.set(zoneOf(node), count);
    }
    this.#counted = { atMs: nowMs, zones };
    return zones;
  }
}

interface ZoneCount {
  readonly ready: number;
  readonly notReady: number;
}

const countAgainAfterMs = 100;

/** A node that is known not to be ready counts as such, though the lister may show it as it was. */
function withoutReady({ ready, notReady }: ZoneCount = { ready: 0, notReady: 0 }, shown: Node | undefined): ZoneCount {
  return shown !== undefined && isNodeReady(shown) && ready > 0 ? { ready: ready - 1, notReady: notReady + 1 } : { ready, notReady: Math.max(1, notReady) };
}

function zoneOf({ metadata }: Node): string {
  return `${metadata.labels?.['topology.kubernetes.io/region'] ?? ''}/${metadata.labels?.['topology.kubernetes.io/zone'] ?? ''}`;
}
