/** A kubelet on a simulated node against objects in memory, on a simulated clock. For tests. */
import { SimulatedClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import type { Given } from '#apimachinery/resource.ts';
import { Event } from '#api/core/event.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import type { PodSpec } from '#api/core/pod-template.ts';
import type { Client } from '#client/client.ts';
import { createClient } from '#client/create-client.ts';
import { MemoryTransport } from '#client/memory-transport.ts';
import { createEventRecorder } from '#client/recorder.ts';
import { createSharedInformers } from '#client/shared-informers.ts';
import { SimulatedRuntime } from './cri/simulated.ts';
import type { SimulatedRuntimeOptions } from './cri/simulated.ts';
import { startKubelet } from './kubelet.ts';
import type { KubeletOptions, RunningKubelet } from './kubelet.ts';
import type { NodePlatform } from './platform.ts';
import { simulatedPlatform } from './simulated-platform.ts';

export interface KubeletLab {
  readonly clock: SimulatedClock;
  readonly client: Client;
  readonly runtime: SimulatedRuntime;
  readonly kubelet: RunningKubelet;
  readonly platform: NodePlatform;
  /** Creates a pod bound to the node and lets it settle. */
  readonly createPod: (name: string, spec: Given<PodSpec>) => Promise<Pod>;
  readonly pod: (name: string) => Promise<Pod>;
  /** `reason: message` of the events so far. */
  readonly events: () => Promise<readonly string[]>;
  /** Ends this kubelet and starts another on the same runtime. */
  readonly restart: () => Promise<void>;
}

export async function withKubelet(options: Partial<SimulatedRuntimeOptions>, run: (lab: KubeletLab) => Promise<void>, more: Partial<KubeletOptions> = {}): Promise<void> {
  const clock = new SimulatedClock();
  const random = seededRandom(7);
  const client = createClient(new MemoryTransport());
  const shared = { client, clock, random, log: silentLog };
  const runtime = new SimulatedRuntime({ clock, random, podCidr: '10.244.1.0/24', ...options });
  const platform = simulatedPlatform({ nodeName: 'n1', runtime, clock, internalIp: '192.168.0.11' });
  const start = () => {
    const informers = createSharedInformers(shared);
    const recorderFor = (component: string, from?: { readonly host?: string }) => createEventRecorder(shared, component, from);
    return { informers, kubelet: startKubelet({ ...shared, informers, recorderFor }, { nodeName: 'n1', platform, ...more }) };
  };
  let running = start();
  const stop = async (): Promise<void> => {
    await running.kubelet.close();
    await running.informers.close();
  };
  const lab: KubeletLab = {
    clock, client, runtime, platform,
    get kubelet() {
      return running.kubelet;
    },
    async createPod(name, spec) {
      await client.create(Pod, { metadata: { namespace: 'default', name }, spec: { nodeName: 'n1', restartPolicy: 'Always', ...spec }, status: {} });
      await clock.advance(50);
      return lab.pod(name);
    },
    pod: (name) => client.get(Pod, { namespace: 'default', name }),
    async events() {
      await clock.advance(0);
      return (await client.list(Event)).items.map(({ reason = '', message = '' }) => `${reason}: ${message}`);
    },
    async restart() {
      await stop();
      running = start();
      await clock.advance(50);
    },
  };
  try {
    await clock.advance(1);
    await running.kubelet.ready;
    await client.get(Node, { name: 'n1' });
    await run(lab);
  } finally {
    await stop();
  }
}
