import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SimulatedClock } from '#base/clock.ts';
import { Job } from '#api/batch/job.ts';
import type { JobSpec } from '#api/batch/job.ts';
import { Pod } from '#api/core/pod.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import type { Given } from '#apimachinery/resource.ts';
import { serviceAccountController } from '#controllers/namespace/service-account-controller.ts';
import type { TestCluster } from './test-cluster.ts';
import { startTestCluster } from './test-cluster.ts';
import { formatIndexes, parseIndexes } from '#controllers/job/indexes.ts';
import { jobController } from '#controllers/job/job-controller.ts';

const template = { metadata: { labels: { app: 'sum' } }, spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'sum:1' }] } } as const;

async function setUp(spec: Given<JobSpec>) {
  const clock = new SimulatedClock();
  const cluster = await startTestCluster([jobController, serviceAccountController], clock);
  const { client, until } = cluster;
  await until(async () => (await client.list(ServiceAccount, { namespace: 'default' })).items.length === 1);
  const job = await client.create(Job, { metadata: { name: 'sum', namespace: 'default' }, spec: { template, ...spec } });
  const status = async () => (await client.get(Job, job.metadata)).status;
  const pods = async () => (await client.list(Pod, { namespace: 'default' })).items;
  const running = async () => (await pods()).filter((pod) => pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed');
  return { cluster, clock, client, until, job, status, pods, running };
}

async function end({ client, clock }: TestCluster, pod: Pod, phase: 'Succeeded' | 'Failed', exitCode = phase === 'Failed' ? 1 : 0): Promise<void> {
  const finishedAt = new Date(clock.nowMs()).toISOString();
  const containerStatuses = [{ name: 'c', ready: false, restartCount: 0, image: 'i', imageID: '', lastState: {}, state: { terminated: { exitCode, finishedAt } } }];
  await client.updateStatus(Pod, { ...await client.get(Pod, pod.metadata), status: { ...pod.status, phase, containerStatuses } });
}

test('a Job runs as many pods at once as it may until enough have succeeded', async () => {
  const { cluster, until, status, running } = await setUp({ completions: 3, parallelism: 2 });
  const first = await until(async () => {
    const now = await running();
    return now.length === 2 && now;
  });
  await end(cluster, first[0] as Pod, 'Succeeded');
  const second = await until(async () => {
    const now = await running();
    return now.length === 2 && (await status()).succeeded === 1 && now;
  });
  for (const pod of second) await end(cluster, pod, 'Succeeded');
  const over = await until(async () => {
    const now = await status();
    return now.conditions?.some(({ type }) => type === 'Complete') === true && now;
  });
  assert.equal(over.succeeded, 3);
  assert.equal(over.active, undefined);
  assert.notEqual(over.completionTime, undefined);
  assert.deepEqual(over.conditions?.map(({ type, reason }) => `${type} ${reason}`), ['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']);
  await cluster.close();
});

test('failures are retried after a growing pause, until the limit', async () => {
  const { cluster, clock, until, status, running } = await setUp({ backoffLimit: 1 });
  for (let attempt = 0; attempt < 2; attempt++) {
    const [pod] = await until(async () => {
      const now = await running();
      return now.length === 1 && now;
    });
    await end(cluster, pod as Pod, 'Failed');
    await until(async () => (await status()).failed === attempt + 1);
    assert.equal((await running()).length, 0);
    await clock.advance(20_000);
  }
  const over = await until(async () => {
    const now = await status();
    return now.conditions?.some(({ type }) => type === 'Failed') === true && now;
  });
  assert.equal(over.conditions?.find(({ type }) => type === 'Failed')?.reason, 'BackoffLimitExceeded');
  await cluster.close();
});

test('an indexed Job runs each index until it has succeeded', async () => {
  const { cluster, until, status, running, clock } = await setUp({ completions: 3, parallelism: 3, completionMode: 'Indexed' });
  const pods = await until(async () => {
    const now = await running();
    return now.length === 3 && now;
  });
  const byIndex = new Map(pods.map((pod) => [pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'], pod]));
  assert.deepEqual([...byIndex.keys()].map(String).sort(), ['0', '1', '2']);
  assert.equal(byIndex.get('1')?.spec.hostname, 'sum-1');
  await end(cluster, byIndex.get('0') as Pod, 'Succeeded');
  await end(cluster, byIndex.get('2') as Pod, 'Succeeded');
  await end(cluster, byIndex.get('1') as Pod, 'Failed');
  await until(async () => (await status()).completedIndexes === '0,2' && (await status()).failed === 1);
  await clock.advance(10_000);
  const [again] = await until(async () => {
    const now = await running();
    return now.length === 1 && now;
  });
  assert.equal(again?.metadata.annotations?.['batch.kubernetes.io/job-completion-index'], '1');
  await end(cluster, again, 'Succeeded');
  await until(async () => (await status()).completedIndexes === '0-2');
  await cluster.close();
});

test('a suspended Job has no pods, and starts when it is resumed', async () => {
  const { cluster, client, until, job, status, running } = await setUp({ suspend: true });
  await until(async () => (await status()).conditions?.[0]?.type === 'Suspended');
  assert.equal((await running()).length, 0);
  await client.patch(Job, job.metadata, { type: 'merge', patch: { spec: { suspend: false } } });
  await until(async () => (await running()).length === 1);
  await until(async () => (await status()).conditions?.find(({ type }) => type === 'Suspended')?.status === 'False');
  await cluster.close();
});

test('a Job that runs too long is given up', async () => {
  const { cluster, clock, until, status, running } = await setUp({ activeDeadlineSeconds: 60 });
  await until(async () => (await running()).length === 1);
  await clock.advance(61_000);
  await until(async () => (await status()).conditions?.some(({ type, reason }) => type === 'FailureTarget' && reason === 'DeadlineExceeded') === true);
  await cluster.close();
});

test('an exit code that the policy names ends the Job at once', async () => {
  const { cluster, until, status, running } = await setUp({ podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] } });
  const [pod] = await until(async () => {
    const now = await running();
    return now.length === 1 && now;
  });
  await end(cluster, pod as Pod, 'Failed', 42);
  const over = await until(async () => {
    const now = await status();
    return now.conditions?.some(({ type }) => type === 'Failed') === true && now;
  });
  assert.equal(over.conditions?.at(-1)?.message, `Container c for pod default/${pod?.metadata.name} failed with exit code 42 matching FailJob rule at index 0`);
  await cluster.close();
});

test('indexes as text read back as they were', () => {
  assert.equal(formatIndexes([5, 1, 2, 3, 8, 9]), '1-3,5,8,9');
  fc.assert(fc.property(fc.uniqueArray(fc.nat(40)), (indexes) => {
    assert.deepEqual([...parseIndexes(formatIndexes(indexes), 41)], indexes.toSorted((left, right) => left - right));
  }));
});
