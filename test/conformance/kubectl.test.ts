/** Behaviours of kubectl against a conformant server: the real kubectl and a cluster with simulated nodes. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { Pod } from '#api/core/pod.ts';
import { ReplicationController } from '#api/core/replication-controller.ts';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';
import { Kubectl, kubectlMissing } from '../kubectl/kubectl.ts';
import { Workspace, isReady } from './cluster.ts';
import { conformance } from './conformance.ts';

const controller = (name: string, image = 'agnhost:2.53', replicas = 1): object => ({
  apiVersion: 'v1', kind: 'ReplicationController', metadata: { name, labels: { app: 'agnhost', role: 'primary' } },
  spec: { replicas, selector: { app: 'agnhost', role: 'primary' }, template: { metadata: { labels: { app: 'agnhost', role: 'primary' } }, spec: { containers: [{ name: 'agnhost-primary', image, ports: [{ name: 'agnhost-server', containerPort: 6379 }] }] } } },
});

describe('conformance: kubectl', { skip: kubectlMissing, concurrency: false, timeout: 180_000 }, () => {
  let cluster: TestCluster;
  let kubectl: Kubectl;
  before(async () => {
    cluster = await startCluster({ nodes: 2, behaviour: () => ({ log: ['first', 'second', 'third'] }) });
    kubectl = new Kubectl((await cluster.endpoint()).kubeconfig);
  });
  after(async () => {
    kubectl.close();
    await cluster.close();
  });
  function inCluster(codename: string, check: (workspace: Workspace, run: Kubectl['out']) => Promise<void>): void {
    conformance(codename, async () => {
      const workspace = await new Workspace(cluster).open();
      await check(workspace, (command, options) => kubectl.out(`-n ${workspace.namespace} ${command}`, options));
      await workspace.close();
    });
  }
  const running = (w: Workspace, count: number): Promise<void> => w.eventually(async () => (await w.pods()).filter((each) => each.metadata.deletionTimestamp === undefined && isReady(each)).length === count && (await w.pods()).length === count);

  inCluster('[sig-cli] Kubectl client Kubectl api-versions should check if v1 is in available api versions [Conformance]', async (_w, run) => {
    assert.ok((await run('api-versions')).split('\n').includes('v1'));
  });
  inCluster('[sig-cli] Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is included in cluster-info [Conformance]', async (_w, run) => {
    assert.match(await run('cluster-info'), /Kubernetes control plane.* is running at/);
  });
  inCluster('[sig-cli] Kubectl client Kubectl version should check is all data is printed [Conformance]', async (_w, run) => {
    const { clientVersion, serverVersion } = JSON.parse(await run('version -o json')) as Record<string, Record<string, string>>;
    for (const version of [clientVersion, serverVersion]) for (const field of ['major', 'minor', 'gitVersion', 'platform', 'goVersion', 'compiler', 'buildDate', 'gitTreeState']) assert.ok((version?.[field] ?? '') !== '', field);
  });
  inCluster('[sig-cli] Kubectl client Kubectl run pod should create a pod from an image when restart is Never [Conformance]', async (w, run) => {
    await run('run e2e-test-httpd-pod --restart=Never --pod-running-timeout=2m0s --image=httpd:2.4');
    const { spec } = await w.client.get(Pod, w.key('e2e-test-httpd-pod'));
    assert.deepEqual([spec.containers[0]?.image, spec.restartPolicy], ['httpd:2.4', 'Never']);
  });
  inCluster('[sig-cli] Kubectl client Kubectl server-side dry-run should check if kubectl can dry-run update Pods [Conformance]', async (w, run) => {
    await run('run e2e-test-httpd-pod --image=httpd:2.4 --labels=run=e2e-test-httpd-pod');
    await run('patch pod e2e-test-httpd-pod --dry-run=server -p', { more: ['{"spec":{"containers":[{"name":"e2e-test-httpd-pod","image":"busybox"}]}}'] });
    assert.equal((await w.client.get(Pod, w.key('e2e-test-httpd-pod'))).spec.containers[0]?.image, 'httpd:2.4');
  });
  inCluster('[sig-cli] Kubectl client Kubectl replace should update a single-container pod\'s image [Conformance]', async (w, run) => {
    await run('run e2e-test-httpd-pod --image=httpd:2.4 --labels=run=e2e-test-httpd-pod');
    await w.until(Pod, 'e2e-test-httpd-pod', isReady);
    const json = await run('get pod e2e-test-httpd-pod -o json');
    await run('replace -f -', { input: json.replaceAll('httpd:2.4', 'busybox:1') });
    assert.equal((await w.client.get(Pod, w.key('e2e-test-httpd-pod'))).spec.containers[0]?.image, 'busybox:1');
  });
  inCluster('[sig-cli] Kubectl client Kubectl label should update the label on a resource [Conformance]', async (w, run) => {
    await run('run pause --image=pause');
    await w.until(Pod, 'pause', isReady);
    await run('label pods pause testing-label=testing-label-value');
    assert.match(await run('get pod pause -L testing-label'), /testing-label-value/);
    await run('label pods pause testing-label-');
    assert.doesNotMatch(await run('get pod pause -L testing-label'), /testing-label-value/);
  });
  inCluster('[sig-cli] Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments [Conformance]', async (w, run) => {
    const manifest = (image: string): object => ({ apiVersion: 'apps/v1', kind: 'Deployment', ...w.deployment('httpd', 1), spec: { selector: { matchLabels: { app: 'httpd' } }, template: { metadata: { labels: { app: 'httpd' } }, spec: { containers: [{ name: 'c', image }] } } } });
    await run('apply -f -', { input: manifest('httpd:2.4') });
    const { code, stdout } = await kubectl.run(`-n ${w.namespace} diff -f -`, { input: manifest('busybox:1') });
    assert.equal(code, 1);
    assert.match(stdout, /-\s+- image: httpd:2\.4\n\+\s+- image: busybox:1/);
  });
  inCluster('[sig-cli] Kubectl client Update Demo should create and stop a replication controller [Conformance]', async (w, run) => {
    await run('create -f -', { input: controller('update-demo', 'agnhost:2.53', 2) });
    await running(w, 2);
    await run('delete --grace-period=0 --force -f -', { input: controller('update-demo') });
    await w.eventually(async () => (await w.pods()).length === 0);
    assert.equal(await run('get rc -o name'), '');
  });
  inCluster('[sig-cli] Kubectl client Update Demo should scale a replication controller [Conformance]', async (w, run) => {
    await run('create -f -', { input: controller('update-demo', 'agnhost:2.53', 2) });
    await running(w, 2);
    await run('scale rc update-demo --replicas=1 --timeout=1m');
    await w.until(ReplicationController, 'update-demo', ({ status }) => status.replicas === 1);
    await run('scale rc update-demo --replicas=2 --timeout=1m');
    await running(w, 2);
  });
  inCluster('[sig-cli] Kubectl client Kubectl describe should check if kubectl describe prints relevant information for rc and pods [Conformance]', async (w, run) => {
    await run('create -f -', { input: controller('agnhost-primary') });
    await run('create -f -', { input: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'agnhost-primary', labels: { app: 'agnhost', role: 'primary' } }, spec: { ports: [{ port: 6379, targetPort: 'agnhost-server' }], selector: { app: 'agnhost', role: 'primary' } } } });
    await running(w, 1);
    const pod = (await w.pods())[0]?.metadata.name ?? '';
    for (const [what, wanted] of [
      [`pod ${pod}`, ['Name:', 'Namespace:', 'Node:', 'Labels:', 'app=agnhost', 'role=primary', 'Annotations:', 'Status:', 'IP:', 'Controlled By:', 'ReplicationController/agnhost-primary', 'Image:', 'State:', 'QoS Class:']],
      ['rc agnhost-primary', ['Name:', 'agnhost-primary', 'Selector:', 'app=agnhost,role=primary', 'Labels:', 'Replicas:', 'current', 'desired', 'Pods Status:', '1 Running', 'Pod Template:', 'Image:', 'Events:']],
      ['service agnhost-primary', ['Name:', 'Namespace:', 'Labels:', 'Selector:', 'Type:', 'ClusterIP', 'IP:', 'Port:', '6379/TCP', 'Endpoints:', 'Session Affinity:']],
      ['node node-1', ['Name:', 'Labels:', 'Annotations:', 'CreationTimestamp', 'Conditions:', 'Type', 'Status', 'LastHeartbeatTime', 'LastTransitionTime', 'Reason', 'Message', 'Addresses:', 'Capacity:', 'Version', 'Kubelet Version:']],
      [`namespace ${w.namespace}`, ['Name:', w.namespace, 'Labels:', 'Annotations:', 'Status:', 'Active']],
    ] as const) {
      const text = await run(`describe ${what}`);
      for (const each of wanted) assert.ok(text.includes(each), `describe ${what} has no ${each}:\n${text}`);
    }
  });
  inCluster('[sig-cli] Kubectl client Kubectl expose should create services for rc [Conformance]', async (w, run) => {
    await run('create -f -', { input: controller('agnhost-primary') });
    await running(w, 1);
    await run('expose rc agnhost-primary --name=rm2 --port=1234 --target-port=6379');
    await run('expose service rm2 --name=rm3 --port=2345 --target-port=6379');
    for (const [name, port] of [['rm2', 1234], ['rm3', 2345]] as const) {
      assert.equal(await run(`get service ${name} -o jsonpath={.spec.ports[0].port}/{.spec.ports[0].targetPort}`), `${port}/6379`);
      await w.eventually(async () => /^10\.244\.\d+\.\d+ 6379$/.test(await run(`get endpointslices -l kubernetes.io/service-name=${name} -o`, { more: ['jsonpath={.items[0].endpoints[0].addresses[0]} {.items[0].ports[0].port}'] })));
    }
  });
  inCluster('[sig-cli] Kubectl client Kubectl patch should add annotations for pods in rc [Conformance]', async (w, run) => {
    await run('create -f -', { input: controller('agnhost-primary') });
    await running(w, 1);
    for (const { metadata } of await w.pods()) await run(`patch pod ${metadata.name} -p`, { more: ['{"metadata":{"annotations":{"x":"y"}}}'] });
    for (const { metadata } of await w.pods()) assert.equal(metadata.annotations?.['x'], 'y');
  });
  inCluster('[sig-cli] Kubectl logs logs should be able to retrieve and filter logs [Conformance]', async (w, run) => {
    await run('run logs-generator --image=agnhost:2.53 --restart=Never');
    await w.until(Pod, 'logs-generator', isReady);
    assert.equal(await run('logs logs-generator logs-generator'), 'first\nsecond\nthird\n');
    assert.equal(await run('logs logs-generator logs-generator --tail=1'), 'third\n');
    assert.equal(await run('logs logs-generator logs-generator --limit-bytes=1'), 'f');
    const line = await run('logs logs-generator logs-generator --tail=1 --timestamps');
    assert.ok(!Number.isNaN(Date.parse(line.split(' ')[0] ?? '')), line);
    assert.equal(await run('logs logs-generator logs-generator --since=24h'), 'first\nsecond\nthird\n');
    assert.equal(await run(`logs logs-generator logs-generator --since-time=${new Date(Date.now() + 60_000).toISOString()}`), '');
  });
  const versionsThrough = (target: object): Promise<string> =>
    new Promise((resolve, reject) => {
      request({ ...target, path: '/api/' }, (response) => {
        void response.toArray().then((chunks) => resolve(Buffer.concat(chunks as Buffer[]).toString()));
      }).on('error', reject).end();
    });
  inCluster('[sig-cli] Kubectl client Proxy server should support proxy with --port 0 [Conformance]', async () => {
    const stop = new AbortController();
    for await (const line of kubectl.lines('proxy --port=0 --disable-filter', stop.signal)) {
      const port = Number(/Starting to serve on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
      assert.match(await versionsThrough({ host: '127.0.0.1', port }), /"versions":\["v1"\]/);
      break;
    }
    stop.abort();
  });
  inCluster('[sig-cli] Kubectl client Proxy server should support --unix-socket=/path [Conformance]', async () => {
    const stop = new AbortController();
    const socketPath = join(kubectl.directory, 'proxy.sock');
    for await (const _line of kubectl.lines(`proxy --unix-socket=${socketPath}`, stop.signal)) {
      assert.match(await versionsThrough({ socketPath }), /"versions":\["v1"\]/);
      break;
    }
    stop.abort();
  });
});
