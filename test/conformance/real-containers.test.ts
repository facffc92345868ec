/** Variables, commands, ends and order of containers: the same behaviours as in containers.test.ts, shown by real containers. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe } from 'node:test';
import { ConfigMap } from '#api/core/config-map.ts';
import { Pod } from '#api/core/pod.ts';
import { Secret } from '#api/core/secret.ts';
import { Service } from '#api/core/service.ts';
import type { Given } from '#apimachinery/resource.ts';
import { demoImages } from '#kubelet/images/bundled-images.ts';
import { buildImageArchive } from '#kubelet/images/image-archive.ts';
import { buildNetexecImage, netexecImage, noNetexecImage } from './network-image.ts';
import type { Workspace } from './cluster.ts';
import { isReady } from './cluster.ts';
import type { Container } from './real-node.ts';
import { machineTests, noContainers, startRealNode } from './real-node.ts';
import { shared } from '../support/shared.ts';

const skip = noContainers() || noNetexecImage();
const entrypointTester = 'skiff.dev/entrypoint-tester:1.0';
const node = shared(async () => {
  const started = await startRealNode();
  // The same busybox as that of the pods, with an entrypoint that shows what it is given.
  const archive = await buildImageArchive({
    names: [entrypointTester], architecture: process.arch === 'x64' ? 'amd64' : process.arch, entrypoint: ['/ep', 'image-entrypoint'], command: ['image', 'arguments'],
    files: [{ path: 'bin/busybox', content: await readFile('/bin/busybox'), mode: 0o755 }, { path: 'bin/sh', linkTo: 'busybox' }, ...['ep', 'ep-2'].map((path) => ({ path, content: `#!/bin/sh\necho /${path} "$@"\n`, mode: 0o755 }))],
  });
  await started.addImage(archive);
  await started.addImage(await buildNetexecImage());
  return started;
}, skip);

const onMachine = machineTests(node);

type Spec = Given<Pod['spec']>;
const hasEnded = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed';
const restarts = ({ status }: Pod): number => status.containerStatuses?.[0]?.restartCount ?? 0;

/** That the environment of a container has these lines. */
async function assertEnvironment(w: Workspace, container: Partial<Container>, wanted: readonly string[], command: readonly string[] = ['env']): Promise<void> {
  const lines = (await node().outputOf(w, { container: { command, ...container } })).split('\n');
  for (const line of wanted) assert.ok(lines.includes(line), `${line} is not in ${JSON.stringify(lines)}`);
}

/** Most of them wait, each for its own pod: all kinds at once. */
describe('conformance: real containers', { skip, concurrency: true }, () => {
  describe('conformance: variables in real containers', { concurrency: 2 }, () => {
    const data = { 'data-1': 'value-1', 'data-2': 'value-2' };
    const configMap = (w: Workspace): Promise<ConfigMap> => w.client.create(ConfigMap, { metadata: w.key('map'), data });
    const secret = (w: Workspace): Promise<Secret> => w.client.create(Secret, { metadata: w.key('secret'), stringData: data });
    const prefixes = ['', 'p-', '0_', '.'];
    onMachine('[sig-node] ConfigMap should be consumable via environment variable [NodeConformance] [Conformance]', async (w) => {
      await configMap(w);
      await assertEnvironment(w, { env: [{ name: 'CONFIG_DATA_1', valueFrom: { configMapKeyRef: { name: 'map', key: 'data-1' } } }] }, ['CONFIG_DATA_1=value-1']);
    });
    onMachine('[sig-node] ConfigMap should be consumable via the environment [NodeConformance] [Conformance]', async (w) => {
      await configMap(w);
      await assertEnvironment(w, { envFrom: [{ configMapRef: { name: 'map' } }, { prefix: 'p-', configMapRef: { name: 'map' } }] }, ['data-1=value-1', 'data-2=value-2', 'p-data-1=value-1', 'p-data-2=value-2']);
    });
    onMachine('[sig-node] ConfigMap should be consumable as environment variable names with various prefixes [Conformance]', async (w) => {
      await configMap(w);
      await assertEnvironment(w, { envFrom: prefixes.map((prefix) => ({ prefix, configMapRef: { name: 'map' } })) }, prefixes.map((prefix) => `${prefix}data-2=value-2`));
    });
    onMachine('[sig-node] Secrets should be consumable from pods in env vars [NodeConformance] [Conformance]', async (w) => {
      await secret(w);
      await assertEnvironment(w, { env: [{ name: 'SECRET_DATA', valueFrom: { secretKeyRef: { name: 'secret', key: 'data-1' } } }] }, ['SECRET_DATA=value-1']);
    });
    onMachine('[sig-node] Secrets should be consumable via the environment [NodeConformance] [Conformance]', async (w) => {
      await secret(w);
      await assertEnvironment(w, { envFrom: [{ secretRef: { name: 'secret' } }, { prefix: 'p-', secretRef: { name: 'secret' } }] }, ['data-1=value-1', 'p-data-2=value-2']);
    });
    onMachine('[sig-node] Secrets should be consumable as environment variable names variable names with various prefixes [Conformance]', async (w) => {
      await secret(w);
      await assertEnvironment(w, { envFrom: prefixes.map((prefix) => ({ prefix, secretRef: { name: 'secret' } })) }, prefixes.map((prefix) => `${prefix}data-2=value-2`));
    });
    const field = (name: string, fieldPath: string): NonNullable<Container['env']>[number] => ({ name, valueFrom: { fieldRef: { fieldPath } } });
    const amount = (name: string, resource: string): NonNullable<Container['env']>[number] => ({ name, valueFrom: { resourceFieldRef: { resource } } });
    onMachine('[sig-node] Downward API should provide pod name, namespace and IP address as env vars [NodeConformance] [Conformance]', async (w) => {
      const text = await node().outputOf(w, { script: 'env', container: { env: [field('POD_NAME', 'metadata.name'), field('POD_NAMESPACE', 'metadata.namespace'), field('POD_IP', 'status.podIP')] } });
      const { status } = await w.client.get(Pod, w.key('p'));
      for (const line of ['POD_NAME=p', `POD_NAMESPACE=${w.namespace}`, `POD_IP=${status.podIP}`]) assert.ok(text.split('\n').includes(line), text);
    });
    onMachine('[sig-node] Downward API should provide pod UID as env vars [NodeConformance] [Conformance]', async (w) => {
      const text = await node().outputOf(w, { script: 'env', container: { env: [field('POD_UID', 'metadata.uid')] } });
      assert.ok(text.split('\n').includes(`POD_UID=${(await w.client.get(Pod, w.key('p'))).metadata.uid}`), text);
    });
    onMachine('[sig-node] Downward API should provide container\'s limits.cpu/memory and requests.cpu/memory as env vars [NodeConformance] [Conformance]', (w) =>
      assertEnvironment(w, {
        resources: { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '1250m', memory: '64Mi' } },
        env: [amount('CPU_LIMIT', 'limits.cpu'), amount('MEMORY_LIMIT', 'limits.memory'), amount('CPU_REQUEST', 'requests.cpu'), amount('MEMORY_REQUEST', 'requests.memory')],
      }, ['CPU_LIMIT=2', 'MEMORY_LIMIT=67108864', 'CPU_REQUEST=1', 'MEMORY_REQUEST=33554432']));
    onMachine('[sig-node] Variable Expansion should allow composing env vars into new env vars [NodeConformance] [Conformance]', (w) =>
      assertEnvironment(w, { env: [{ name: 'FOO', value: 'foo-value' }, { name: 'BAR', value: 'bar-value' }, { name: 'FOOBAR', value: '$(FOO);;$(BAR)' }] }, ['FOO=foo-value', 'BAR=bar-value', 'FOOBAR=foo-value;;bar-value']));
    onMachine('[sig-node] Variable Expansion should allow substituting values in a container\'s command [NodeConformance] [Conformance]', (w) =>
      assertEnvironment(w, { env: [{ name: 'TEST_VAR', value: 'test-value' }] }, ['test-value wrong'], ['sh', '-c', 'TEST_VAR=wrong; echo "$(TEST_VAR) $TEST_VAR"']));
    onMachine('[sig-node] Variable Expansion should allow substituting values in a container\'s args [NodeConformance] [Conformance]', (w) =>
      assertEnvironment(w, { command: ['sh', '-c'], args: ['TEST_VAR=wrong; echo "$(TEST_VAR) $TEST_VAR"'], env: [{ name: 'TEST_VAR', value: 'test-value' }] }, ['test-value wrong']));
    onMachine('[sig-node] Pods should contain environment variables for services [NodeConformance] [Conformance]', async (w) => {
      const { spec: { clusterIP } } = await w.client.create(Service, { metadata: w.key('fooservice'), spec: { selector: { name: 'server' }, ports: [{ port: 8765, targetPort: 8080 }] } });
      const wanted = [`FOOSERVICE_SERVICE_HOST=${clusterIP}`, 'FOOSERVICE_SERVICE_PORT=8765', `FOOSERVICE_PORT_8765_TCP=tcp://${clusterIP}:8765`, `FOOSERVICE_PORT_8765_TCP_ADDR=${clusterIP}`];
      // Services come to the node by a watch: a pod that starts in the same instant may be too early, as in the original.
      let text = '';
      for (let attempt = 1; attempt <= 5 && !text.includes('FOOSERVICE'); attempt++) text = await node().outputOf(w, { script: 'env' }, `p${attempt}`);
      for (const line of wanted) assert.ok(text.split('\n').includes(line), text);
    });
  });

  describe('conformance: commands of real containers', { concurrency: 2 }, () => {
    const shown = (w: Workspace, container: Partial<Container>): Promise<string> => node().outputOf(w, { container: { image: entrypointTester, imagePullPolicy: 'Never', ...container } });
    onMachine('[sig-node] Containers should use the image defaults if command and args are blank [NodeConformance] [Conformance]', async (w) =>
      assert.equal(await shown(w, {}), '/ep image-entrypoint image arguments\n'));
    onMachine('[sig-node] Containers should be able to override the image\'s default arguments (container cmd) [NodeConformance] [Conformance]', async (w) =>
      assert.equal(await shown(w, { args: ['override', 'arguments'] }), '/ep image-entrypoint override arguments\n'));
    onMachine('[sig-node] Containers should be able to override the image\'s default command (container entrypoint) [NodeConformance] [Conformance]', async (w) =>
      assert.equal(await shown(w, { command: ['/ep-2'] }), '/ep-2\n'));
    onMachine('[sig-node] Containers should be able to override the image\'s default command and arguments [NodeConformance] [Conformance]', async (w) =>
      assert.equal(await shown(w, { command: ['/ep-2'], args: ['override', 'arguments'] }), '/ep-2 override arguments\n'));
    onMachine('[sig-node] Kubelet when scheduling a busybox command in a pod should print the output to logs [NodeConformance] [Conformance]', async (w) =>
      assert.equal(await node().outputOf(w, { script: 'echo "Hello World"' }), 'Hello World\n'));
    onMachine('[sig-node] Kubelet when scheduling a busybox command that always fails in a pod should have an terminated reason [NodeConformance] [Conformance]', async (w) => {
      await w.client.create(Pod, node().pod(w, 'p', { script: 'exit 1' }));
      const { exitCode, reason, containerID = '' } = (await node().until(w, 'p', hasEnded)).status.containerStatuses?.[0]?.state.terminated ?? {};
      assert.deepEqual([exitCode, reason], [1, 'Error']);
      assert.match(containerID, /^containerd:\/\/[0-9a-f]{64}$/);
    });
    onMachine('[sig-node] Kubelet when scheduling a busybox command that always fails in a pod should be possible to delete [NodeConformance] [Conformance]', async (w) => {
      await w.client.create(Pod, node().pod(w, 'p', { script: 'exit 1', spec: { restartPolicy: 'Always' } }));
      await node().until(w, 'p', (pod) => restarts(pod) > 0);
      await w.client.delete(Pod, w.key('p'));
      await node().cluster.until(Pod, w.key('p'), (pod) => pod === undefined, { timeoutMs: 40_000 });
    });
    onMachine('[sig-node] Container Runtime blackbox test when starting a container that exits should run with the expected status [NodeConformance] [Conformance]', async (w) => {
      const volumes = [{ name: 'restart-count', emptyDir: {} }];
      const container = { volumeMounts: [{ name: 'restart-count', mountPath: '/restart-count' }] };
      // Fails the first time, then does what the argument says.
      const script = (then: string): string => `echo x >> /restart-count/times; if [ $(wc -l < /restart-count/times) -eq 1 ]; then exit 1; fi; ${then}`;
      for (const [restartPolicy, then, phase, count, exitCode] of [['Always', 'sleep 3600', 'Running', 1, undefined], ['OnFailure', 'exit 0', 'Succeeded', 1, 0], ['Never', 'exit 0', 'Failed', 0, 1]] as const) {
        const name = `terminate-${restartPolicy.toLowerCase()}`;
        await w.client.create(Pod, node().pod(w, name, { script: script(then), container, spec: { restartPolicy, volumes } }));
        const pod = await node().until(w, name, (each) => each.status.phase === phase && restarts(each) === count && isReady(each) === (restartPolicy === 'Always'));
        const { state } = pod.status.containerStatuses?.[0] ?? {};
        assert.deepEqual([state?.running !== undefined, state?.terminated?.exitCode], [restartPolicy === 'Always', exitCode], name);
      }
    });
  });

  describe('conformance: real init containers', { concurrency: 2 }, () => {
    const volumes = [{ name: 'trace', emptyDir: {} }];
    const container = (name: string, script: string): Container => ({ name, image: demoImages[0], imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script], volumeMounts: [{ name: 'trace', mountPath: '/trace' }] });
    const pod = (w: Workspace, restartPolicy: NonNullable<Spec['restartPolicy']>, init: readonly string[], main: string): Given<Pod> => ({
      ...node().pod(w, 'p', { script: main, container: { volumeMounts: [{ name: 'trace', mountPath: '/trace' }] }, spec: { restartPolicy, volumes, initContainers: init.map((script, index) => container(`init${index + 1}`, script)) } }),
    });
    const isInitialized = ({ status }: Pod): boolean => status.conditions?.some((each) => each.type === 'Initialized' && each.status === 'True') === true;
    onMachine('[sig-node] InitContainer [NodeConformance] should invoke init containers on a RestartNever pod [Conformance]', async (w) => {
      await w.client.create(Pod, pod(w, 'Never', ['echo 1 >> /trace/order', 'echo 2 >> /trace/order'], 'cat /trace/order'));
      const ended = await node().until(w, 'p', hasEnded);
      assert.deepEqual([ended.status.phase, isInitialized(ended), ended.status.initContainerStatuses?.map((each) => [each.ready, each.state.terminated?.exitCode])], ['Succeeded', true, [[true, 0], [true, 0]]]);
      assert.equal(await node().logOf(w, 'p'), '1\n2\n');
    });
    onMachine('[sig-node] InitContainer [NodeConformance] should invoke init containers on a RestartAlways pod [Conformance]', async (w) => {
      await w.client.create(Pod, pod(w, 'Always', ['echo 1 >> /trace/order', 'echo 2 >> /trace/order'], 'cat /trace/order; exec sleep 3600'));
      const running = await node().until(w, 'p', isReady);
      assert.deepEqual([isInitialized(running), running.status.initContainerStatuses?.map((each) => [each.ready, each.state.terminated?.exitCode])], [true, [[true, 0], [true, 0]]]);
      assert.equal(await node().exec(w, 'p', 'cat /trace/order'), '1\n2\n');
    });
    onMachine('[sig-node] InitContainer [NodeConformance] should not start app containers and fail the pod if init containers fail on a RestartNever pod [Conformance]', async (w) => {
      await w.client.create(Pod, pod(w, 'Never', ['true', 'false'], 'echo started'));
      const ended = await node().until(w, 'p', hasEnded);
      assert.deepEqual([ended.status.phase, isInitialized(ended), ended.status.initContainerStatuses?.map((each) => each.state.terminated?.exitCode)], ['Failed', false, [0, 1]]);
      assert.notEqual(ended.status.containerStatuses?.[0]?.state.waiting, undefined);
    });
    onMachine('[sig-node] InitContainer [NodeConformance] should not start app containers if init containers fail on a RestartAlways pod [Conformance]', async (w) => {
      // The original waits for three restarts; the pauses between them are shown on a simulated clock.
      await w.client.create(Pod, pod(w, 'Always', ['false', 'true'], 'echo started'));
      const failing = await node().until(w, 'p', ({ status }) => (status.initContainerStatuses?.[0]?.restartCount ?? 0) >= 2);
      const [first, second] = failing.status.initContainerStatuses ?? [];
      assert.deepEqual([failing.status.phase, isInitialized(failing), first?.ready, second?.ready, second?.state.waiting !== undefined], ['Pending', false, false, false, true]);
      assert.notEqual(failing.status.containerStatuses?.[0]?.state.waiting, undefined);
    });
  });

  describe('conformance: real ephemeral containers', { concurrency: 1 }, () => {
    const ephemeral = (name: string): object => ({ name, image: netexecImage, imagePullPolicy: 'Never', command: ['sh', '-c', `echo ${name}; exec sleep 3600`], targetContainerName: 'c' });
    const runs = (...names: string[]) => ({ status }: Pod): boolean => names.every((name) => status.ephemeralContainerStatuses?.some((each) => each.name === name && each.state.running !== undefined));
    onMachine('[sig-node] Ephemeral Containers [NodeConformance] will start an ephemeral container in an existing pod [Conformance]', async (w) => {
      await w.client.create(Pod, node().pod(w, 'p', { script: 'exec sleep 3600', spec: { restartPolicy: 'Always' } }));
      await node().until(w, 'p', isReady);
      await w.client.patch(Pod, w.key('p'), { type: 'strategic', patch: { spec: { ephemeralContainers: [ephemeral('debugger')] } } }, { subresource: 'ephemeralcontainers' });
      await node().until(w, 'p', runs('debugger'));
      assert.equal(await node().logOf(w, 'p', 'debugger'), 'debugger\n');
      // It has its own image, and sees the processes of the container that it is to look at.
      assert.match(await node().exec(w, 'p', 'ls /netexec; cat /proc/1/cmdline', 'debugger'), /^\/netexec\nsleep\0?3600/);
    });
    onMachine('[sig-node] Ephemeral Containers [NodeConformance] should update the ephemeral containers in an existing pod [Conformance]', async (w) => {
      await w.client.create(Pod, node().pod(w, 'p', { script: 'exec sleep 3600', spec: { restartPolicy: 'Always' } }));
      await node().until(w, 'p', isReady);
      for (const [index, name] of ['debugger', 'debugger2'].entries()) {
        await w.client.patch(Pod, w.key('p'), { type: 'strategic', patch: { spec: { ephemeralContainers: [ephemeral(name)] } } }, { subresource: 'ephemeralcontainers' });
        const pod = await node().until(w, 'p', runs(...['debugger', 'debugger2'].slice(0, index + 1)));
        assert.equal(pod.spec.ephemeralContainers?.length, index + 1);
        assert.equal(await node().exec(w, 'p', 'echo here', name), 'here\n');
      }
    });
  });
});
