/** CronJobs on a clock that is moved by hand: minutes pass at once. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { CronJob } from '#api/batch/cron-job.ts';
import type { Job as JobObject } from '#api/batch/job.ts';
import { Job } from '#api/batch/job.ts';
import { Pod } from '#api/core/pod.ts';
import { Eviction } from '#api/policy/eviction.ts';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';
import type { Workspace } from './cluster.ts';
import { isReady, workspaceTests } from './cluster.ts';

const minuteMs = 60_000;

describe('conformance: CronJobs', { concurrency: false }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster({ nodes: 1, clock: 'simulated' });
  });
  after(() => cluster.close());

  const inCluster = workspaceTests(() => cluster);
  const cronJob = (w: Workspace, spec: object): Promise<CronJob> =>
    w.client.create(CronJob, { metadata: w.key('cron'), spec: { schedule: '*/1 * * * *', jobTemplate: { spec: { template: { spec: { restartPolicy: 'OnFailure', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'busybox', command: ['sleep', '300'] }] } } } }, ...spec } });
  const jobs = async (w: Workspace): Promise<readonly JobObject[]> => (await w.client.list(Job, { namespace: w.namespace })).items;
  /** Lets minutes pass until the condition holds; at most ten. */
  const within = async (condition: () => Promise<boolean>): Promise<void> => {
    for (let minutes = 0; minutes < 10 && !await condition(); minutes++) await cluster.advance(minuteMs);
    assert.ok(await condition(), 'it has not happened in ten minutes');
  };
  const active = async (w: Workspace): Promise<readonly string[]> => ((await w.client.get(CronJob, w.key('cron'))).status.active ?? []).map((each) => each.name ?? '');

  inCluster('[sig-apps] CronJob should schedule multiple jobs concurrently [Conformance]', async (w) => {
    await cronJob(w, { concurrencyPolicy: 'Allow' });
    await within(async () => (await active(w)).length > 1);
    assert.ok((await jobs(w)).length > 1);
  });
  inCluster('[sig-apps] CronJob should not schedule jobs when suspended [Slow] [Conformance]', async (w) => {
    await cronJob(w, { suspend: true });
    for (let minutes = 0; minutes < 5; minutes++) await cluster.advance(minuteMs);
    assert.deepEqual(await jobs(w), []);
  });
  inCluster('[sig-apps] CronJob should not schedule new jobs when ForbidConcurrent [Slow] [Conformance]', async (w) => {
    await cronJob(w, { concurrencyPolicy: 'Forbid' });
    await within(async () => (await active(w)).length === 1);
    const first = await active(w);
    for (let minutes = 0; minutes < 3; minutes++) await cluster.advance(minuteMs);
    assert.deepEqual(await active(w), first);
    assert.equal((await jobs(w)).length, 1);
  });
  inCluster('[sig-apps] CronJob should replace jobs when ReplaceConcurrent [Conformance]', async (w) => {
    await cronJob(w, { concurrencyPolicy: 'Replace' });
    await within(async () => (await active(w)).length === 1);
    const [first] = await active(w);
    await within(async () => {
      const [now] = await active(w);
      return now !== undefined && now !== first;
    });
    assert.equal((await active(w)).length, 1);
    assert.equal((await jobs(w)).some((each) => each.metadata.name === first && each.metadata.deletionTimestamp === undefined), false);
  });
  inCluster('[sig-apps] Job should allow to use a pod failure policy to ignore failure matching on DisruptionTarget condition [Conformance]', async (w) => {
    await w.client.create(Job, { metadata: w.key('j'), spec: {
      parallelism: 2, completions: 2, backoffLimit: 0, completionMode: 'Indexed', podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }, { action: 'FailJob', onExitCodes: { operator: 'NotIn', values: [0] } }] },
      template: { spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'busybox' }] } },
    } });
    await w.until(Job, 'j', ({ status }) => status.ready === 2);
    const before1 = await w.pods();
    for (const { metadata } of before1) await w.client.createSubresource(Pod, w.key(metadata.name), 'eviction', Eviction, { metadata: w.key(metadata.name) });
    await w.eventually(async () => {
      await cluster.advance(minuteMs);
      const now = (await w.pods()).filter((each) => each.metadata.deletionTimestamp === undefined && isReady(each));
      return now.length === 2 && now.every((each) => !before1.some((old) => old.metadata.uid === each.metadata.uid));
    });
    assert.equal((await w.client.get(Job, w.key('j'))).status.conditions?.some((each) => each.type === 'Failed' && each.status === 'True') ?? false, false);
  });
});
