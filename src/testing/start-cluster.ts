import type { Clock } from '#base/clock.ts';
import { SimulatedClock, stayAwake, systemClock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import { inProcessAdmin } from '#apiserver/api-server.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { Client, ObjectKey } from '#client/client.ts';
import { createClient } from '#client/create-client.ts';
import type { SharedInformers } from '#client/informer.ts';
import { keyOf } from '#client/informer.ts';
import { nodeUser } from '#cluster/component-users.ts';
import { startControlPlane } from '#cluster/control-plane.ts';
import { inProcessNodes } from '#cluster/in-process-nodes.ts';
import type { SimulatedNode, SimulatedNodeOptions } from '#cluster/simulated-node.ts';
import { startSimulatedNode } from '#cluster/simulated-node.ts';
import type { ControllerOptions } from '#controllers/index.ts';
import type { KubeletHandle } from '#kubelet/kubelet-handle.ts';
import { createServiceAccountKey } from '#pki/service-account-key.ts';
import { openMemoryStore } from '#store/memory.ts';
import type { Store } from '#store/store.ts';
import type { TestEndpoint } from './endpoint.ts';
import { openEndpoint } from './endpoint.ts';

export type NodeRequest = Partial<Pick<SimulatedNodeOptions, 'nodeName' | 'labels' | 'capacity' | 'behaviour' | 'pull'>>;

export interface TestClusterOptions {
  /** How many simulated nodes, or what they are like. Default: 1. Nodes are called node-1, node-2, ... */
  readonly nodes?: number | readonly NodeRequest[];
  /** `simulated`: time stands still until `advance` is called. Default: the machine's clock. */
  readonly clock?: 'simulated' | Clock;
  /** Names, ids and jitter follow from it. Default: 1. */
  readonly seed?: number;
  /** What the controllers are told; `enabled` chooses them. Default: all. */
  readonly controllers?: ControllerOptions;
  /** What containers do, on every node that does not say otherwise. Default: they run until they are stopped. */
  readonly behaviour?: NodeRequest['behaviour'];
  readonly log?: Logger;
  /** Where objects are kept; it stays the caller's to close. Default: memory. */
  readonly store?: Store;
}

/** A cluster in the test's own process: API server, all controllers, scheduler and simulated nodes on a memory store. */
export interface TestCluster {
  /** Speaks as the administrator, without sockets and encoding. */
  readonly client: Client;
  readonly informers: SharedInformers;
  readonly clock: Clock;
  readonly nodes: ReadonlyMap<string, SimulatedNode>;
  /** Adds a node; resolves when it is registered. */
  addNode(request?: NodeRequest): Promise<SimulatedNode>;
  /** Stops a node's kubelet as a power cut would: nothing is told to anybody. */
  stopNode(name: string): Promise<void>;
  /** Moves a simulated clock on and lets the consequences settle. Throws on a real one. */
  advance(byMs: number): Promise<void>;
  /**
   * The object as soon as `condition` holds for it (`undefined` stands for an absent one). Rejects after `timeoutMs` of
   * the machine's time (default 10 s) with the last state seen. On a simulated clock time moves on meanwhile.
   */
  until<T extends KubeObject>(kind: ResourceKind<T>, key: ObjectKey, condition: (object: T | undefined) => boolean, options?: { readonly timeoutMs?: number }): Promise<T | undefined>;
  /** Opens a real HTTPS port for other tools; the same one for every call. */
  endpoint(): Promise<TestEndpoint>;
  /** Ends everything. Idempotent. */
  close(): Promise<void>;
}

/** Starts a cluster. Resolves when every controller works, every node is registered, and pods can be created. */
export async function startCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const clock = options.clock === 'simulated' ? new SimulatedClock() : (options.clock ?? systemClock);
  const random = seededRandom(options.seed ?? 1);
  const log = options.log ?? silentLog;
  const requests = typeof options.nodes === 'number' || options.nodes === undefined ? Array.from({ length: options.nodes ?? 1 }, () => ({})) : options.nodes;
  const store = options.store ?? openMemoryStore({ clock, random });
  const nodes = new Map<string, SimulatedNode>();
  const handles = (name: string): KubeletHandle | undefined => nodes.get(name)?.kubelet.handle;
  const controlPlane = await startControlPlane({
    store, clock, random, log, serviceAccountKey: createServiceAccountKey(), nodes: inProcessNodes(handles, clock), controllers: { rootCaPem: placeholderCa, clusterCidrs: [podRangeFor(requests.length)], ...options.controllers },
  });
  const { apiServer, informers } = controlPlane;
  const client = createClient(apiServer.transport(inProcessAdmin, 'test'));
  let endpoint: Promise<TestEndpoint> | undefined;
  let added = 0;
  let closed: Promise<void> | undefined;

  async function addNode(request: NodeRequest = {}): Promise<SimulatedNode> {
    const index = ++added;
    const nodeName = request.nodeName ?? `node-${index}`;
    const context = controlPlane.contextFor('kubelet', nodeUser(nodeName));
    const node = startSimulatedNode(context, { random, index, ...(options.behaviour !== undefined && { behaviour: options.behaviour }), ...request, nodeName });
    nodes.set(nodeName, node);
    await settleWhile(clock, node.kubelet.ready);
    return node;
  }

  async function closeAll(): Promise<void> {
    await Promise.all([...nodes.values()].map((node) => node.kubelet.close()));
    await controlPlane.close();
    if (options.store === undefined) await store.close();
  }

  await Promise.all(requests.map(addNode));
  // Without it the first pod would be refused.
  if (options.controllers?.enabled === undefined) await until(informers, clock, ServiceAccount, { namespace: 'default', name: 'default' }, (account) => account !== undefined, startTimeoutMs);

  return {
    client,
    informers,
    clock,
    nodes,
    addNode,
    async stopNode(name) {
      await nodes.get(name)?.kubelet.close();
      nodes.delete(name);
    },
    async advance(byMs) {
      if (!(clock instanceof SimulatedClock)) throw new Error('only a simulated clock can be moved on: start the cluster with { clock: "simulated" }');
      await clock.advance(byMs);
    },
    until: (kind, key, condition, { timeoutMs = 10_000 } = {}) => until(informers, clock, kind, key, condition, timeoutMs),
    endpoint: () => (endpoint ??= openEndpoint(apiServer, clock)),
    close: () => (closed ??= closeAll()),
  };
}

/** In one process nobody speaks TLS; a cluster with an HTTPS endpoint has a real authority, but pods of tests do not use it. */
const placeholderCa = '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n';
/** Every node takes 256 addresses: the usual range is enough for 256 nodes, the wide one for 32,768. */
function podRangeFor(nodes: number): string {
  return nodes <= 200 ? '10.244.0.0/16' : '10.128.0.0/9';
}
/** Of the machine's time; a start takes a few hundredths of it. */
const startTimeoutMs = 5_000;
/** How far a simulated clock moves at once while something is waited for. */
const stepMs = 100;

/** Waits for `promise`; on a simulated clock time moves on meanwhile. */
async function settleWhile<T>(clock: Clock, promise: Promise<T>): Promise<T> {
  if (!(clock instanceof SimulatedClock)) return promise;
  const state = { isSettled: false };
  const settled = promise.finally(() => {
    state.isSettled = true;
  });
  settled.catch(() => {});
  while (!state.isSettled) await clock.advance(stepMs);
  return settled;
}

async function until<T extends KubeObject>(
  informers: SharedInformers, clock: Clock, kind: ResourceKind<T>, key: ObjectKey, condition: (object: T | undefined) => boolean, timeoutMs: number,
): Promise<T | undefined> {
  const sleepAgain = stayAwake();
  const informer = informers.for(kind);
  await settleWhile(clock, informer.synced());
  const wanted = keyOf({ metadata: key });
  const found = Promise.withResolvers<T | undefined>();
  const look = (): void => {
    const object = informer.get(wanted);
    if (condition(object)) found.resolve(object);
  };
  const stop = informer.addHandler({ added: look, updated: look, deleted: look });
  look();
  // The machine's own time bounds the wait, whatever clock the cluster runs on.
  const late = systemClock.after(timeoutMs, () => {
    found.reject(new Error(`${kind.kind} ${wanted} is not as expected after ${timeoutMs} ms: ${JSON.stringify(informer.get(wanted) ?? null)}`));
  });
  try {
    return await settleWhile(clock, found.promise);
  } finally {
    late.cancel();
    stop();
    sleepAgain();
  }
}
