/** Health and metrics of scheduler and controller manager when they run alone: who may see what. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import https from 'node:https';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { launcher } from '../cli/skiff.ts';
import type { SpawnedApiServer } from '../support/spawned-api-server.ts';
import { spawnApiServer } from '../support/spawned-api-server.ts';

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function get(port: number, path: string, token?: string): Promise<{ readonly code: number; readonly text: string } | undefined> {
  return new Promise((resolve) => {
    https.get({ host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ code: response.statusCode ?? 0, text }));
    }).on('error', () => resolve(undefined));
  });
}

describe('the ports of components alone', { timeout: 120_000 }, () => {
  let api: SpawnedApiServer;
  const components: ChildProcess[] = [];
  let token = '';
  before(async () => {
    api = await spawnApiServer([]);
    for (const [path, body] of [
      ['/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'prometheus' } }],
      ['/apis/rbac.authorization.k8s.io/v1/clusterroles', { metadata: { name: 'metrics' }, rules: [{ nonResourceURLs: ['/metrics', '/statusz', '/flagz', '/debug/pprof/*'], verbs: ['get'] }] }],
      ['/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', { metadata: { name: 'metrics' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'metrics' }, subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'prometheus' }] }],
    ] as const) assert.equal((await api.request('POST', path, { body })).code, 201);
    token = (await api.request('POST', '/api/v1/namespaces/default/serviceaccounts/prometheus/token', { body: { spec: {} } })).json<{ readonly status: { readonly token: string } }>().status.token;
  });
  after(async () => {
    for (const component of components) component.kill('SIGKILL');
    await api.stop();
  });

  for (const [program, kubeconfig, metric] of [['scheduler', 'scheduler.kubeconfig', /scheduler_pending_pods\{queue="active"\} 0/], ['controller-manager', 'controller-manager.kubeconfig', /workqueue_adds_total\{name="[a-z-]+"\} \d+/]] as const) {
    it(`${program}: health for everybody, metrics for whom the API server lets`, async () => {
      const port = await freePort();
      const file = join(api.directory, kubeconfig);
      components.push(spawn(launcher, [program, `--kubeconfig=${file}`, `--authentication-kubeconfig=${file}`, `--authorization-kubeconfig=${file}`, '--bind-address=127.0.0.1', `--secure-port=${port}`, '--leader-elect=false'], { stdio: 'ignore' }));
      let health = await get(port, '/healthz');
      while (health === undefined) health = await get(port, '/healthz');
      assert.deepEqual(health, { code: 200, text: 'ok' });
      assert.equal((await get(port, '/metrics'))?.code, 403);
      assert.equal((await get(port, '/metrics', 'nonsense'))?.code, 401);
      let metrics = await get(port, '/metrics', token);
      while (metrics !== undefined && metrics.code === 200 && !metric.test(metrics.text)) metrics = await get(port, '/metrics', token);
      assert.equal(metrics?.code, 200, metrics?.text ?? '');
      assert.match(metrics?.text ?? '', /process_resident_memory_bytes \d+/);
      assert.equal((await get(port, '/else', token))?.code, 403);
      assert.match((await get(port, '/statusz', token))?.text ?? '', new RegExp(`^\nkube-${program} statusz\n`));
      const flags = await get(port, '/flagz', token);
      assert.deepEqual([flags?.code, /^leader-elect=false$/m.test(flags?.text ?? ''), flags?.text.includes(`secure-port=${port}`)], [200, true, true]);
      assert.equal((await get(port, '/debug/pprof/profile?seconds=0.01', token))?.code, 200);
      assert.equal((await get(port, '/debug/pprof/'))?.code, 403);
    });
  }
});
