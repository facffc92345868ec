/**
 * What the kubelet makes of containers: variables, arguments, order, restarts, probes, hooks. The runtime is simulated
 * (`programs.ts`): a container's environment and arguments are those that the runtime was told.
 */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { ConfigMap } from '#api/core/config-map.ts';
import { Event } from '#api/core/event.ts';
import { Pod } from '#api/core/pod.ts';
import { Secret } from '#api/core/secret.ts';
import { Service } from '#api/core/service.ts';
import type { Given } from '#apimachinery/resource.ts';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';
import type { Workspace } from './cluster.ts';
import { isReady, workspaceTests } from './cluster.ts';
import { hookCalls, programs } from './programs.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster({ nodes: 2, clock: 'simulated', behaviour: programs });
});
after(() => cluster.close());

const inCluster = workspaceTests(() => cluster);

type Spec = Given<Pod['spec']>;
type Container = NonNullable<Spec['containers']>[number];
const only = (container: Partial<Container>, spec: Spec = {}): { readonly spec: Spec } => ({ spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, ...spec, containers: [{ name: 'c', image: 'busybox', ...container }] } });

async function logOf(w: Workspace, name: string, container = 'c'): Promise<string> {
  let text = '';
  for await (const chunk of await w.client.podLogs(w.key(name), { container })) text += new TextDecoder().decode(chunk);
  return text;
}
const hasEnded = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed';
const restarts = ({ status }: Pod, name = 'c'): number => status.containerStatuses?.find((each) => each.name === name)?.restartCount ?? 0;

/** Runs a pod to its end; gives the lines that its container logged. */
async function outputOf(w: Workspace, container: Partial<Container>, spec: Spec = {}): Promise<readonly string[]> {
  await w.client.create(Pod, w.pod('p', only(container, spec)));
  const ended = await w.until(Pod, 'p', hasEnded);
  assert.equal(ended.status.phase, 'Succeeded');
  return (await logOf(w, 'p')).split('\n');
}
function assertLines(lines: readonly string[], wanted: readonly (string | RegExp)[]): void {
  for (const line of wanted) assert.ok(lines.some((each) => (typeof line === 'string' ? each === line : line.test(each))), `${String(line)} is not in ${JSON.stringify(lines)}`);
}

describe('conformance: variables of containers', { concurrency: false }, () => {
  const configMap = (w: Workspace): Promise<ConfigMap> => w.client.create(ConfigMap, { metadata: w.key('map'), data: { 'data-1': 'value-1', 'data-2': 'value-2' } });
  const secret = (w: Workspace): Promise<Secret> => w.client.create(Secret, { metadata: w.key('secret'), data: { 'data-1': Buffer.from('value-1').toString('base64'), 'data-2': Buffer.from('value-2').toString('base64') } });
  inCluster('[sig-node] ConfigMap should be consumable via environment variable [NodeConformance] [Conformance]', async (w) => {
    await configMap(w);
    assertLines(await outputOf(w, { command: ['env'], env: [{ name: 'CONFIG_DATA_1', valueFrom: { configMapKeyRef: { name: 'map', key: 'data-1' } } }] }), ['CONFIG_DATA_1=value-1']);
  });
  inCluster('[sig-node] ConfigMap should be consumable via the environment [NodeConformance] [Conformance]', async (w) => {
    await configMap(w);
    assertLines(await outputOf(w, { command: ['env'], envFrom: [{ configMapRef: { name: 'map' } }, { prefix: 'p-', configMapRef: { name: 'map' } }] }), ['data-1=value-1', 'data-2=value-2', 'p-data-1=value-1', 'p-data-2=value-2']);
  });
  inCluster('[sig-node] ConfigMap should be consumable as environment variable names with various prefixes [Conformance]', async (w) => {
    await configMap(w);
    const prefixes = ['', 'p-', '0_', '.', '=0'.slice(1)];
    assertLines(await outputOf(w, { command: ['env'], envFrom: prefixes.map((prefix) => ({ prefix, configMapRef: { name: 'map' } })) }), prefixes.map((prefix) => `${prefix}data-1=value-1`));
  });
  inCluster('[sig-node] Secrets should be consumable from pods in env vars [NodeConformance] [Conformance]', async (w) => {
    await secret(w);
    assertLines(await outputOf(w, { command: ['env'], env: [{ name: 'SECRET_DATA', valueFrom: { secretKeyRef: { name: 'secret', key: 'data-1' } } }] }), ['SECRET_DATA=value-1']);
  });
  inCluster('[sig-node] Secrets should be consumable via the environment [NodeConformance] [Conformance]', async (w) => {
    await secret(w);
    assertLines(await outputOf(w, { command: ['env'], envFrom: [{ secretRef: { name: 'secret' } }, { prefix: 'p-', secretRef: { name: 'secret' } }] }), ['data-1=value-1', 'p-data-2=value-2']);
  });
  inCluster('[sig-node] Secrets should be consumable as environment variable names variable names with various prefixes [Conformance]', async (w) => {
    await secret(w);
    const prefixes = ['', 'p-', '0_', '.'];
    assertLines(await outputOf(w, { command: ['env'], envFrom: prefixes.map((prefix) => ({ prefix, secretRef: { name: 'secret' } })) }), prefixes.map((prefix) => `${prefix}data-1=value-1`));
  });

  const field = (name: string, fieldPath: string): Given<NonNullable<Container['env']>[number]> => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const amount = (name: string, resource: string): Given<NonNullable<Container['env']>[number]> => ({ name, valueFrom: { resourceFieldRef: { resource } } });
  inCluster('[sig-node] Downward API should provide pod name, namespace and IP address as env vars [NodeConformance] [Conformance]', async (w) => {
    const lines = await outputOf(w, { command: ['env'], env: [field('POD_NAME', 'metadata.name'), field('POD_NAMESPACE', 'metadata.namespace'), field('POD_IP', 'status.podIP')] });
    assertLines(lines, ['POD_NAME=p', `POD_NAMESPACE=${w.namespace}`, /^POD_IP=10\.244\.\d+\.\d+$/]);
  });
  inCluster('[sig-node] Downward API should provide host IP as an env var [NodeConformance] [Conformance]', async (w) => {
    const lines = await outputOf(w, { command: ['env'], env: [field('HOST_IP', 'status.hostIP')] });
    assertLines(lines, [`HOST_IP=${(await w.client.get(Pod, w.key('p'))).status.hostIP ?? 'none'}`]);
  });
  inCluster('[sig-node] Downward API should provide hostIPs as an env var [NodeConformance] [Conformance]', async (w) => {
    const lines = await outputOf(w, { command: ['env'], env: [field('HOST_IPS', 'status.hostIPs')] });
    assertLines(lines, [`HOST_IPS=${((await w.client.get(Pod, w.key('p'))).status.hostIPs ?? []).map((each) => each.ip).join(',')}`, /^HOST_IPS=\d/]);
  });
  inCluster('[sig-node] Downward API should provide pod UID as env vars [NodeConformance] [Conformance]', async (w) => {
    const lines = await outputOf(w, { command: ['env'], env: [field('POD_UID', 'metadata.uid')] });
    assertLines(lines, [`POD_UID=${(await w.client.get(Pod, w.key('p'))).metadata.uid}`]);
  });
  const amounts = [amount('CPU_LIMIT', 'limits.cpu'), amount('MEMORY_LIMIT', 'limits.memory'), amount('CPU_REQUEST', 'requests.cpu'), amount('MEMORY_REQUEST', 'requests.memory')];
  inCluster('[sig-node] Downward API should provide container\'s limits.cpu/memory and requests.cpu/memory as env vars [NodeConformance] [Conformance]', async (w) => {
    const resources = { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '1250m', memory: '64Mi' } };
    assertLines(await outputOf(w, { command: ['env'], env: amounts, resources }), ['CPU_LIMIT=2', 'MEMORY_LIMIT=67108864', 'CPU_REQUEST=1', 'MEMORY_REQUEST=33554432']);
  });
  inCluster('[sig-node] Downward API should provide default limits.cpu/memory from node allocatable [NodeConformance] [Conformance]', async (w) => {
    assertLines(await outputOf(w, { command: ['env'], env: amounts.slice(0, 2) }), ['CPU_LIMIT=4', /^MEMORY_LIMIT=1\d{10}$/]);
  });
  inCluster('[sig-node] Variable Expansion should allow composing env vars into new env vars [NodeConformance] [Conformance]', async (w) => {
    const env = [{ name: 'FOO', value: 'foo-value' }, { name: 'BAR', value: 'bar-value' }, { name: 'FOOBAR', value: '$(FOO);;$(BAR)' }];
    assertLines(await outputOf(w, { command: ['env'], env }), ['FOO=foo-value', 'BAR=bar-value', 'FOOBAR=foo-value;;bar-value']);
  });
  inCluster('[sig-node] Variable Expansion should allow substituting values in a container\'s command [NodeConformance] [Conformance]', async (w) => {
    assertLines(await outputOf(w, { command: ['echo', 'TEST_VAR=$(TEST_VAR)', '$$(TEST_VAR)'], env: [{ name: 'TEST_VAR', value: 'test-value' }] }), ['TEST_VAR=test-value $(TEST_VAR)']);
  });
  inCluster('[sig-node] Variable Expansion should allow substituting values in a container\'s args [NodeConformance] [Conformance]', async (w) => {
    assertLines(await outputOf(w, { command: ['echo'], args: ['TEST_VAR=$(TEST_VAR)'], env: [{ name: 'TEST_VAR', value: 'test-value' }] }), ['TEST_VAR=test-value']);
  });
  inCluster('[sig-node] Pods should contain environment variables for services [NodeConformance] [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('server', { labels: { name: 'server' } }));
    await w.until(Pod, 'server', isReady);
    const service = await w.client.create(Service, { metadata: w.key('fooservice'), spec: { selector: { name: 'server' }, ports: [{ port: 8765, targetPort: 8080 }] } });
    const ip = service.spec.clusterIP ?? '';
    await cluster.advance(1000);
    assertLines(await outputOf(w, { command: ['env'] }), [
      `FOOSERVICE_SERVICE_HOST=${ip}`, 'FOOSERVICE_SERVICE_PORT=8765', `FOOSERVICE_PORT=tcp://${ip}:8765`, 'FOOSERVICE_PORT_8765_TCP_PORT=8765',
      'FOOSERVICE_PORT_8765_TCP_PROTO=tcp', `FOOSERVICE_PORT_8765_TCP=tcp://${ip}:8765`, `FOOSERVICE_PORT_8765_TCP_ADDR=${ip}`,
    ]);
  });
});

describe('conformance: commands and arguments of containers', { concurrency: false }, () => {
  inCluster('[sig-node] Containers should be able to override the image\'s default arguments (container cmd) [NodeConformance] [Conformance]', async (w) => {
    assertLines(await outputOf(w, { image: 'entrypoint-tester', args: ['echo', 'override', 'arguments'] }), ['override arguments']);
  });
  inCluster('[sig-node] Containers should be able to override the image\'s default command (container entrypoint) [NodeConformance] [Conformance]', async (w) => {
    assertLines(await outputOf(w, { image: 'entrypoint-tester', command: ['echo', 'entrypoint-tester-2'] }), ['entrypoint-tester-2']);
  });
  inCluster('[sig-node] Containers should be able to override the image\'s default command and arguments [NodeConformance] [Conformance]', async (w) => {
    assertLines(await outputOf(w, { image: 'entrypoint-tester', command: ['echo', 'entrypoint-tester-2'], args: ['override', 'arguments'] }), ['entrypoint-tester-2 override arguments']);
  });
  inCluster('[sig-node] Containers should use the image defaults if command and args are blank [NodeConformance] [Conformance]', async (w) => {
    assertLines(await outputOf(w, { image: 'entrypoint-tester' }), ['the image\'s entrypoint and arguments']);
  });
  inCluster('[sig-node] Kubelet when scheduling a busybox command in a pod should print the output to logs [NodeConformance] [Conformance]', async (w) => {
    assertLines(await outputOf(w, { command: ['echo', 'Hello World'] }), ['Hello World']);
  });
  inCluster('[sig-node] Kubelet when scheduling a busybox command that always fails in a pod should have an terminated reason [NodeConformance] [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p', only({ command: ['false'] })));
    const terminated = (await w.until(Pod, 'p', hasEnded)).status.containerStatuses?.[0]?.state.terminated;
    assert.deepEqual([terminated?.exitCode, terminated?.reason], [1, 'Error']);
  });
  inCluster('[sig-node] Kubelet when scheduling a busybox command that always fails in a pod should be possible to delete [NodeConformance] [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p', only({ command: ['false'] }, { restartPolicy: 'Always' })));
    await w.until(Pod, 'p', (pod) => restarts(pod) > 0);
    await w.client.delete(Pod, w.key('p'));
    await w.untilGone(Pod, 'p');
  });
  inCluster('[sig-node] Container Runtime blackbox test when starting a container that exits should run with the expected status [NodeConformance] [Conformance]', async (w) => {
    for (const [restartPolicy, command, phase] of [['Always', 'fail-once', 'Running'], ['OnFailure', 'fail-once', 'Succeeded'], ['Never', 'false', 'Failed']] as const) {
      const name = `terminate-${restartPolicy.toLowerCase()}`;
      await w.client.create(Pod, w.pod(name, only({ command: [command, 'stay'.slice(restartPolicy === 'Always' ? 0 : 4)] }, { restartPolicy })));
      const pod = await w.until(Pod, name, (each) => each.status.phase === phase && restarts(each) === (restartPolicy === 'Never' ? 0 : 1) && (restartPolicy !== 'Always' || isReady(each)));
      assert.equal(isReady(pod), restartPolicy === 'Always');
      const state = pod.status.containerStatuses?.[0]?.state;
      assert.equal(restartPolicy === 'Always' ? state?.running !== undefined : state?.terminated?.exitCode === (restartPolicy === 'Never' ? 1 : 0), true);
    }
  });
});

describe('conformance: init containers', { concurrency: false }, () => {
  const withInit = (commands: readonly string[], spec: Spec, main: readonly string[] = []): { readonly spec: Spec } => ({
    spec: { ...spec, initContainers: commands.map((command, index) => ({ name: `init${index + 1}`, image: 'busybox', command: [command] })), containers: [{ name: 'run1', image: 'pause', ...(main.length > 0 && { command: main }) }] },
  });
  const isInitialized = ({ status }: Pod): boolean => status.conditions?.some((each) => each.type === 'Initialized' && each.status === 'True') === true;
  inCluster('[sig-node] InitContainer [NodeConformance] should invoke init containers on a RestartNever pod [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p', withInit(['true', 'true'], { restartPolicy: 'Never' }, ['true'])));
    const pod = await w.until(Pod, 'p', hasEnded);
    assert.equal(pod.status.phase, 'Succeeded');
    assert.ok(isInitialized(pod));
    assert.deepEqual(pod.status.initContainerStatuses?.map((each) => [each.ready, each.state.terminated?.exitCode]), [[true, 0], [true, 0]]);
  });
  inCluster('[sig-node] InitContainer [NodeConformance] should invoke init containers on a RestartAlways pod [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p', withInit(['true', 'true'], { restartPolicy: 'Always' })));
    const pod = await w.until(Pod, 'p', isReady);
    assert.ok(isInitialized(pod));
    assert.deepEqual(pod.status.initContainerStatuses?.map((each) => [each.ready, each.state.terminated?.exitCode]), [[true, 0], [true, 0]]);
  });
  inCluster('[sig-node] InitContainer [NodeConformance] should not start app containers if init containers fail on a RestartAlways pod [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p', withInit(['false', 'true'], { restartPolicy: 'Always' })));
    const pod = await w.until(Pod, 'p', ({ status }) => (status.initContainerStatuses?.[0]?.restartCount ?? 0) >= 3);
    assert.equal(pod.status.phase, 'Pending');
    assert.equal(isInitialized(pod), false);
    const [first, second] = pod.status.initContainerStatuses ?? [];
    assert.deepEqual([first?.ready, second?.ready, second?.state.waiting !== undefined], [false, false, true]);
    assert.notEqual(pod.status.containerStatuses?.[0]?.state.waiting, undefined);
    assert.match(pod.status.conditions?.find((each) => each.type === 'Initialized')?.message ?? '', /containers with incomplete status: \[init1 init2\]/);
  });
  inCluster('[sig-node] InitContainer [NodeConformance] should not start app containers and fail the pod if init containers fail on a RestartNever pod [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p', withInit(['true', 'false'], { restartPolicy: 'Never' })));
    const pod = await w.until(Pod, 'p', hasEnded);
    assert.equal(pod.status.phase, 'Failed');
    assert.equal(isInitialized(pod), false);
    assert.deepEqual(pod.status.initContainerStatuses?.map((each) => each.state.terminated?.exitCode), [0, 1]);
    assert.notEqual(pod.status.containerStatuses?.[0]?.state.waiting, undefined);
  });
});

describe('conformance: probes', { concurrency: false }, () => {
  const probes = {
    http: { httpGet: { path: '/healthz', port: 8080 } }, tcp: { tcpSocket: { port: 8080 } }, grpc: { grpc: { port: 5000 } }, exec: { exec: { command: ['cat', '/tmp/health'] } },
  } as const;
  const timing = { initialDelaySeconds: 15, periodSeconds: 5, failureThreshold: 1 };
  const staysUp = async (w: Workspace, probe: Given<NonNullable<Container['livenessProbe']>>): Promise<void> => {
    await w.client.create(Pod, w.pod('p', only({ livenessProbe: { ...timing, ...probe } }, { restartPolicy: 'Always' })));
    await w.until(Pod, 'p', isReady);
    await cluster.advance(4 * 60_000);
    assert.equal(restarts(await w.client.get(Pod, w.key('p'))), 0);
  };
  const isRestarted = async (w: Workspace, probe: Given<NonNullable<Container['livenessProbe']>>, times = 1): Promise<void> => {
    await w.client.create(Pod, w.pod('p', only({ command: ['unwell'], livenessProbe: { ...timing, ...probe } }, { restartPolicy: 'Always' })));
    for (let count = 1; count <= times; count++) {
      const pod = await w.until(Pod, 'p', (each) => restarts(each) >= count);
      assert.equal(restarts(pod), count);
    }
    await w.eventually(async () => (await w.client.list(Event, { namespace: w.namespace })).items.some((each) => each.reason === 'Unhealthy' && each.message?.startsWith('Liveness probe failed') === true));
  };
  inCluster('[sig-node] Probing container should *not* be restarted with a /healthz http liveness probe [NodeConformance] [Conformance]', (w) => staysUp(w, probes.http));
  inCluster('[sig-node] Probing container should *not* be restarted with a tcp:8080 liveness probe [NodeConformance] [Conformance]', (w) => staysUp(w, probes.tcp));
  inCluster('[sig-node] Probing container should *not* be restarted with a GRPC liveness probe [NodeConformance] [Conformance]', (w) => staysUp(w, probes.grpc));
  inCluster('[sig-node] Probing container should *not* be restarted with a exec "cat /tmp/health" liveness probe [NodeConformance] [Conformance]', (w) => staysUp(w, probes.exec));
  inCluster('[sig-node] Probing container should be restarted with a /healthz http liveness probe [NodeConformance] [Conformance]', (w) => isRestarted(w, probes.http));
  inCluster('[sig-node] Probing container should be restarted with a GRPC liveness probe [NodeConformance] [Conformance]', (w) => isRestarted(w, probes.grpc));
  inCluster('[sig-node] Probing container should be restarted with a exec "cat /tmp/health" liveness probe [NodeConformance] [Conformance]', (w) => isRestarted(w, probes.exec));
  inCluster('[sig-node] Probing container should have monotonically increasing restart count [NodeConformance] [Conformance]', (w) => isRestarted(w, probes.http, 5));
  inCluster('[sig-node] Probing container with readiness probe should not be ready before initial delay and never restart [NodeConformance] [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p', only({ readinessProbe: { ...probes.http, initialDelaySeconds: 30, periodSeconds: 5 } }, { restartPolicy: 'Always' })));
    const pod = await w.until(Pod, 'p', isReady);
    const started = Date.parse(pod.status.containerStatuses?.[0]?.state.running?.startedAt ?? '');
    const ready = Date.parse(pod.status.conditions?.find((each) => each.type === 'Ready')?.lastTransitionTime ?? '');
    assert.ok(ready - started >= 29_000, `ready ${ready - started} ms after its start`);
    assert.equal(restarts(pod), 0);
  });
  inCluster('[sig-node] Probing container with readiness probe that fails should never be ready and never restart [NodeConformance] [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('p', only({ command: ['unwell'], readinessProbe: { ...probes.http, ...timing } }, { restartPolicy: 'Always' })));
    await w.until(Pod, 'p', ({ status }) => status.phase === 'Running');
    for (let step = 0; step < 18; step++) {
      await cluster.advance(10_000);
      const pod = await w.client.get(Pod, w.key('p'));
      assert.deepEqual([isReady(pod), restarts(pod)], [false, 0]);
    }
  });
});

describe('conformance: lifecycle hooks', { concurrency: false }, () => {
  const called = (name: string, what: string): boolean => hookCalls.some((each) => each === `${name} ${what}`);
  const handlers = { exec: { exec: { command: ['notify', 'hook'] } }, http: { httpGet: { path: '/echo?msg=hook', port: 8080 } } } as const;
  for (const kind of ['exec', 'http'] as const) {
    const seen = kind === 'exec' ? 'exec notify hook' : 'http /echo?msg=hook';
    inCluster(`[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute poststart ${kind} hook properly [NodeConformance] [Conformance]`, async (w) => {
      await w.client.create(Pod, w.pod(`post-${kind}`, only({ command: ['hooks'], lifecycle: { postStart: handlers[kind] } }, { restartPolicy: 'Always' })));
      await w.until(Pod, `post-${kind}`, isReady);
      assert.ok(called(`post-${kind}`, seen), hookCalls.join('\n'));
    });
    inCluster(`[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute prestop ${kind} hook properly [NodeConformance] [Conformance]`, async (w) => {
      await w.client.create(Pod, w.pod(`pre-${kind}`, only({ command: ['hooks'], lifecycle: { preStop: handlers[kind] } }, { restartPolicy: 'Always' })));
      await w.until(Pod, `pre-${kind}`, isReady);
      assert.ok(!called(`pre-${kind}`, seen));
      await w.client.delete(Pod, w.key(`pre-${kind}`));
      await w.untilGone(Pod, `pre-${kind}`);
      assert.ok(called(`pre-${kind}`, seen), hookCalls.join('\n'));
    });
  }
  inCluster('[sig-node] PreStop should call prestop when killing a pod [Conformance]', async (w) => {
    await w.client.create(Pod, w.pod('tester', only({ command: ['hooks'], lifecycle: { preStop: { exec: { command: ['wget', 'server:8080/write'] } } } }, { restartPolicy: 'Always' })));
    await w.until(Pod, 'tester', isReady);
    await w.client.delete(Pod, w.key('tester'));
    await w.untilGone(Pod, 'tester');
    assert.ok(called('tester', 'exec wget server:8080/write'));
  });
});
