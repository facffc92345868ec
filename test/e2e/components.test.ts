/** Every component in a process of its own, with certificates, roles and flags as in a cluster of the original. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { kubectlMissing } from '../kubectl/kubectl.ts';
import { noContainersHere } from './machine-cluster.ts';
import { askUntil } from './request-loop.ts';
import { SeparateComponents } from './separate-components.ts';

const manifest = join(import.meta.dirname, '../../examples/hello.yaml');

describe('the components in separate processes', { skip: noContainersHere() || kubectlMissing }, () => {
  const cluster = new SeparateComponents({ name: `parts-${process.pid}`, podRanges: ['10.239.0.0/16'], nodePorts: '26000-26999' });

  before(() => cluster.start());
  after(async () => {
    await cluster.kubectl.run('delete deployment hello --wait=false');
    await cluster.remove();
  });

  it('run the demo', async () => {
    const { kubectl } = cluster;
    await kubectl.out('apply -f -', { input: readFileSync(manifest, 'utf8').replace(', nodePort: 30080', '') });
    const { code, stdout, stderr } = await kubectl.run('rollout status deployment/hello --timeout=60s');
    assert.equal(code, 0, `${stdout}${stderr}\n${cluster.logs()}`);
    const nodePort = await kubectl.out('get service hello -o jsonpath={.spec.ports[0].nodePort}');
    // The rules follow the pods a moment later, in another process.
    await askUntil(`http://127.0.0.1:${nodePort}/`, /^Hello from Skiff!/);
    await askUntil(`http://${await kubectl.out('get service hello -o jsonpath={.spec.clusterIP}')}/`, /^Hello from Skiff!/);
  });

  it('reach containers through the API server and the kubelet', async () => {
    const { kubectl } = cluster;
    const pod = (await kubectl.out('get pods -l app=hello -o name')).split('\n')[0] ?? '';
    assert.match(await kubectl.out(`logs ${pod}`), /listens on port 8080/);
    assert.equal((await kubectl.out(`exec ${pod} -- hostname`)).trim(), pod.replace('pod/', ''));
  });

  it('elect leaders and act as themselves', async () => {
    const { kubectl } = cluster;
    const leases = await kubectl.out('get leases -n kube-system -o', { more: ['jsonpath={.items[*].metadata.name}'] });
    assert.match(leases, /kube-controller-manager/);
    assert.match(leases, /kube-scheduler/);
    const managers = await kubectl.out('get deployment hello --show-managed-fields -o', { more: ['jsonpath={.metadata.managedFields[*].manager}'] });
    assert.match(managers, /kube-controller-manager/);
  });
});
