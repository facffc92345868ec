/** One machine that is two nodes, as conformance asks for at least two: real containers, the real kubectl. The tests build on each other. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Kubectl } from '../kubectl/kubectl.ts';
import { kubectlMissing } from '../kubectl/kubectl.ts';
import { MachineCluster, noContainersHere } from './machine-cluster.ts';
import { askUntil } from './request-loop.ts';

const skip = noContainersHere() || kubectlMissing;
const container = { name: 'c', image: 'skiff.dev/hello:1.0', env: [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }], readinessProbe: { periodSeconds: 1, httpGet: { port: 8080, path: '/' } } };
const onEveryNode = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'each' }, spec: { selector: { matchLabels: { app: 'each' } }, template: { metadata: { labels: { app: 'each' } }, spec: { terminationGracePeriodSeconds: 1, containers: [container] } } } };
const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'each' }, spec: { type: 'NodePort', externalTrafficPolicy: 'Local', selector: { app: 'each' }, ports: [{ port: 80, targetPort: 8080 }] } };

describe('two nodes of one machine', { skip }, () => {
  const cluster = new MachineCluster(`two-${process.pid}`);
  let kubectl: Kubectl;
  let nodes: readonly string[];
  const podOn = async (node: string): Promise<string> => kubectl.out(`get pods -l app=each --field-selector spec.nodeName=${node} -o jsonpath={.items[0].metadata.name}`);
  const containers = (): Promise<string> => kubectl.out('get pods -l app=each -o', { more: ['jsonpath={range .items[*]}{.spec.nodeName} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{"\\n"}{end}'] });

  before(async () => {
    // The demo's images come to every node.
    await cluster.skiff('up', '--nodes', '2', '--demo');
    kubectl = await cluster.kubectl();
    nodes = (await kubectl.out('get nodes -o jsonpath={.items[*].metadata.name}')).split(' ');
  });
  after(() => cluster.remove());

  it('are ready, untainted, and have a range of pods and a kubelet each', async () => {
    assert.equal(nodes.length, 2);
    const text = await kubectl.out('get nodes -o', { more: ['jsonpath={range .items[*]}{.metadata.labels.kubernetes\\.io/hostname} {.spec.podCIDR} {.status.daemonEndpoints.kubeletEndpoint.Port} {.spec.taints} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'] });
    const rows = text.trim().split('\n').map((line) => line.split(' '));
    assert.deepEqual(rows.map(([name, , , taints, ready]) => [name, taints, ready]), nodes.map((name) => [name, '', 'True']));
    for (const column of [1, 2]) assert.equal(new Set(rows.map((row) => row[column])).size, 2, text);
  });

  it('run a pod of a DaemonSet each, and no pod of the other', async () => {
    for (const each of [onEveryNode, service]) await kubectl.out('apply -f -', { input: each });
    await kubectl.out('rollout status daemonset/each --timeout=60s');
    for (const node of nodes) {
      const listed = JSON.parse(await kubectl.out(`get --raw /api/v1/nodes/${node}/proxy/pods`)) as { readonly items: readonly { readonly spec: { readonly nodeName: string } }[] };
      assert.ok(listed.items.length > 0 && listed.items.every(({ spec }) => spec.nodeName === node), JSON.stringify(listed));
      assert.match(await kubectl.out(`logs ${await podOn(node)}`), /listens on port 8080/);
    }
  });

  it('reach each other\'s pods through a Service and its node port', async () => {
    const nodePort = await kubectl.out('get service each -o jsonpath={.spec.ports[0].nodePort}');
    for (const node of nodes) {
      const answered = new RegExp(`on node ${node},`);
      for (let answer = ''; !answered.test(answer);) answer = await kubectl.out(`exec ${await podOn(nodes.find((each) => each !== node) ?? '')} -- wget -qO- http://each`);
      // Local to a machine are the pods of all its nodes.
      await askUntil(`http://127.0.0.1:${nodePort}/`, answered);
    }
  });

  it('keep their containers when the cluster\'s process dies, and are two again after that', async () => {
    const before1 = await containers();
    process.kill(await cluster.pid(), 'SIGKILL');
    await cluster.skiff('up');
    assert.equal(await containers(), before1);
    assert.deepEqual((await kubectl.out('get nodes -o jsonpath={.items[*].metadata.name}')).split(' '), nodes);
    for (const node of nodes) assert.equal((await kubectl.out(`exec ${await podOn(node)} -- hostname`)).trim(), await podOn(node));
  });
});
