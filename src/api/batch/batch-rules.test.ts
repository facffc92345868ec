import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createErrorsOf, errorsOf, given, statusErrorsOf, updateErrorsOf, warningsOf } from '../kind-probe.ts';
import { CronJob } from './cron-job.ts';
import { parseIndexes } from './indexes.ts';
import { Job } from './job.ts';

type Fields = Readonly<Record<string, unknown>>;
const template = { spec: { containers: [{ name: 'c', image: 'i:1' }], restartPolicy: 'Never' } };

function jobOf(spec: Fields, status: Fields = {}): Job {
  const draft = given(Job, { metadata: { name: 'j', namespace: 'default', uid: 'u' }, spec: { template, ...spec }, status });
  Job.strategy.prepareForCreate?.(draft);
  return draft;
}
const indexed = { completionMode: 'Indexed', completions: 3 };
const rule = (fields: Fields): Fields => ({ podFailurePolicy: { rules: [{ action: 'FailJob', ...fields }] } });
const at = 'spec.podFailurePolicy.rules[0]';

test('what is refused in a job', () => {
  const table: readonly (readonly [Fields, ...string[]])[] = [
    [{}],
    [{ completionMode: 'Indexed', parallelism: 2 }, 'spec.completions: Required value: when completion mode is Indexed'],
    [{ backoffLimitPerIndex: 1 }, 'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode'],
    [{ ...indexed, maxFailedIndexes: 4, backoffLimitPerIndex: 1 }, 'spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions'],
    [{ managedBy: 'me' }, 'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
    [rule({}), `${at}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`],
    [rule({ onExitCodes: { operator: 'In', values: [2, 0, 2], containerName: 'x' } }), `${at}.onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names in the pod template`,
      `${at}.onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator`, `${at}.onExitCodes.values[2]: Duplicate value: 2`, `${at}.onExitCodes.values: Invalid value: [2,0,2]: must be ordered`],
    [{ ...rule({ onPodConditions: [{ type: 'DisruptionTarget' }] }), podReplacementPolicy: 'TerminatingOrFailed' }, 'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"'],
    [{ ...indexed, successPolicy: { rules: [{ succeededIndexes: '0,2-1' }] } }, 'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0,2-1": error parsing succeededIndexes: non-increasing order, previous: 2, current: 1'],
    [{ ...indexed, successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 3 }] } }, 'spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)'],
    [{ template: { ...template, metadata: { labels: { 'job-name': 'other' } } } }, 'spec.template.metadata.labels[job-name]: Invalid value: {"batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"j","controller-uid":"u","job-name":"other"}: must be \'j\''],
  ];
  for (const [spec, ...errors] of table) assert.deepEqual(createErrorsOf(Job, jobOf(spec)), errors, JSON.stringify(spec));
});

test('a job that has no pods yet may be told where to put them', () => {
  const moved = { ...template, spec: { ...template.spec, nodeSelector: { a: 'b' }, containers: [{ name: 'c', image: 'i:1', resources: { requests: { cpu: '1' } } }] } };
  assert.deepEqual(updateErrorsOf(Job, jobOf({ suspend: true, template: moved }), jobOf({ suspend: true })), []);
  assert.match(updateErrorsOf(Job, jobOf({ template: moved }), jobOf({}))[0] ?? '', /^spec\.template: Invalid value: .*: field is immutable$/);
  assert.deepEqual(updateErrorsOf(Job, jobOf({ ...indexed, completions: 4 }), jobOf(indexed)), ['spec.completions: Invalid value: 4: can only be modified in tandem with spec.parallelism']);
});

test('a job ends in one way, and says before that it will', () => {
  const is = (...types: string[]): Fields => ({ conditions: types.map((type) => ({ type, status: 'True' })), startTime: '2026-01-01T00:00:00Z' });
  const change = (status: Fields, old: Fields = {}): string[] => statusErrorsOf(Job, jobOf({}, status), jobOf({}, old));
  assert.deepEqual(change({ ...is('SuccessCriteriaMet', 'Complete'), completionTime: '2026-01-01T00:01:00Z' }), []);
  assert.deepEqual(change(is('Failed')), ['status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition']);
  assert.deepEqual(change(is(), is('FailureTarget', 'Failed')), ['status.conditions: Invalid value: cannot disable the terminal Failed=True condition', 'status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition']);
  assert.deepEqual(change({ succeeded: 1 }, { succeeded: 2 }), ['status.succeeded: Invalid value: 1: cannot decrease the succeeded counter']);
  assert.deepEqual(change({ completedIndexes: '0' }), ['status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode']);
});

test('lists of indexes are in order', () => {
  assert.deepEqual(parseIndexes('0,2-4', 5), [{ first: 0, last: 0 }, { first: 2, last: 4 }]);
  assert.equal(parseIndexes('1-2-3', 5), "the fragment \"1-2-3\" violates the requirement that an index interval can have at most two parts separated by '-'");
  assert.equal(parseIndexes('a', 5), 'cannot convert string to integer for index: "a"');
  assert.equal(parseIndexes('3,1', 5), 'non-increasing order, previous: 3, current: 1');
});

test('what is refused in a cron job', () => {
  const errors = (spec: Fields, jobSpec: Fields = {}): string[] => {
    return errorsOf(CronJob, given(CronJob, { metadata: { name: 'c', namespace: 'default' }, spec: { schedule: '* * * * *', jobTemplate: { spec: { template, ...jobSpec } }, ...spec } }));
  };
  assert.deepEqual(errors({}), []);
  assert.deepEqual(errors({ schedule: 'TZ=UTC * * * * *' }), ['spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead']);
  assert.deepEqual(errors({ timeZone: 'Mars/Olympus' }), ['spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus']);
  assert.deepEqual(errors({ timeZone: '../x' }), ['spec.timeZone: Invalid value: "../x": unknown time zone ../x']);
  assert.deepEqual(errors({}, { manualSelector: true }), ['spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"']);
});

test('the name of a job should do as a name of a host', () => {
  const job = given(Job, { metadata: { name: 'a.b' }, spec: { template } });
  assert.deepEqual(warningsOf(Job, job), ['metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]']);
});
