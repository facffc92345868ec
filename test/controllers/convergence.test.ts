/** Whatever people do to a Deployment, and however slow nodes are: in the end the cluster is as the objects say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { Deployment } from '#api/apps/deployment.ts';
import { ReplicaSet } from '#api/apps/replica-set.ts';
import { Pod } from '#api/core/pod.ts';
import { findCondition, isActive } from '#api/core/pod-status.ts';
import { Service } from '#api/core/service.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { seededRandom } from '#base/random.ts';
import { timestamp } from '#client/timestamp.ts';
import { controllerOf } from '#reconcile/controller-lister.ts';
import { controllersFor } from '#controllers/index.ts';
import type { TestCluster } from './test-cluster.ts';
import { startTestCluster } from './test-cluster.ts';

type Act =
  | { readonly is: 'scale'; readonly replicas: number }
  | { readonly is: 'image'; readonly tag: number }
  | { readonly is: 'pause'; readonly paused: boolean }
  | { readonly is: 'kill pod' | 'fail pod' | 'free pod' | 'kill set' }
  | { readonly is: 'wait'; readonly turns: number };

const acts = fc.array(fc.oneof(
  fc.record({ is: fc.constant('scale' as const), replicas: fc.nat(12) }),
  fc.record({ is: fc.constant('image' as const), tag: fc.nat(3) }),
  fc.record({ is: fc.constant('pause' as const), paused: fc.boolean() }),
  fc.record({ is: fc.constantFrom('kill pod' as const, 'fail pod' as const, 'free pod' as const, 'kill set' as const) }),
  fc.record({ is: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 60 }) }),
), { maxLength: 15 });

const key = { namespace: 'default', name: 'web' };

/** A node without haste: pods start and stop some turns after they should. */
function slowNode({ client, context, clock }: TestCluster, seed: number): () => void {
  const random = seededRandom(seed);
  const pods = context.informers.for(Pod);
  const stop = new AbortController();
  let addresses = 0;
  const work = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      for (const pod of pods.list('default')) {
        if (random.next() < 0.7) continue;
        if (pod.metadata.deletionTimestamp !== undefined) await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 }).catch(() => {});
        else if (pod.status.phase === 'Pending') {
          const ip = `10.1.${addresses >> 8}.${addresses++ & 255}`;
          const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: timestamp(clock.nowMs()) }];
          await client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions } }).catch(() => {});
        }
      }
      await nextTurn();
    }
  };
  void work();
  return () => stop.abort();
}

/** As people do it: on a conflict once more. */
async function patchDeployment({ client }: TestCluster, type: 'merge' | 'strategic', spec: object): Promise<void> {
  for (;;) {
    try {
      await client.patch(Deployment, key, { type, patch: { spec } });
      return;
    } catch (error) {
      if (!hasReason(error, 'Conflict')) throw error;
    }
  }
}

async function perform(act: Act, cluster: TestCluster, pick: () => number): Promise<void> {
  const { client, context } = cluster;
  const any = <T>(list: readonly T[]): T | undefined => list[Math.floor(pick() * list.length)];
  switch (act.is) {
    case 'scale':
      await patchDeployment(cluster, 'merge', { replicas: act.replicas });
      return;
    case 'image':
      await patchDeployment(cluster, 'strategic', { template: { spec: { containers: [{ name: 'c', image: `web:${act.tag}` }] } } });
      return;
    case 'pause':
      await patchDeployment(cluster, 'merge', { paused: act.paused });
      return;
    case 'wait':
      for (let turn = 0; turn < act.turns; turn++) await nextTurn();
      return;
    case 'kill set': {
      const set = any(context.informers.for(ReplicaSet).list('default'));
      if (set !== undefined) await client.delete(ReplicaSet, set.metadata, { propagationPolicy: pick() < 0.5 ? 'Background' : 'Foreground' }).catch(() => {});
      return;
    }
    default: {
      const pod = any(context.informers.for(Pod).list('default').filter(isActive));
      if (pod === undefined) return;
      if (act.is === 'kill pod') await client.delete(Pod, pod.metadata).catch(() => {});
      else if (act.is === 'fail pod') await client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase: 'Failed', conditions: [] } }).catch(() => {});
      // Without its labels it is nobody's any more.
      else await client.patch(Pod, pod.metadata, { type: 'merge', patch: { metadata: { labels: { app: 'freed' } } } }).catch(() => {});
    }
  }
}

test('a Deployment always ends with the pods it asks for, and its Service with their addresses', async () => {
  await fc.assert(fc.asyncProperty(acts, fc.nat(1000), async (script, seed) => {
    const cluster = await startTestCluster(controllersFor());
    const stopNode = slowNode(cluster, seed);
    try {
      await converges(cluster, script, seed);
    } finally {
      stopNode();
      await cluster.close();
    }
  }), { numRuns: 15 });
});

async function converges(cluster: TestCluster, script: readonly Act[], seed: number): Promise<void> {
  const { client, until } = cluster;
  await until(async () => (await client.list(ServiceAccount, { namespace: 'default' })).items.length === 1);
  const random = seededRandom(seed + 1);
  await client.create(Service, { metadata: key, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } });
  await client.create(Deployment, {
    metadata: key,
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'web:0' }] } } },
  });
  for (const act of script) await perform(act, cluster, () => random.next());
  await patchDeployment(cluster, 'merge', { paused: false });
  const { spec } = await client.get(Deployment, key);
  let seen = '';
  await until(async () => {
    const { status } = await client.get(Deployment, key);
    const pods = (await client.list(Pod, { namespace: 'default', labelSelector: 'app=web' })).items.filter((pod) => pod.status.phase !== 'Failed');
    const slices = (await client.list(EndpointSlice, { namespace: 'default', labelSelector: 'kubernetes.io/service-name=web' })).items;
    const ready = slices.flatMap(({ endpoints }) => endpoints.filter(({ conditions }) => conditions.ready === true).flatMap(({ addresses }) => addresses)).sort();
    const wanted = spec.replicas ?? 1;
    seen = JSON.stringify({ wanted, status, pods: pods.map((pod) => [pod.metadata.name, pod.status.phase, pod.spec.containers[0]?.image]), ready });
    return pods.length === wanted && pods.every((pod) => pod.status.phase === 'Running' && pod.spec.containers[0]?.image === spec.template.spec.containers[0]?.image && controllerOf(pod) !== undefined)
      && (status.availableReplicas ?? 0) === wanted && (status.updatedReplicas ?? 0) === wanted && (status.replicas ?? 0) === wanted
      && findCondition(status.conditions, 'Progressing')?.reason === 'NewReplicaSetAvailable'
      && JSON.stringify(ready) === JSON.stringify(pods.map((pod) => pod.status.podIP ?? '').sort());
  }).catch((error: unknown) => assert.fail(`${String(error).slice(0, 80)}: ${seen}`));
}
