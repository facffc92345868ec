import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { CronJob } from '#api/batch/cron-job.ts';
import { Job } from '#api/batch/job.ts';
import { startTestCluster } from './test-cluster.ts';
import { cronJobController } from '#controllers/cron-job/cron-job-controller.ts';
import { parseSchedule } from '#controllers/cron-job/cron-schedule.ts';

const at = (text: string): number => Date.parse(text);

for (const [schedule, zone, after, expected] of [
  ['*/15 * * * *', 'UTC', '2026-01-01T10:07:30Z', '2026-01-01T10:15:00Z'],
  ['0 9 * * 1-5', 'UTC', '2026-01-02T10:00:00Z', '2026-01-05T09:00:00Z'],
  ['0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
  ['30 4 1,15 * 5', 'UTC', '2026-01-02T05:00:00Z', '2026-01-09T04:30:00Z'],
  ['@hourly', 'UTC', '2026-01-01T10:00:00Z', '2026-01-01T11:00:00Z'],
  ['0 12 * jan,jul sun', 'UTC', '2026-02-01T00:00:00Z', '2026-07-05T12:00:00Z'],
  ['0 8 * * *', 'Europe/Berlin', '2026-01-01T00:00:00Z', '2026-01-01T07:00:00Z'],
  ['0 8 * * *', 'Europe/Berlin', '2026-07-01T00:00:00Z', '2026-07-01T06:00:00Z'],
  // 02:30 does not exist on the day the clocks go forward.
  ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00Z'],
] as const) {
  test(`"${schedule}" (${zone}) after ${after} is due at ${expected}`, () => {
    const next = parseSchedule(schedule, zone).next(at(after));
    assert.equal(next === undefined ? undefined : new Date(next).toISOString().replace('.000', ''), expected);
  });
}

test('what is never due says so', () => {
  assert.equal(parseSchedule('0 0 30 2 *').next(at('2026-01-01T00:00:00Z')), undefined);
});

test('a CronJob starts a Job when it is due, not while one runs and it forbids that, and keeps a short history', async () => {
  const clock = new SimulatedClock();
  const cluster = await startTestCluster([cronJobController], clock);
  const { client, until } = cluster;
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } as const;
  const made = await client.create(CronJob, {
    metadata: { name: 'sum', namespace: 'default' },
    spec: { schedule: '*/5 * * * *', concurrencyPolicy: 'Forbid', successfulJobsHistoryLimit: 2, jobTemplate: { spec: { template } } },
  });
  const jobs = async () => (await client.list(Job, { namespace: 'default' })).items;
  await clock.advance(5 * 60_000 + 1000);
  const [first] = await until(async () => {
    const now = await jobs();
    return now.length === 1 && now;
  });
  assert.equal(first?.metadata.name, `sum-${at('2026-01-01T00:05:00Z') / 60_000}`);
  assert.equal(first?.metadata.ownerReferences?.[0]?.uid, made.metadata.uid);
  await until(async () => (await client.get(CronJob, made.metadata)).status.active?.length === 1);
  await clock.advance(5 * 60_000);
  assert.equal((await jobs()).length, 1);
  for (let run = 0; run < 4; run++) {
    for (const job of await jobs()) {
      if (job.status.conditions !== undefined) continue;
      const now = new Date(clock.nowMs()).toISOString().replace(/\..*/, 'Z');
      const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({ type, status: 'True', lastTransitionTime: now }));
      await client.updateStatus(Job, { ...job, status: { ...job.status, startTime: now, completionTime: now, conditions } });
    }
    await clock.advance(5 * 60_000);
  }
  await until(async () => (await jobs()).filter(({ status }) => status.conditions !== undefined).length === 2);
  assert.notEqual((await client.get(CronJob, made.metadata)).status.lastSuccessfulTime, undefined);
  await cluster.close();
});
