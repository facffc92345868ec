/**
 * The scheduler as a whole: API server on a memory store, scheduler and informers in this process; pods are created by
 * several clients, and the time until all of them are bound counts. And the decision alone, for the workloads of
 * upstream's scheduler-perf.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Namespace } from '#api/core/namespace.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { createApiServer } from '#apiserver/api-server.ts';
import { noNodes } from '#apiserver/request/node-gateway.ts';
import type { Given } from '#apimachinery/resource.ts';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import type { Client } from '#client/client.ts';
import type { ComponentContext } from '#client/component.ts';
import { createClient } from '#client/create-client.ts';
import { createEventRecorder } from '#client/recorder.ts';
import { createSharedInformers } from '#client/shared-informers.ts';
import { createServiceAccountKey } from '#pki/service-account-key.ts';
import type { DecisionBenchResult, DecisionWorkload } from '#scheduler/bench.ts';
import { benchDecisions, decisionWorkloads } from '#scheduler/bench.ts';
import { createScheduler } from '#scheduler/scheduler.ts';
import { openMemoryStore } from '#store/memory.ts';

export interface SchedulerBenchOptions {
  readonly nodes: number;
  readonly pods: number;
  readonly onDecisions: (workload: DecisionWorkload, result: DecisionBenchResult) => void;
  readonly onWhole: (result: WholeBenchResult) => void;
}

export interface WholeBenchResult {
  readonly nodes: number;
  readonly pods: number;
  /** From the first create to the last binding. */
  readonly boundPerSecond: number;
  /** CPU of the whole process (API server, store, informers, scheduler, load) per pod. */
  readonly cpuMsPerPod: number;
}

export async function runSchedulerBench({ nodes, onDecisions, onWhole, pods }: SchedulerBenchOptions): Promise<void> {
  for (const workload of decisionWorkloads) {
    const count = workload === 'basic' ? pods : Math.min(pods, 2000);
    onDecisions(workload, benchDecisions({ workload, nodes, initialPods: Math.min(nodes, 1000), pods: count, clock: systemClock, random: seededRandom(1) }));
  }
  onWhole(await benchWhole(nodes, pods));
}

const namespace = 'bench';
/** Creates under way at a time. */
const creators = 16;

export async function benchWhole(nodes: number, pods: number): Promise<WholeBenchResult> {
  const clock = systemClock;
  const random = seededRandom(1);
  const log = silentLog;
  const store = openMemoryStore({ clock, random });
  const apiServer = await createApiServer({ store, clock, random, log, serviceAccountKey: createServiceAccountKey(), nodes: noNodes });
  const client = createClient(apiServer.transport({ name: 'system:admin', groups: ['system:masters', 'system:authenticated'] }, 'bench'));
  const informers = createSharedInformers({ client, clock, random, log });
  const context: ComponentContext = {
    client, informers, clock, random, log,
    recorderFor: (component, options) => createEventRecorder({ client, clock, log }, component, options),
  };
  const scheduler = createScheduler(context);
  try {
    await scheduler.ready;
    await client.create(Namespace, { metadata: { name: namespace } });
    await client.create(ServiceAccount, { metadata: { name: 'default', namespace } });
    await inParallel(nodes, (index) => addNode(client, index));
    const bound = Promise.withResolvers<void>();
    let count = 0;
    const see = (pod: Pod): void => {
      if (pod.metadata.namespace === namespace && pod.spec.nodeName !== undefined && ++count === pods) bound.resolve();
    };
    const unsubscribe = informers.for(Pod).addHandler({ added: see, updated: (pod, old) => old.spec.nodeName === undefined && see(pod) });
    // What the nodes have set off is over before the clock starts.
    await pause(200);
    const cpuStart = process.cpuUsage();
    const startMs = clock.monotonicMs();
    await inParallel(pods, (index) => client.create(Pod, benchPod(index)));
    await bound.promise;
    const seconds = (clock.monotonicMs() - startMs) / 1000;
    const cpu = process.cpuUsage(cpuStart);
    unsubscribe();
    return { nodes, pods, boundPerSecond: pods / seconds, cpuMsPerPod: (cpu.user + cpu.system) / 1000 / pods };
  } finally {
    await scheduler.close();
    await informers.close();
    await apiServer.close();
    await store.close();
  }
}

async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: creators }, async () => {
    for (let index = next++; index < count; index = next++) await work(index);
  }));
}

async function addNode(client: Client, index: number): Promise<void> {
  const name = `node-${index}`;
  const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `zone-${index % 3}` };
  const created = await client.create(Node, { metadata: { name, labels }, status: { capacity: { pods: '110', cpu: '4', memory: '32Gi' } } });
  if (created.spec.taints !== undefined) await client.update(Node, { ...created, spec: { ...created.spec, taints: [] } });
}

function benchPod(index: number): Given<Pod> {
  return {
    metadata: { name: `pod-${index}`, namespace },
    spec: { automountServiceAccountToken: false, containers: [{ name: 'pause', image: 'pause:1', resources: { requests: { cpu: '100m', memory: '500Mi' } } }] },
  };
}
