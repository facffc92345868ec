/** kubectl against a whole cluster: controllers, scheduler and two simulated nodes in this process. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { TestCluster } from '#testing/index.ts';
import { startCluster } from '#testing/index.ts';
import { Kubectl, kubectlMissing } from './kubectl.ts';

const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web:1
        env: [{name: GREETING, value: hello}]
        ports: [{containerPort: 80, name: http}]
        readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
`;

describe('the real kubectl with a cluster', { skip: kubectlMissing, concurrency: false, timeout: 120_000 }, () => {
  let cluster: TestCluster;
  let kubectl: Kubectl;
  before(async () => {
    cluster = await startCluster({
      nodes: 2,
      behaviour: () => ({
        log: ['first line', 'second line'],
        exec: (command, stdin) => {
          if (command[0] === 'cat') return { stdout: stdin };
          if (command[0] === 'false') return { exitCode: 3, stderr: 'it failed\n' };
          return { stdout: `${command.slice(1).join(' ')}\n` };
        },
      }),
    });
    kubectl = new Kubectl((await cluster.endpoint()).kubeconfig);
    await kubectl.out(`apply -f ${kubectl.file('web.yaml', manifest)}`);
  });
  after(async () => {
    kubectl.close();
    await cluster.close();
  });

  it('waits for a rollout', async () => {
    assert.match(await kubectl.out('rollout status deploy/web --timeout=30s'), /deployment "web" successfully rolled out\n$/);
    assert.match(await kubectl.out('get deploy web'), /\nweb +3\/3 +3 +3 +\d+s\n$/);
    assert.match(await kubectl.out('get pods -l app=web -o wide --no-headers'), /^web-\S+ +1\/1 +Running +0 +\d+s +10\.244\.\d+\.\d+ +node-[12] +<none> +<none>\n/);
    assert.match(await kubectl.out('get nodes'), /^NAME +STATUS +ROLES +AGE +VERSION\nnode-1 +Ready +<none> +\d+s +v1\.36\.0/);
    await kubectl.out('wait --for=condition=Available deploy/web --timeout=10s');
    await kubectl.out('wait --for=condition=Ready pod -l app=web --timeout=10s');
  });

  it('rolls forward, back and anew', async () => {
    await kubectl.out('set image deploy/web web=web:2');
    await kubectl.out('rollout status deploy/web --timeout=30s');
    assert.match(await kubectl.out('rollout history deploy/web'), /^deployment\.apps\/web *\nREVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/);
    assert.match(await kubectl.out('rollout history deploy/web --revision=2'), /Image:\s+web:2/);
    assert.equal(await kubectl.out('rollout undo deploy/web'), 'deployment.apps/web rolled back\n');
    await kubectl.out('rollout status deploy/web --timeout=30s');
    assert.equal(await kubectl.out('get deploy web -o jsonpath={.spec.template.spec.containers[0].image}'), 'web:1');
    assert.match(await kubectl.out('rollout history deploy/web'), /\n2 +<none>\n3 +<none>\n/);
    assert.equal(await kubectl.out('rollout pause deploy/web'), 'deployment.apps/web paused\n');
    assert.equal(await kubectl.out('rollout resume deploy/web'), 'deployment.apps/web resumed\n');
    assert.equal(await kubectl.out('rollout restart deploy/web'), 'deployment.apps/web restarted\n');
    await kubectl.out('rollout status deploy/web --timeout=30s');
  });

  it('reads logs', async () => {
    const pod = (await kubectl.out('get pods -l app=web -o name')).split('\n')[0] ?? '';
    assert.equal(await kubectl.out(`logs ${pod}`), 'first line\nsecond line\n');
    assert.equal(await kubectl.out(`logs ${pod} -c web --tail=1`), 'second line\n');
    assert.match(await kubectl.out(`logs ${pod} --timestamps`), /^\d{4}-\d\d-\d\dT[\d:.]+\S* first line\n/);
    assert.match(await kubectl.failure(`logs ${pod} -c nope`), /container nope is not valid for pod/);
    const stop = new AbortController();
    const lines: string[] = [];
    for await (const line of kubectl.lines(`logs -f ${pod}`, stop.signal)) {
      lines.push(line);
      if (lines.length === 2) break;
    }
    stop.abort();
    assert.deepEqual(lines, ['first line', 'second line']);
  });

  it('runs commands in containers', async () => {
    assert.equal(await kubectl.out('exec deploy/web -- echo it runs'), 'it runs\n');
    assert.equal(await kubectl.out('exec -i deploy/web -- cat', { input: 'through and back' }), 'through and back');
    const failed = await kubectl.run('exec deploy/web -- false');
    assert.equal(failed.code, 3);
    assert.match(failed.stderr, /it failed\n(.*\n)*command terminated with exit code 3\n$/);
    assert.match(await kubectl.failure('exec deploy/web -c nope -- true'), /container nope is not valid for pod|container not found/);
  });

  it('describes pods with their events, and lists events', async () => {
    const pod = (await kubectl.out('get pods -l app=web -o name')).split('\n')[0] ?? '';
    const text = await kubectl.out(`describe ${pod}`);
    assert.match(text, /Status: +Running\nIP: +10\.244\./);
    assert.match(text, /Controlled By: +ReplicaSet\/web-/);
    assert.match(text, /Normal +Scheduled +\S+ +default-scheduler +Successfully assigned default\/web-\S+ to node-[12]/);
    assert.match(text, /Normal +Started +\S+ +kubelet +/);
    assert.match(await kubectl.out('get events --field-selector reason=Scheduled'), /Successfully assigned/);
    assert.match(await kubectl.out('events --for deployment/web'), /ScalingReplicaSet +Deployment\/web +Scaled up replica set web-/);
  });

  it('shows the endpoints of Services', async () => {
    assert.match(await kubectl.out('get endpointslices -l kubernetes.io/service-name=web --no-headers'), /^web-\S+ +IPv4 +80 +10\.244\.\d+\.\d+,10\.244\.\d+\.\d+,10\.244\.\d+\.\d+ /);
    assert.match(await kubectl.out('describe svc web'), /Endpoints: +10\.244\.\d+\.\d+:80,/);
  });

  it('drains a node and lets it take pods again', async () => {
    assert.match(await kubectl.out('drain node-1 --ignore-daemonsets --delete-emptydir-data --timeout=60s'), /node\/node-1 drained\n$/);
    assert.equal(await kubectl.out('get pods -A --field-selector spec.nodeName=node-1 -o name'), '');
    await kubectl.out('rollout status deploy/web --timeout=30s');
    assert.equal(await kubectl.out('uncordon node-1'), 'node/node-1 uncordoned\n');
  });

  it('says why a pod does not run', async () => {
    await kubectl.out('run huge --image=busybox --overrides', { more: ['{"spec":{"containers":[{"name":"huge","image":"busybox","resources":{"requests":{"cpu":"1000"}}}]}}'] });
    await kubectl.out('wait --for=condition=PodScheduled=False pod/huge --timeout=20s');
    assert.match(await kubectl.out('describe pod huge'), /Warning +FailedScheduling +\S+ +default-scheduler +0\/2 nodes are available: 2 Insufficient cpu\./);
    await kubectl.out('delete pod huge');
  });

  it('deletes what belongs together', async () => {
    await kubectl.out('delete deploy web');
    await kubectl.out('wait --for=delete pod -l app=web --timeout=60s');
    assert.equal(await kubectl.out('get rs -o name'), '');
    await kubectl.out('create ns team');
    await kubectl.out('run one --image=busybox -n team');
    await kubectl.out('delete ns team --timeout=60s');
    assert.match(await kubectl.failure('get ns team'), /NotFound/);
  });
});
