/** Every component in a process of its own, with certificates, roles and flags as in a cluster of the original. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Kubectl, kubectlMissing } from '../kubectl/kubectl.ts';
import { noContainersHere, run } from './machine-cluster.ts';
import { askUntil } from './request-loop.ts';

const skiff = join(import.meta.dirname, '../../skiff');
const manifest = join(import.meta.dirname, '../../examples/hello.yaml');
const podRange = '10.239.0.0/16';

describe('the components in separate processes', { skip: noContainersHere() || kubectlMissing }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-components-'));
  const name = `parts-${process.pid}`;
  const kubeletDirectory = join(directory, 'kubelet');
  const api = join(directory, 'api');
  const running: ChildProcess[] = [];
  let kubectl: Kubectl;

  function start(component: string, ...flags: readonly string[]): void {
    const log = openSync(join(directory, `${component}.log`), 'a');
    running.push(spawn(skiff, [component, ...flags], { stdio: ['ignore', log, log] }));
  }
  const kubeconfig = (user: string): string => join(api, `${user}.kubeconfig`);
  const logs = (): string => readdirSync(directory).filter((file) => file.endsWith('.log')).map((file) => `${file}:\n${readFileSync(join(directory, file), 'utf8').split('\n').slice(-5).join('\n')}`).join('\n');

  before(async () => {
    const [apiPort, kubeletPort] = [await freePort(), await freePort()];
    start('apiserver', '--cert-dir', api, '--storage-file', join(api, 'store.db'), '--secure-port', String(apiPort), '--service-node-port-range', '26000-26999');
    await until('the API server has written its kubeconfigs', () => existsSync(kubeconfig('proxy')));
    kubectl = new Kubectl(readFileSync(kubeconfig('admin'), 'utf8'));
    await until('the API server is ready', async () => (await kubectl.run('get --raw /readyz')).code === 0);
    start('controller-manager', '--kubeconfig', kubeconfig('controller-manager'), '--secure-port', '0', '--allocate-node-cidrs', '--use-service-account-credentials', '--cluster-cidr', podRange, '--root-ca-file', join(api, 'pki/ca.crt'));
    start('scheduler', '--kubeconfig', kubeconfig('scheduler'), '--secure-port', '0');
    start('proxy', '--kubeconfig', kubeconfig('proxy'), '--cluster-name', name, '--cluster-cidr', podRange, '--healthz-port', '0');
    start('kubelet', '--kubeconfig', kubeconfig('kubelet'), '--cluster-name', name, '--root-dir', kubeletDirectory, '--cluster-cidr', podRange, '--port', String(kubeletPort), '--client-ca-file', join(api, 'pki/ca.crt'));
    await until('the node is ready', async () => (await kubectl.run('wait nodes --all --for=condition=Ready --timeout=1s')).code === 0);
    const images = readdirSync(join(kubeletDirectory, 'images')).filter((file) => file.startsWith('skiff.dev')).map((file) => join(kubeletDirectory, 'images', file));
    const loaded = await run(skiff, ['image', 'load', '--name', name, '--state-dir', kubeletDirectory, ...images]);
    assert.equal(loaded.code, 0, loaded.stderr);
  });

  after(async () => {
    await kubectl.run('delete deployment hello --wait=false');
    await Promise.all(running.map((child) => ended(child)));
    await run(skiff, ['proxy', '--kubeconfig', kubeconfig('proxy'), '--cluster-name', name, '--cleanup']);
    const purged = await run(skiff, ['down', '--purge', '--name', name, '--state-dir', kubeletDirectory]);
    rmSync(directory, { recursive: true, force: true });
    assert.equal(purged.code, 0, purged.stderr);
  });

  it('run the demo', async () => {
    await kubectl.out('apply -f -', { input: readFileSync(manifest, 'utf8').replace(', nodePort: 30080', '') });
    const { code, stdout, stderr } = await kubectl.run('rollout status deployment/hello --timeout=60s');
    assert.equal(code, 0, `${stdout}${stderr}\n${logs()}`);
    const nodePort = await kubectl.out('get service hello -o jsonpath={.spec.ports[0].nodePort}');
    // The rules follow the pods a moment later, in another process.
    await askUntil(`http://127.0.0.1:${nodePort}/`, /^Hello from Skiff!/);
    await askUntil(`http://${await kubectl.out('get service hello -o jsonpath={.spec.clusterIP}')}/`, /^Hello from Skiff!/);
  });

  it('reach containers through the API server and the kubelet', async () => {
    const pod = (await kubectl.out('get pods -l app=hello -o name')).split('\n')[0] ?? '';
    assert.match(await kubectl.out(`logs ${pod}`), /listens on port 8080/);
    assert.equal((await kubectl.out(`exec ${pod} -- hostname`)).trim(), pod.replace('pod/', ''));
  });

  it('elect leaders and act as themselves', async () => {
    const leases = await kubectl.out('get leases -n kube-system -o', { more: ['jsonpath={.items[*].metadata.name}'] });
    assert.match(leases, /kube-controller-manager/);
    assert.match(leases, /kube-scheduler/);
    const managers = await kubectl.out('get deployment hello --show-managed-fields -o', { more: ['jsonpath={.metadata.managedFields[*].manager}'] });
    assert.match(managers, /kube-controller-manager/);
  });
});

/** Waits for something that another process does. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not after 60 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Ends a component as a service manager would. */
function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.on('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
