/** The demo as a user runs it: `./skiff up --demo`, real containers, the real kubectl. One cluster; the tests build on each other. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Kubectl } from '../kubectl/kubectl.ts';
import { binary, kubectlMissing } from '../kubectl/kubectl.ts';
import { MachineCluster, noContainersHere, run } from './machine-cluster.ts';
import { ask, askUntil, startRequestLoop } from './request-loop.ts';

const skip = noContainersHere() || kubectlMissing;
const rolledOut = 'rollout status deployment/hello --timeout=90s';

describe('the demo', { skip }, () => {
  const cluster = new MachineCluster();
  let kubectl: Kubectl;
  /** The demo's node port on the loopback address; a cluster beside others has another than the manifest asks for. */
  let nodePort: string;

  before(async () => {
    const { stdout } = await cluster.skiff('up', '--demo');
    assert.match(stdout, /The demo answers on http:/);
    kubectl = await cluster.kubectl();
    nodePort = `http://127.0.0.1:${await kubectl.out('get service hello -o jsonpath={.spec.ports[0].nodePort}')}/`;
  });
  after(() => cluster.remove());

  /** Waits until no pod is on its way out: a rollout is over before its old pods are gone. */
  const settled = async (): Promise<void> => {
    while ((await kubectl.out('get pods -l app=hello -o jsonpath={.items[*].metadata.deletionTimestamp}')).trim() !== '') await new Promise((resolve) => setTimeout(resolve, 100));
  };
  const podNames = async (): Promise<string[]> => {
    await settled();
    return (await kubectl.out('get pods -l app=hello --field-selector status.phase=Running -o name')).trim().split('\n');
  };
  const firstPod = async (): Promise<string> => (await podNames())[0] ?? '';
  const clusterIp = (): Promise<string> => kubectl.out('get service hello -o jsonpath={.spec.clusterIP}');
  /** uid, container id and restarts of every container: what must not change when the cluster's process dies. */
  const containers = (): Promise<string> =>
    kubectl.out('get pods -l app=hello -o', { more: ['jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{"\\n"}{end}'] });

  it('answers on the cluster address and the node port, from the host and from another pod', async () => {
    const address = await clusterIp();
    const nodeAddress = await kubectl.out('get nodes -o', { more: ['jsonpath={.items[0].status.addresses[0].address}'] });
    for (const url of [`http://${address}/`, nodePort, nodePort.replace('127.0.0.1', nodeAddress)]) assert.match(await ask(url), /^Hello from Skiff!\npod hello-/, url);
    const pod = await firstPod();
    for (const url of [`http://${address}/`, nodePort.replace('127.0.0.1', nodeAddress)]) assert.match(await kubectl.out(`exec ${pod} -- wget -qO- ${url}`), /^Hello from Skiff!/, url);
  });

  it('spreads requests over all pods', async () => {
    const seen = new Set<string>();
    for (let count = 0; count < 60; count++) seen.add((await ask(nodePort)).split('\n')[1] ?? '');
    assert.equal(seen.size, 3, [...seen].join('\n'));
  });

  it('gives containers their configuration as files and environment', async () => {
    const pod = await firstPod();
    assert.equal((await kubectl.out(`exec ${pod} -- cat /etc/hello/message`)).trim(), 'Hello from Skiff!');
    const environment = await kubectl.out(`exec ${pod} -- env`);
    assert.match(environment, /^LOG_LEVEL=info$/m);
    assert.match(environment, /^TOKEN=only-for-the-demo$/m);
    assert.match(environment, new RegExp(`^POD_NAME=${pod.replace('pod/', '')}$`, 'm'));
    assert.match(environment, /^HELLO_SERVICE_HOST=|^KUBERNETES_SERVICE_HOST=/m);
    assert.match(await kubectl.out(`exec ${pod} -- cat /var/run/secrets/kubernetes.io/serviceaccount/namespace`), /^default$/);
  });

  it('carries stdin, exit codes and a terminal through exec', async () => {
    const pod = await firstPod();
    assert.equal(await kubectl.out(`exec -i ${pod} -- cat`, { input: 'through and back' }), 'through and back');
    assert.match(await kubectl.failure(`exec ${pod} -- sh -c`, { more: ['exit 7'] }), /exit code 7/);
    const { code, stdout } = await run('script', ['-qec', `${binary} exec -it ${pod} -- sh -c 'test -t 0 && echo a terminal'`, '/dev/null'], kubectl.environment);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /a terminal/);
  });

  it('shows and follows logs', async () => {
    const pod = await firstPod();
    assert.match(await kubectl.out(`logs ${pod}`), /listens on port 8080/);
    assert.equal((await kubectl.out('logs deployment/hello --tail=1')).trim().split('\n').length, 1);
    const enough = new AbortController();
    for await (const line of kubectl.lines(`logs -f ${pod}`, enough.signal)) {
      assert.match(line, /listens on port 8080/);
      enough.abort();
      break;
    }
  });

  it('forwards a port', async () => {
    const enough = new AbortController();
    for await (const line of kubectl.lines('port-forward service/hello 0:80', enough.signal)) {
      const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port === undefined) continue;
      assert.match(await ask(`http://127.0.0.1:${port}/`), /^Hello from Skiff!/);
      break;
    }
    enough.abort();
  });

  it('rolls to a new image without dropping a request, and back', async () => {
    const loop = startRequestLoop(nodePort, 200);
    await kubectl.out('set image deployment/hello hello=skiff.dev/hello:2.0');
    await kubectl.out(rolledOut);
    assert.match(await kubectl.out('rollout history deployment/hello'), /REVISION[\s\S]*1[\s\S]*2/);
    await askUntil(nodePort, /version 2\.0/);
    await kubectl.out('rollout undo deployment/hello');
    await kubectl.out(rolledOut);
    await kubectl.out('rollout restart deployment/hello');
    await kubectl.out(rolledOut);
    const report = await loop.stop();
    assert.deepEqual(report.failures, []);
    // The loop ran through the whole of it: both versions have answered, every request.
    const versions = new Set([...report.answers.keys()].flatMap((line) => /version (\S+)$/.exec(line)?.[1] ?? []));
    assert.deepEqual([...versions].toSorted(), ['1.0', '2.0']);
    const answered = [...report.answers].filter(([line]) => line.includes('version ')).reduce((sum, [, count]) => sum + count, 0);
    assert.equal(answered, report.sent);
    await askUntil(nodePort, /version 1\.0/);
  });

  it('scales up and down', async () => {
    await kubectl.out('scale deployment/hello --replicas=5');
    await kubectl.out(rolledOut);
    assert.equal(await kubectl.out('get deployment hello -o jsonpath={.status.availableReplicas}'), '5');
    await kubectl.out('scale deployment/hello --replicas=3');
    await kubectl.out('wait deployment/hello --for=jsonpath={.status.replicas}=3 --timeout=60s');
  });

  it('goes on answering when a pod is deleted, and replaces it', async () => {
    const pod = await firstPod();
    const loop = startRequestLoop(nodePort, 50);
    await kubectl.out(`delete ${pod} --wait=true`);
    await kubectl.out(rolledOut);
    assert.deepEqual((await loop.stop()).failures, []);
    assert.equal((await podNames()).includes(pod), false);
  });

  it('starts a container again that was killed', async () => {
    const pod = await firstPod();
    await kubectl.run(`exec ${pod} -- kill -9 1`);
    await kubectl.run(`exec ${pod} -- kill 1`);
    await kubectl.out(`wait ${pod} --for=jsonpath={.status.containerStatuses[0].restartCount}=1 --timeout=60s`);
    await kubectl.out(`wait ${pod} --for=condition=Ready --timeout=60s`);
  });

  it('survives kill -9: the Service answers meanwhile, and the next start adopts every container', async () => {
    await kubectl.out(rolledOut);
    await settled();
    const atFirst = await containers();
    const loop = startRequestLoop(nodePort, 50);
    process.kill(await cluster.pid(), 'SIGKILL');
    for (let count = 0; count < 20; count++) assert.match(await ask(nodePort), /^Hello/);
    await cluster.skiff('up');
    assert.deepEqual((await loop.stop()).failures, []);
    assert.equal(await containers(), atFirst);
    await kubectl.out('wait nodes --all --for=condition=Ready --timeout=60s');
    assert.equal(await containers(), atFirst);
  });

  it('shows a changed ConfigMap in the files of running pods', async () => {
    await kubectl.out('patch configmap hello --type=merge -p', { more: ['{"data":{"message":"Changed."}}'] });
    await askUntil(nodePort, /^Changed\./);
  });

  it('drains the node and takes pods back', async () => {
    const node = (await kubectl.out('get nodes -o name')).trim();
    await kubectl.out(`cordon ${node}`);
    assert.match(await kubectl.out('get nodes'), /Ready,SchedulingDisabled/);
    await kubectl.out(`drain ${node} --ignore-daemonsets --delete-emptydir-data --timeout=90s`);
    const pending = await kubectl.out('get pods -l app=hello --field-selector status.phase=Pending -o name');
    assert.equal(pending.trim().split('\n').length, 3);
    const events = await kubectl.out('get events --field-selector reason=FailedScheduling -o jsonpath={.items[*].message}');
    assert.match(events, /0\/1 nodes are available: 1 node\(s\) were unschedulable/);
    await kubectl.out(`uncordon ${node}`);
    await kubectl.out(rolledOut);
  });

  it('keeps its state over down and up', async () => {
    await cluster.skiff('down');
    await assert.rejects(ask(nodePort));
    await cluster.skiff('up');
    await kubectl.out(rolledOut);
    await askUntil(nodePort, /^Changed\./);
  });

  it('runs a pod, exposes it, and deletes both', async () => {
    await kubectl.out('run single --image=skiff.dev/hello:1.0 --image-pull-policy=Never --port=8080 --labels=app=single');
    await kubectl.out('wait pod/single --for=condition=Ready --timeout=60s');
    await kubectl.out('expose pod single --port=80 --target-port=8080');
    const address = await kubectl.out('get service single -o jsonpath={.spec.clusterIP}');
    await kubectl.out('wait endpointslices -l kubernetes.io/service-name=single --for=jsonpath={.endpoints[0].conditions.ready}=true --timeout=60s');
    await askUntil(`http://${address}/`, /pod single/);
    await kubectl.out('delete pod/single service/single');
    assert.match(await kubectl.failure('get pod single'), /NotFound/);
  });
});
