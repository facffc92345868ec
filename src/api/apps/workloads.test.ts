import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CronJob } from '../batch/cron-job.ts';
import { Job } from '../batch/job.ts';
import { created, errorsOf, rowOf, updated, updateErrorsOf } from '../kind-probe.ts';
import { DaemonSet } from './daemon-set.ts';
import type { Deployment as DeploymentObject } from './deployment.ts';
import { Deployment } from './deployment.ts';
import { StatefulSet } from './stateful-set.ts';

const metadata = { name: 'web', namespace: 'default', uid: 'u1', creationTimestamp: '2026-01-01T00:00:00Z' };
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'a', image: 'x:1' }] } };
const spec = { selector: { matchLabels: { app: 'web' } }, template };
const deploymentOf = (more: object): DeploymentObject => created(Deployment, { metadata, spec: { ...spec, ...more } });

test('a deployment rolls a quarter at a time unless told otherwise', () => {
  const made = deploymentOf({}).spec;
  assert.deepEqual(made.strategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } });
  assert.deepEqual([made.replicas, made.revisionHistoryLimit, made.progressDeadlineSeconds], [1, 10, 600]);
  assert.equal(made.template.spec.restartPolicy, 'Always');
  assert.equal(made.template.spec.enableServiceLinks, undefined);
  assert.deepEqual(deploymentOf({ strategy: { type: 'Recreate' } }).spec.strategy, { type: 'Recreate' });
  assert.equal(deploymentOf({ replicas: 0 }).spec.replicas, 0);
});

test('what is wrong with a deployment is said with its path', () => {
  const table: readonly (readonly [object, readonly string[]])[] = [
    [{}, []],
    [{ replicas: -1 }, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    [{ selector: { matchLabels: { app: 'other' } } }, ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`']],
    [{ selector: {} }, ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']],
    [{ selector: undefined }, ['spec.selector: Required value', 'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`']],
    [{ template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } }, ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"']],
    [{ minReadySeconds: 700 }, ['spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds']],
    [{ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }, ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0']],
    [{ strategy: { type: 'Recreate', rollingUpdate: {} } }, ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"]],
    [{ template: { ...template, spec: { containers: [{ name: 'A', image: 'x' }] } } }, [
      "spec.template.spec.containers[0].name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ]],
  ];
  for (const [more, errors] of table) assert.deepEqual(errorsOf(Deployment, deploymentOf(more)), errors, JSON.stringify(more));
});

test('the selector of a deployment never changes', () => {
  const old = deploymentOf({});
  const next = updated(Deployment, old, { metadata, spec: { ...spec, selector: { matchLabels: { app: 'api' } } } });
  assert.deepEqual(updateErrorsOf(Deployment, next, old), ['spec.selector: Invalid value: {"matchLabels":{"app":"api"}}: field is immutable']);
});

test('a deployment shows how far it is', () => {
  const object = { ...deploymentOf({ replicas: 3 }), status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 } };
  assert.deepEqual(rowOf(Deployment, object, Date.UTC(2026, 0, 1, 1)), {
    Name: 'web', Ready: '2/3', 'Up-to-date': 3, Available: 1, Age: '60m', Containers: 'a', Images: 'x:1', Selector: 'app=web',
  });
});

test('a stateful set mounts its claims and changes only what it may', () => {
  const claims = [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }];
  const mounted = { metadata: template.metadata, spec: { containers: [{ name: 'a', image: 'x:1', volumeMounts: [{ name: 'data', mountPath: '/d' }] }] } };
  const old = created(StatefulSet, { metadata, spec: { ...spec, template: mounted, serviceName: 'web', volumeClaimTemplates: claims } });
  assert.deepEqual(errorsOf(StatefulSet, old), []);
  assert.deepEqual(old.spec.persistentVolumeClaimRetentionPolicy, { whenDeleted: 'Retain', whenScaled: 'Retain' });
  assert.deepEqual(old.spec.updateStrategy, { type: 'RollingUpdate', rollingUpdate: { partition: 0 } });
  const scaled = updated(StatefulSet, old, { ...old, spec: { ...old.spec, replicas: 5 } });
  assert.deepEqual(updateErrorsOf(StatefulSet, scaled, old), []);
  const renamed = updated(StatefulSet, old, { ...old, spec: { ...old.spec, serviceName: 'other' } });
  assert.match(updateErrorsOf(StatefulSet, renamed, old)[0] ?? '', /^spec: Forbidden: updates to statefulset spec for fields other than 'replicas', .* and 'minReadySeconds' are forbidden$/);
});

test('a daemon set replaces one pod at a time', () => {
  const made = created(DaemonSet, { metadata, spec });
  assert.deepEqual(made.spec.updateStrategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } });
  assert.deepEqual(errorsOf(DaemonSet, made), []);
});

test('a job selects its pods by its uid and wants pods that end', () => {
  const once = { template: { spec: { containers: [{ name: 'a', image: 'x:1' }], restartPolicy: 'Never' } } };
  const job = created(Job, { metadata, spec: once });
  assert.deepEqual(job.spec.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u1' } });
  assert.equal(job.spec.template.metadata.labels?.['job-name'], 'web');
  assert.deepEqual([job.spec.completions, job.spec.parallelism, job.spec.backoffLimit, job.spec.completionMode], [1, 1, 6, 'NonIndexed']);
  assert.deepEqual(errorsOf(Job, job), []);
  assert.deepEqual(errorsOf(Job, created(Job, { metadata, spec: { template: { spec: { containers: [{ name: 'a', image: 'x:1' }] } } } })), [
    'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
  ]);
  assert.deepEqual(rowOf(Job, { ...job, status: { ...job.status, startTime: '2026-01-01T00:00:00Z' } }, Date.UTC(2026, 0, 1, 0, 0, 30))['Duration'], '30s');
});

test('schedules of cron jobs are checked field by field', () => {
  const jobTemplate = { spec: { template: { spec: { containers: [{ name: 'a', image: 'x:1' }], restartPolicy: 'Never' } } } };
  const table: readonly (readonly [string, string | undefined])[] = [
    ['*/5 * * * *', undefined], ['0 0 1,15 jan-mar mon', undefined], ['@hourly', undefined],
    ['* * *', 'expected exactly 5 fields, found 3: [* * *]'],
    ['61 * * * *', 'end of range (61) above maximum (59): 61'],
    ['x * * * *', 'failed to parse int from x'],
  ];
  for (const [schedule, error] of table) {
    const errors = errorsOf(CronJob, created(CronJob, { metadata, spec: { schedule, jobTemplate } }));
    assert.deepEqual(errors, error === undefined ? [] : [`spec.schedule: Invalid value: ${JSON.stringify(schedule)}: ${error}`], schedule);
  }
  assert.deepEqual(errorsOf(CronJob, created(CronJob, { metadata, spec: { schedule: '@daily', timeZone: 'Mars/Base', jobTemplate } })), [
    'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base',
  ]);
});
