import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReady } from '#api/core/pod-status.ts';
import { Lease } from '#api/coordination/lease.ts';
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { RuntimeClass } from '#api/node/runtime-class.ts';
import type { RuntimeService } from './cri/cri.ts';
import { withKubelet } from './kubelet.fixture.ts';

const one = [{ name: 'app', image: 'skiff.dev/hello:1.0' }];

function stateOf(pod: Pod, index = 0): string {
  const state = pod.status.containerStatuses?.[index]?.state;
  return state?.running !== undefined ? 'running' : (state?.waiting?.reason ?? `ended ${state?.terminated?.exitCode}`);
}

test('the node registers with capacity, conditions and a lease that is renewed', () =>
  withKubelet({}, async ({ client, clock }) => {
    const node = await client.get<Node>(Node, { name: 'n1' });
    assert.equal(node.status.allocatable?.['pods'], '110');
    assert.equal(node.status.conditions?.find(({ type }) => type === 'Ready')?.status, 'True');
    const first = await client.get<Lease>(Lease, { namespace: 'kube-node-lease', name: 'n1' });
    await clock.advance(10_000);
    const second = await client.get<Lease>(Lease, { namespace: 'kube-node-lease', name: 'n1' });
    assert.notEqual(first.spec.renewTime, second.spec.renewTime);
    assert.equal(second.spec.leaseDurationSeconds, 40);
  }));

test('what others advertise in the node\'s capacity can be allocated, until they take it back', () =>
  withKubelet({}, async ({ client, clock }) => {
    const offered = async (patch: object): Promise<string | undefined> => {
      await client.patch(Node, { name: 'n1' }, { type: 'merge', patch: { status: { capacity: patch } } }, { subresource: 'status' });
      await clock.advance(1000);
      return (await client.get<Node>(Node, { name: 'n1' })).status.allocatable?.['example.com/dongle'];
    };
    assert.equal(await offered({ 'example.com/dongle': '4' }), '4');
    assert.equal(await offered({ 'example.com/dongle': '1' }), '1');
    await clock.advance(6 * 60_000);
    assert.equal(await offered({}), '1');
    assert.equal(await offered({ 'example.com/dongle': null }), undefined);
    assert.equal((await client.get<Node>(Node, { name: 'n1' })).status.allocatable?.['pods'], '110');
  }));

test('a pod runs, is ready, and says where', () =>
  withKubelet({}, async ({ createPod, events }) => {
    const pod = await createPod('web', { containers: one });
    assert.equal(pod.status.phase, 'Running');
    assert.ok(isReady(pod));
    assert.equal(pod.status.podIP, '10.244.1.2');
    assert.equal(pod.status.hostIP, '192.168.0.11');
    assert.match(pod.status.containerStatuses?.[0]?.containerID ?? '', /^simulated:\/\//);
    assert.deepEqual((await events()).filter((event) => !event.startsWith('Starting')).map((event) => event.split(':')[0]), ['Pulling', 'Pulled', 'Created', 'Started']);
  }));

test('a pod runs by the handler of its RuntimeClass, and not without one that is gone', () =>
  withKubelet({}, async ({ client, createPod, runtime, events }) => {
    const handlers: (string | undefined)[] = [];
    const run = runtime.runPodSandbox.bind(runtime);
    const watched: RuntimeService['runPodSandbox'] = (config, options) => {
      handlers.push(options?.runtimeHandler);
      return run(config);
    };
    Object.assign(runtime, { runPodSandbox: watched });
    await client.create(RuntimeClass, { metadata: { name: 'safe' }, handler: 'kata' });
    await createPod('plain', { containers: one });
    await createPod('safe', { containers: one, runtimeClassName: 'safe' });
    assert.equal((await createPod('lost', { containers: one, runtimeClassName: 'gone' })).status.phase, 'Pending');
    assert.deepEqual(handlers, [undefined, 'kata']);
    assert.ok((await events()).some((event) => /^FailedCreatePodSandBox: .*"gone" not found/.test(event)));
  }));

test('init containers run one after another before the others', () =>
  withKubelet({ behaviour: ({ config }) => (config.metadata.name.startsWith('init') ? { exitAfterMs: 1000 } : {}) }, async ({ createPod, clock, pod }) => {
    const early = await createPod('web', { containers: one, initContainers: [{ name: 'init-a', image: 'x' }, { name: 'init-b', image: 'x' }] });
    assert.equal(early.status.phase, 'Pending');
    assert.equal(stateOf(early), 'PodInitializing');
    await clock.advance(1100);
    assert.equal((await pod('web')).status.conditions?.find(({ type }) => type === 'Initialized')?.message, 'containers with incomplete status: [init-b]');
    await clock.advance(1100);
    assert.equal((await pod('web')).status.phase, 'Running');
  }));

test('a container that keeps failing is restarted after 10 s, 20 s, 40 s', () =>
  withKubelet({ behaviour: () => ({ exitAfterMs: 1000, exitCode: 1 }) }, async ({ createPod, clock, pod, events }) => {
    await createPod('web', { containers: one });
    await clock.advance(1100);
    assert.equal((await pod('web')).status.containerStatuses?.[0]?.restartCount, 1, 'the first restart comes at once');
    await clock.advance(1000);
    const crashed = await pod('web');
    assert.equal(stateOf(crashed), 'CrashLoopBackOff');
    assert.equal(crashed.status.phase, 'Running');
    assert.equal(crashed.status.containerStatuses?.[0]?.lastState.terminated?.exitCode, 1);
    assert.match(crashed.status.containerStatuses?.[0]?.state.waiting?.message ?? '', /^back-off 10s restarting failed container=app pod=web_default\(/);
    await clock.advance(10_100);
    assert.equal((await pod('web')).status.containerStatuses?.[0]?.restartCount, 2);
    await clock.advance(19_000);
    assert.equal((await pod('web')).status.containerStatuses?.[0]?.restartCount, 2);
    await clock.advance(2500);
    assert.equal((await pod('web')).status.containerStatuses?.[0]?.restartCount, 3);
    assert.ok((await events()).some((event) => event.startsWith('BackOff: Back-off restarting failed container app in pod web_default(')));
  }));

test('the log of a container that waits for its restart is that of the one that ended', () =>
  withKubelet({ behaviour: () => ({ exitAfterMs: 100, exitCode: 1, log: ['boom'] }) }, async ({ createPod, clock, kubelet }) => {
    await createPod('web', { containers: one });
    await clock.advance(3000);
    for (const previous of [false, true]) {
      let text = '';
      for await (const chunk of await kubelet.handle.containerLogs({ namespace: 'default', pod: 'web' }, { previous }, new AbortController().signal)) text += Buffer.from(chunk).toString();
      assert.equal(text, 'boom\n');
    }
    await assert.rejects(kubelet.handle.containerLogs({ namespace: 'default', pod: 'none' }, {}, new AbortController().signal), /pods "none" not found/);
  }));

test('a pod starts anew in its sandbox when a container asks for it by its exit code', () =>
  withKubelet({ behaviour: ({ config: { metadata } }) => (metadata.name === 'init' ? { exitAfterMs: 1000 } : metadata.name === 'watch' && metadata.attempt === 0 ? { exitAfterMs: 5000, exitCode: 88 } : {}) }, async ({ createPod, clock, pod, runtime }) => {
    const watch = { name: 'watch', image: 'x', restartPolicy: 'Never', restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [88] } }] };
    await createPod('web', { initContainers: [{ name: 'init', image: 'x' }], containers: [...one, watch], restartPolicy: 'Never' });
    await clock.advance(2000);
    const before = await pod('web');
    assert.equal(before.status.conditions?.find(({ type }) => type === 'AllContainersRestarting')?.status, 'False');
    await clock.advance(4500);
    const under = await pod('web');
    assert.equal(under.status.phase, 'Running', 'though nothing runs but the init container');
    await clock.advance(10_000);
    const { status } = await pod('web');
    assert.deepEqual([status.phase, status.podIP], ['Running', before.status.podIP]);
    assert.deepEqual([...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map(({ restartCount }) => restartCount), [1, 1, 1]);
    assert.deepEqual(status.containerStatuses?.map(({ state }) => state.running !== undefined), [true, true]);
    assert.equal((await runtime.listPodSandbox()).length, 1);
  }));

test('an init container gets what it asks for while it runs', () =>
  withKubelet({ behaviour: ({ config }) => (config.metadata.name === 'init' ? { exitAfterMs: 60_000 } : {}) }, async ({ createPod, client, clock, pod }) => {
    const resources = { requests: { cpu: '100m' } };
    await createPod('web', { initContainers: [{ name: 'init', image: 'x', resources }], containers: one });
    await clock.advance(2000);
    const patch = { spec: { initContainers: [{ name: 'init', resources: { requests: { cpu: '200m' } } }] } };
    await client.patch(Pod, { namespace: 'default', name: 'web' }, { type: 'strategic', patch });
    await clock.advance(2000);
    assert.equal((await pod('web')).status.initContainerStatuses?.[0]?.resources?.requests?.['cpu'], '200m');
  }));

test('a pod that waits to be restarted by a rule has not failed', () =>
  withKubelet({ behaviour: () => ({ exitAfterMs: 1000, exitCode: 42 }) }, async ({ createPod, clock, pod }) => {
    const [container] = one;
    await createPod('web', { containers: [{ ...container, name: 'main', restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] }], restartPolicy: 'Never' });
    await clock.advance(5000);
    const { status } = await pod('web');
    assert.equal(status.containerStatuses?.[0]?.state.waiting?.reason, 'CrashLoopBackOff');
    assert.equal(status.phase, 'Running');
  }));

test('a pod that runs to its end succeeds or fails, as its policy says', () =>
  withKubelet({ behaviour: ({ pod }) => ({ exitAfterMs: 1000, exitCode: pod.name === 'good' ? 0 : 3 }) }, async ({ createPod, clock, pod, runtime }) => {
    await createPod('good', { containers: one, restartPolicy: 'OnFailure' });
    await createPod('bad', { containers: one, restartPolicy: 'Never' });
    await clock.advance(1500);
    const good = await pod('good');
    assert.equal(good.status.phase, 'Succeeded');
    assert.equal(good.status.conditions?.find(({ type }) => type === 'Ready')?.reason, 'PodCompleted');
    assert.equal((await pod('bad')).status.phase, 'Failed');
    assert.ok((await runtime.listPodSandbox()).every(({ state }) => state === 'SANDBOX_NOTREADY'));
  }));

test('an image that cannot be pulled shows as ErrImagePull, then ImagePullBackOff', () =>
  withKubelet({ pull: () => ({ error: 'no such host' }) }, async ({ createPod, clock, pod }) => {
    assert.equal(stateOf(await createPod('web', { containers: one })), 'ErrImagePull');
    await clock.advance(5000);
    const waiting = await pod('web');
    assert.equal(stateOf(waiting), 'ImagePullBackOff');
    assert.equal(waiting.status.phase, 'Pending');
  }));

test('images and settings that are wrong have reasons of their own', () =>
  withKubelet({}, async ({ createPod }) => {
    assert.equal(stateOf(await createPod('a', { containers: [{ name: 'app', image: 'Not//Valid' }] })), 'InvalidImageName');
    assert.equal(stateOf(await createPod('b', { containers: [{ name: 'app', image: 'x', imagePullPolicy: 'Never' }] })), 'ErrImageNeverPull');
    const c = await createPod('c', { containers: [{ name: 'app', image: 'x', env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'none', key: 'k' } } }] }] });
    assert.equal(stateOf(c), 'CreateContainerConfigError');
    assert.equal(c.status.containerStatuses?.[0]?.state.waiting?.message, 'configmap "none" not found');
  }));

test('a failed liveness probe restarts the container, a failed readiness probe only takes it out', () => {
  let isWell = true;
  return withKubelet({ behaviour: () => ({ probe: () => isWell }) }, async ({ createPod, clock, pod, events }) => {
    const probe = { httpGet: { path: '/', port: 8080 }, periodSeconds: 1, failureThreshold: 3 };
    await createPod('web', { containers: [{ ...one[0], name: 'app', readinessProbe: { ...probe, failureThreshold: 1 }, livenessProbe: probe }] });
    await clock.advance(200);
    assert.ok(isReady(await pod('web')));
    isWell = false;
    await clock.advance(1500);
    assert.ok(!isReady(await pod('web')));
    assert.equal((await pod('web')).status.containerStatuses?.[0]?.restartCount, 0);
    await clock.advance(2000);
    assert.equal((await pod('web')).status.containerStatuses?.[0]?.restartCount, 1);
    const told = await events();
    assert.ok(told.includes('Killing: Container app failed liveness probe, will be restarted'));
    assert.ok(told.includes('Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 503'));
  });
});

test('after a restart of the kubelet every container goes on', () =>
  withKubelet({}, async ({ createPod, restart, pod, runtime, clock }) => {
    const before = await createPod('web', { containers: one });
    await restart();
    await clock.advance(2000);
    assert.equal((await pod('web')).status.containerStatuses?.[0]?.containerID, before.status.containerStatuses?.[0]?.containerID);
    assert.equal((await runtime.listContainers()).length, 1);
    assert.ok(isReady(await pod('web')));
  }));

test('a container that was ready stays ready over a restart of the kubelet until a probe fails', () => {
  let isWell = true;
  return withKubelet({ behaviour: () => ({ probe: () => isWell }) }, async ({ createPod, restart, pod, clock }) => {
    await createPod('web', { containers: [{ name: 'app', image: 'x', readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 5, failureThreshold: 1 } }] });
    await clock.advance(200);
    const readySince = (await pod('web')).status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
    isWell = false;
    await restart();
    assert.ok(isReady(await pod('web')));
    assert.equal((await pod('web')).status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime, readySince);
    await clock.advance(7000);
    assert.ok(!isReady(await pod('web')));
  });
});

test('a sandbox that is lost is made again, and the containers with it', () =>
  withKubelet({}, async ({ createPod, pod, runtime, clock, events }) => {
    await createPod('web', { containers: one });
    const [sandbox] = await runtime.listPodSandbox();
    await runtime.stopPodSandbox(sandbox?.id ?? '');
    await clock.advance(100);
    const again = await pod('web');
    assert.equal(again.status.phase, 'Running');
    assert.equal(again.status.containerStatuses?.[0]?.restartCount, 1);
    assert.ok((await events()).some((event) => event.startsWith('SandboxChanged: ')));
  }));

test('a pod that waits for its image goes at once when it is deleted', () =>
  withKubelet({ pull: () => ({ afterMs: 600_000 }) }, async ({ createPod, client, runtime, clock }) => {
    const { Pod: kind } = await import('#api/core/pod.ts');
    await createPod('web', { containers: one });
    await clock.advance(1000);
    await client.delete(kind, { namespace: 'default', name: 'web' });
    await clock.advance(1000);
    assert.deepEqual(await runtime.listPodSandbox(), []);
  }));

test('what the API has forgotten is removed from the node', () =>
  withKubelet({}, async ({ createPod, client, runtime, clock }) => {
    const { Pod: kind } = await import('#api/core/pod.ts');
    await createPod('web', { containers: one });
    await client.delete(kind, { namespace: 'default', name: 'web' });
    await clock.advance(5000);
    assert.deepEqual([await runtime.listPodSandbox(), await runtime.listContainers()], [[], []]);
  }));

test('a pod that the node cannot take has failed, takes no place, and goes at once when it is deleted', () =>
  withKubelet({}, async ({ createPod, client, clock, events, pod, runtime }) => {
    const asking = (cpu: string) => ({ containers: [{ name: 'app', image: 'skiff.dev/hello:1.0', resources: { requests: { cpu } } }] });
    await createPod('first', asking('3'));
    const refused = await createPod('second', asking('2'));
    const message = 'Node didn\'t have enough resource: cpu, requested: 2000, used: 3000, capacity: 4000';
    assert.deepEqual(refused.status, { ...refused.status, phase: 'Failed', reason: 'OutOfcpu', message: `Pod was rejected: ${message}`, qosClass: 'Burstable' });
    assert.equal(refused.status.containerStatuses, undefined);
    assert.ok((await events()).includes(`OutOfcpu: ${message}`));
    await createPod('third', asking('1'));
    assert.equal((await pod('third')).status.phase, 'Running');
    await client.delete(Pod, { namespace: 'default', name: 'second' });
    await clock.advance(50);
    assert.deepEqual((await client.list(Pod)).items.map(({ metadata }) => metadata.name), ['first', 'third']);
    assert.equal((await runtime.listPodSandbox()).length, 2);
  }));

test('labels that the node has just been given count', () =>
  withKubelet({}, async ({ createPod, client }) => {
    await client.patch(Node, { name: 'n1' }, { type: 'merge', patch: { metadata: { labels: { disk: 'fast' } } } });
    assert.equal((await createPod('web', { containers: one, nodeSelector: { disk: 'fast' } })).status.phase, 'Running');
    assert.equal((await createPod('choosy', { containers: one, nodeSelector: { disk: 'slow' } })).status.reason, 'NodeAffinity');
  }));

test('pods that have run here before are taken up again whatever the node says now', () =>
  withKubelet({}, async ({ createPod, client, pod, restart }) => {
    await createPod('web', { containers: one });
    await client.patch(Node, { name: 'n1' }, { type: 'merge', patch: { spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } } });
    await restart();
    assert.equal((await pod('web')).status.phase, 'Running');
    assert.equal((await createPod('late', { containers: one })).status.reason, 'TaintToleration');
  }));
