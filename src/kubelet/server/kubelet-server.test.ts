import assert from 'node:assert/strict';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { silentLog } from '#base/log.ts';
import { unauthorized } from '#apimachinery/status-error.ts';
import { openRemoteCommand, openRemoteCommandOverWebSocket } from '#wire/remote-command/open.ts';
import { exitCodeOf } from '#wire/remote-command/streams.ts';
import { withKubelet } from '../kubelet.fixture.ts';
import type { KubeletLab } from '../kubelet.fixture.ts';
import { StatsReader } from '../stats/summary.ts';
import { kubeletConfiguration } from './kubelet-configuration.ts';
import { createKubeletServer } from './kubelet-server.ts';
import type { Access } from './kubelet-server.ts';

interface Served {
  readonly lab: KubeletLab;
  readonly url: (path: string) => URL;
  readonly get: (path: string) => Promise<{ readonly status: number; readonly body: string }>;
}

function withServer(access: Access, run: (served: Served) => Promise<void>): Promise<void> {
  const behaviour = () => ({
    log: ['one', 'two', 'three'],
    exec: (command: readonly string[], stdin: string) => ({ stdout: `${command.join(' ')}|${stdin}`, exitCode: 5 }),
  });
  return withKubelet({ behaviour }, async (lab) => {
    await lab.createPod('web', { containers: [{ name: 'app', image: 'x' }] });
    const stats = new StatsReader(lab.platform, { nodeName: 'n1', clock: lab.clock });
    const server = createKubeletServer({ kubelet: lab.kubelet.handle, clock: lab.clock, log: silentLog, access, summary: () => stats.summary(), pages: { configurations: () => ({ kubeletconfig: kubeletConfiguration({ maxPods: 7 }) }), profiling: lab.clock }, logFolder: import.meta.dirname });
    const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
    const url = (path: string): URL => new URL(`https://127.0.0.1:${port}${path}`);
    const get = (path: string): Promise<{ status: number; body: string }> =>
      new Promise((resolve, reject) => {
        const request = httpsRequest(url(path), { rejectUnauthorized: false, agent: false }, (response) => {
          text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
        });
        request.once('error', reject);
        request.end();
      });
    try {
      await run({ lab, url, get });
    } finally {
      const closing = server.close({ drainMs: 0 });
      await lab.clock.advance(1);
      await closing;
    }
  });
}

const everybody: Access = () => Promise.resolve();

test('pods and logs are served under the paths of the original', () =>
  withServer(everybody, async ({ get }) => {
    assert.equal((JSON.parse((await get('/pods')).body) as { items: { metadata: { name: string } }[] }).items[0]?.metadata.name, 'web');
    assert.equal((await get('/containerLogs/default/web/app?tailLines=2')).body, 'two\nthree\n');
    assert.equal((await get('/healthz')).body, 'ok');
    assert.equal((await get('/containerLogs/default/none/app')).status, 404);
    assert.equal((await get('/nothing')).status, 404);
    assert.match((await get('/logs/')).body, /<a href="kubelet-server.test.ts">/);
    const { kubeletconfig } = JSON.parse((await get('/configz')).body) as { readonly kubeletconfig: { readonly kind: string; readonly maxPods: number } };
    assert.deepEqual([kubeletconfig.kind, kubeletconfig.maxPods], ['KubeletConfiguration', 7]);
    assert.equal((await get('/debug/pprof/')).status, 200);
    assert.match((await get('/metrics')).body, /^kubelet_running_pods 1$/m);
    assert.match((await get('/metrics/resource')).body, /^container_memory_working_set_bytes\{container="app",namespace="default",pod="web"\} \d+/m);
    assert.equal((JSON.parse((await get('/stats/summary')).body) as { pods: { podRef: { name: string } }[] }).pods[0]?.podRef.name, 'web');
  }));

test('a command runs with its stdin, over SPDY and over WebSocket', () =>
  withServer(everybody, async ({ url }) => {
    for (const open of [openRemoteCommand, openRemoteCommandOverWebSocket]) {
      const session = await open(
        { url: url('/exec/default/web/app?command=echo&command=hi&input=1&output=1&error=1'), tls: { rejectUnauthorized: false } },
        { stdin: true, stdout: true, stderr: true, tty: false },
      );
      session.stdin?.end('from outside');
      const output = session.stdout === undefined ? '' : await text(session.stdout);
      assert.equal(output, 'echo hi|from outside');
      assert.equal(exitCodeOf(await session.status), 5);
      session.close();
    }
  }));

test('who is not let in gets no answer', () =>
  withServer(() => Promise.reject(unauthorized()), async ({ get }) => {
    assert.equal((await get('/pods')).status, 401);
  }));
