import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeDraft, decodeObject } from '#apimachinery/decode.ts';
import { describeFieldError } from '#apimachinery/field-error.ts';
import { validateDeclared } from '#apimachinery/validate.ts';
import { podColumns } from './pod-columns.ts';
import { takeEphemeralContainers } from './pod-strategy.ts';
import { Pod } from './pod.ts';

const now = Date.UTC(2026, 0, 1, 1);
const hourAgo = '2026-01-01T00:00:00Z';

/** As the server would hold it. */
function podOf(spec: object, status: object = {}, metadata: object = {}): Pod {
  const draft = decodeDraft(Pod, { metadata: { name: 'web', namespace: 'default', creationTimestamp: hourAgo, ...metadata }, spec, status }, { defaults: true });
  Pod.defaults?.(draft);
  return draft;
}

function errorsOf(pod: Pod): string[] {
  const rules = Pod.validate as readonly ((pod: Pod) => Iterable<Parameters<typeof describeFieldError>[0]>)[];
  return [...validateDeclared(Pod, pod), ...rules.flatMap((rule) => [...rule(pod)])].map(describeFieldError);
}
function updateErrors(pod: Pod, old: Pod): string[] {
  const rules = Pod.validateUpdate as readonly ((pod: Pod, old: Pod) => Iterable<Parameters<typeof describeFieldError>[0]>)[];
  return rules.flatMap((rule) => [...rule(pod, old)]).map(describeFieldError);
}
function row(pod: Pod): Record<string, unknown> {
  return Object.fromEntries(podColumns.map((column) => [column.name, column.value(pod, now)]));
}

test('a pod of one container gets all defaults', () => {
  const { spec } = podOf({ containers: [{ name: 'a', image: 'nginx:1.27', ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1' } } }], volumes: [{ name: 'tmp' }] });
  assert.equal(spec.restartPolicy, 'Always');
  assert.equal(spec.dnsPolicy, 'ClusterFirst');
  assert.equal(spec.terminationGracePeriodSeconds, 30);
  assert.equal(spec.schedulerName, 'default-scheduler');
  assert.equal(spec.enableServiceLinks, true);
  assert.deepEqual(spec.securityContext, {});
  const container = spec.containers[0];
  assert.equal(container?.imagePullPolicy, 'IfNotPresent');
  assert.equal(container?.terminationMessagePath, '/dev/termination-log');
  assert.equal(container?.ports?.[0]?.protocol, 'TCP');
  assert.deepEqual(container?.resources.requests, { cpu: '1' });
  assert.deepEqual(spec.volumes, [{ name: 'tmp', emptyDir: {} }]);
});

test('images without a tag are always pulled, those with a digest are not', () => {
  const images = { nginx: 'Always', 'nginx:latest': 'Always', 'r:5000/nginx': 'Always', 'r:5000/nginx:1': 'IfNotPresent', 'nginx@sha256:00': 'IfNotPresent' };
  for (const [image, policy] of Object.entries(images)) {
    assert.equal(podOf({ containers: [{ name: 'a', image }] }).spec.containers[0]?.imagePullPolicy, policy, image);
  }
});

test('what is wrong with a pod is said with its path', () => {
  const container = { name: 'a', image: 'x:1' };
  const table: readonly (readonly [object, string])[] = [
    [{}, 'spec.containers: Required value'],
    [{ containers: [{ image: 'x' }] }, 'spec.containers[0].name: Required value'],
    [{ containers: [{ name: 'a' }] }, 'spec.containers[0].image: Required value'],
    [{ containers: [container, container] }, 'spec.containers[1].name: Duplicate value: "a"'],
    [{ containers: [container], restartPolicy: 'Sometimes' }, 'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
    [{ containers: [{ ...container, volumeMounts: [{ name: 'v', mountPath: '/v' }] }] }, 'spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    [{ containers: [{ ...container, resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }] }, 'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    [{ containers: [{ ...container, ports: [{ containerPort: 70000 }] }] }, 'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    [{ containers: [{ ...container, livenessProbe: {} }] }, 'spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    [{ containers: [container], volumes: [{ name: 'a', emptyDir: {}, hostPath: { path: '/x' } }] }, 'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
    [{ containers: [container], activeDeadlineSeconds: 0 }, 'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
    [{ containers: [container], tolerations: [{ value: 'x' }] }, 'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"'],
  ];
  for (const [spec, expected] of table) assert.deepEqual(errorsOf(podOf(spec)), [expected]);
});

test('a complete pod is valid, and may name a variable twice', () => {
  const spec = { containers: [{ name: 'a', image: 'x:1', env: [{ name: 'A', value: '1' }, { name: 'A', value: '2' }] }] };
  assert.deepEqual(errorsOf(podOf(spec)), []);
});

test('of a running pod only images, tolerations and the deadline may change', () => {
  const old = podOf({ containers: [{ name: 'a', image: 'x:1' }] });
  assert.deepEqual(updateErrors(podOf({ containers: [{ name: 'a', image: 'x:2', imagePullPolicy: 'IfNotPresent' }] }), old), []);
  assert.match(updateErrors(podOf({ containers: [{ name: 'a', image: 'x:1', command: ['y'] }] }), old)[0] ?? '', /^spec: Forbidden: pod updates may not change fields other than/);
  assert.deepEqual(updateErrors(podOf({ containers: [{ name: 'a', image: 'x:1' }, { name: 'b', image: 'x:1' }] }), old), [
    'spec.containers: Forbidden: pod updates may not add or remove containers',
  ]);
});

test('a pod that runs nowhere is deleted at once, a running one gets its grace period', () => {
  const grace = (pod: Pod, requested: number | undefined): number | undefined => Pod.strategy.gracePeriodSeconds?.(pod, requested);
  const containers = [{ name: 'a', image: 'x:1' }];
  assert.equal(grace(podOf({ containers }), undefined), undefined);
  assert.equal(grace(podOf({ containers, nodeName: 'n' }, { phase: 'Running' }), undefined), 30);
  assert.equal(grace(podOf({ containers, nodeName: 'n' }, { phase: 'Running' }), 5), 5);
  assert.equal(grace(podOf({ containers, nodeName: 'n' }, { phase: 'Running' }), 0), undefined);
  assert.equal(grace(podOf({ containers, nodeName: 'n' }, { phase: 'Succeeded' }), undefined), undefined);
});

test('a new pod is pending and has its class of service', () => {
  const draft = decodeDraft(Pod, { spec: { containers: [{ name: 'a', resources: { limits: { cpu: '1', memory: '1Gi' } } }] }, status: { phase: 'Running' } }, { defaults: true });
  Pod.defaults?.(draft);
  Pod.strategy.prepareForCreate?.(draft);
  assert.deepEqual(draft.status, { phase: 'Pending', qosClass: 'Guaranteed' });
});

test('labels named by matchLabelKeys become part of the selector of a new pod', () => {
  const topologySpreadConstraints = [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'web' } }, matchLabelKeys: ['hash', 'absent'] }];
  const draft = decodeDraft(Pod, { metadata: { labels: { app: 'web', hash: 'x' } }, spec: { containers: [{ name: 'a' }], topologySpreadConstraints } });
  Pod.strategy.prepareForCreate?.(draft);
  assert.deepEqual(draft.spec.topologySpreadConstraints?.[0]?.labelSelector?.matchExpressions, [{ key: 'hash', operator: 'In', values: ['x'] }]);
});

test('adding an ephemeral container changes nothing else', () => {
  const old = podOf({ containers: [{ name: 'a', image: 'x:1' }] });
  const draft = decodeDraft(Pod, { spec: { containers: [{ name: 'a', image: 'x:2' }], ephemeralContainers: [{ name: 'debug', image: 'd' }] } });
  takeEphemeralContainers(draft, old);
  assert.equal(draft.spec.containers[0]?.image, 'x:1');
  assert.equal(draft.spec.ephemeralContainers?.[0]?.name, 'debug');
});

test('the columns say what a pod does', () => {
  const spec = { containers: [{ name: 'a', image: 'x:1' }], nodeName: 'n1' };
  const base = { name: 'a', image: 'x:1', imageID: '', ready: false, restartCount: 0 };
  const table: readonly (readonly [object, object, object, Record<string, string>])[] = [
    [spec, { phase: 'Pending' }, {}, { Ready: '0/1', Status: 'Pending', Restarts: '0', Age: '60m', IP: '<none>', Node: 'n1' }],
    [spec, { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], containerStatuses: [{ ...base, ready: true, state: { running: {} } }] }, {}, { Ready: '1/1', Status: 'Running', IP: '10.0.0.1' }],
    [spec, { phase: 'Running', containerStatuses: [{ ...base, restartCount: 3, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:58:00Z' } } }] }, {}, { Status: 'CrashLoopBackOff', Restarts: '3 (2m ago)' }],
    [spec, { phase: 'Succeeded', containerStatuses: [{ ...base, state: { terminated: { exitCode: 0, reason: 'Completed' } } }] }, {}, { Ready: '0/1', Status: 'Completed' }],
    [spec, { phase: 'Failed', containerStatuses: [{ ...base, state: { terminated: { exitCode: 3 } } }] }, {}, { Status: 'ExitCode:3' }],
    [spec, { phase: 'Running', containerStatuses: [{ ...base, ready: true, state: { running: {} } }] }, { deletionTimestamp: hourAgo }, { Status: 'Terminating' }],
    [{ ...spec, initContainers: [{ name: 'i' }] }, { phase: 'Pending', initContainerStatuses: [{ ...base, name: 'i', state: { running: {} } }] }, {}, { Ready: '0/1', Status: 'Init:0/1' }],
    [{ ...spec, initContainers: [{ name: 'i' }] }, { phase: 'Pending', initContainerStatuses: [{ ...base, name: 'i', state: { waiting: { reason: 'ImagePullBackOff' } } }] }, {}, { Status: 'Init:ImagePullBackOff' }],
    [{ ...spec, initContainers: [{ name: 'i', restartPolicy: 'Always' }] }, { phase: 'Running', initContainerStatuses: [{ ...base, name: 'i', started: true, ready: true, state: { running: {} } }], containerStatuses: [{ ...base, ready: true, state: { running: {} } }] }, {}, { Ready: '2/2', Status: 'Running' }],
    [spec, { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }, {}, { Status: 'SchedulingGated' }],
  ];
  for (const [podSpec, status, metadata, expected] of table) {
    const shown = row(podOf(podSpec, status, metadata));
    for (const [name, value] of Object.entries(expected)) assert.equal(shown[name], value, `${name} of ${JSON.stringify(status)}`);
  }
});

test('a stored pod is decoded without new defaults', () => {
  assert.equal(decodeObject(Pod, { metadata: { name: 'a' } }).spec.restartPolicy, undefined);
});
