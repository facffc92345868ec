/**
 * The cluster that is measured, in a process of its own: `node cluster-main.ts NODES PODS DIRECTORY`. Does one step for
 * every line on standard input and answers each with a line of JSON (`StepDone`); ends when standard input does.
 */
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { Deployment } from '#api/apps/deployment.ts';
import { Pod } from '#api/core/pod.ts';
import { stayAwake, systemClock } from '#base/clock.ts';
import { seededRandom } from '#base/random.ts';
import { giveBackMemory } from '#serving/give-back-memory.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import { startCluster } from '#testing/index.ts';
import type { StepDone } from './run-cluster-bench.ts';

const [nodes = 0, pods = 0] = process.argv.slice(2, 4).map(Number);
const store = await openSqliteStore({ file: join(process.argv[4] ?? '', 'store.db'), clock: systemClock, random: seededRandom(1) });
const cluster = await startCluster({ nodes, store });
const key = { namespace: 'default', name: 'load' };
const labels = { app: 'load' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'load:1', resources: { requests: { cpu: '10m', memory: '16Mi' } } }] } };
const informer = cluster.informers.for(Pod);
await informer.synced();
// As `skiff up` does when it has started.
giveBackMemory(systemClock);

const steps = {
  started: () => Promise.resolve(),
  async create() {
    await cluster.client.create(Deployment, { metadata: key, spec: { replicas: pods, selector: { matchLabels: labels }, template } });
    await untilPods((running) => running === pods);
  },
  async remove() {
    await cluster.client.delete(Deployment, key, { propagationPolicy: 'Background' });
    await untilPods((_, all) => all === 0);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const fromMs = systemClock.monotonicMs();
  await steps[line as keyof typeof steps]();
  const done: StepDone = { tookMs: systemClock.monotonicMs() - fromMs };
  process.stdout.write(`${JSON.stringify(done)}\n`);
}
await cluster.close();
await store.close();
process.exit(0);

/** Resolves when so many pods run, of all there are. */
async function untilPods(isSo: (running: number, all: number) => boolean): Promise<void> {
  const sleepAgain = stayAwake();
  const running = new Set<string>();
  const all = new Set<string>();
  const met = Promise.withResolvers<void>();
  const look = ({ metadata: { name }, status }: Pod): void => {
    all.add(name);
    if (status?.phase === 'Running') running.add(name);
    if (isSo(running.size, all.size)) met.resolve();
  };
  const stop = informer.addHandler({
    added: look,
    updated: look,
    deleted({ metadata: { name } }) {
      all.delete(name);
      running.delete(name);
      if (isSo(running.size, all.size)) met.resolve();
    },
  });
  await met.promise;
  stop();
  sleepAgain();
}
