/** `up`, `status` and `down` on the simulated runtime: what needs no containers. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { launcher, skiff } from './skiff.ts';

interface Status {
  readonly state: string;
  readonly pid?: number;
  readonly server?: string;
  readonly nodes?: readonly { readonly isReady: boolean; readonly runtime: string }[];
}

describe('a cluster with simulated pods', () => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-cli-'));
  const one = `one-${process.pid}`;
  const two = `two-${process.pid}`;
  const flags = (name: string): readonly string[] => ['--name', name, '--state-dir', join(directory, name)];
  const up = (name: string, ...more: readonly string[]) => skiff(['up', ...flags(name), '--runtime', 'simulated', ...more]);
  const status = async (name: string): Promise<Status & { readonly code: number }> => {
    const { code, stdout } = await skiff(['status', ...flags(name), '-o', 'json']);
    return { ...(JSON.parse(stdout) as Status), code };
  };
  after(async () => {
    for (const name of [one, two]) await skiff(['down', '--purge', ...flags(name)]);
    rmSync(directory, { recursive: true });
  });

  it('starts with a line per step, and says how to go on', async () => {
    const { code, stdout, stderr } = await up(one);
    assert.equal(code, 0, stderr);
    for (const step of ['Certificates', 'Store', 'Control plane', 'Node']) assert.match(stderr, new RegExp(`^✓ ${step}`, 'm'));
    assert.match(stdout, /Kubeconfig: .*admin\.kubeconfig\n/);
    const { code: statusCode, state, nodes, server } = await status(one);
    assert.deepEqual([statusCode, state, nodes?.length, nodes?.[0]?.isReady], [0, 'running', 1, true]);
    assert.match(server ?? '', /^https:\/\/127\.0\.0\.1:\d+$/);
  });

  it('says that it runs already, and is not started twice', async () => {
    const before = await status(one);
    const { code, stderr } = await up(one, '--nodes', '2');
    assert.equal(code, 0);
    assert.match(stderr, new RegExp(`The cluster "${one}" runs already \\(process ${before.pid}\\)`));
    assert.match(stderr, /It has 1 of 2 nodes; a start with --nodes adds the others/);
    assert.equal((await status(one)).pid, before.pid);
  });

  it('runs beside another one, found by its name alone', async () => {
    const { code, stderr } = await up(two, '--nodes', '2');
    assert.equal(code, 0, stderr);
    const [first, second] = [await status(one), await status(two)];
    assert.deepEqual([first.state, second.state], ['running', 'running']);
    assert.deepEqual([first.nodes?.length, second.nodes?.map(({ isReady }) => isReady)], [1, [true, true]]);
    assert.notEqual(first.server, second.server);
    const byName = await skiff(['status', '--name', two, '-o', 'json']);
    assert.equal((JSON.parse(byName.stdout) as Status).pid, second.pid);
    const all = await skiff(['status', '--all']);
    for (const name of [one, two]) assert.match(all.stdout, new RegExp(`cluster +${name}\n`));
  });

  it('runs the demo, and says that its pods are not real', async () => {
    const { code, stdout, stderr } = await up(two, '--demo');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /3 of 3 pods are available/);
    assert.match(stdout, /simulated pods do not answer/);
  });

  it('is started by one of two that try at the same time', async () => {
    assert.equal((await skiff(['down', ...flags(two)])).code, 0);
    const outcomes = await Promise.all([up(two), up(two)]);
    assert.ok(outcomes.some(({ code }) => code === 0), outcomes.map(({ stderr }) => stderr).join('\n'));
    for (const { code, stderr } of outcomes) if (code !== 0) assert.match(stderr, /runs already, in another process/);
    assert.equal((await status(two)).state, 'running');
  });

  it('joins a kubeconfig of the user\'s, and leaves it when it is purged', async () => {
    const kubeconfig = join(directory, 'config');
    assert.equal((await up(two, '--kubeconfig', kubeconfig)).code, 0);
    assert.match(readFileSync(kubeconfig, 'utf8'), new RegExp(`current-context: skiff-${two}`));
    const { code, stderr } = await skiff(['down', '--purge', ...flags(two), '--kubeconfig', kubeconfig]);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(readFileSync(kubeconfig, 'utf8'), new RegExp(two));
    assert.ok(!existsSync(join(directory, two)));
    assert.equal((await status(two)).state, 'absent');
  });

  it('keeps its state when it is stopped, and comes back at the same port after being killed', async () => {
    const { pid, server } = await status(one);
    process.kill(pid ?? 0, 'SIGKILL');
    const { code, stderr } = await up(one);
    assert.equal(code, 0, stderr);
    const again = await status(one);
    assert.deepEqual([again.state, again.server], ['running', server]);
    assert.notEqual(again.pid, pid);
    assert.equal((await skiff(['down', ...flags(one)])).code, 0);
    const stopped = await status(one);
    assert.deepEqual([stopped.code, stopped.state], [1, 'stopped']);
    assert.ok(existsSync(join(directory, one, 'store.db')));
  });

  it('says which port is taken and what to do', async () => {
    const server = createServer().listen(0, '0.0.0.0');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await up(one, '--port', String(port));
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`port ${port} is taken by another program; choose another one with --port`));
    assert.equal((await status(one)).state, 'stopped');
    server.close();
    await once(server, 'close');
    assert.equal((await up(one, '--port', String(port))).code, 0, 'the port that was asked for');
    assert.equal((await status(one)).server, `https://127.0.0.1:${port}`);
    assert.equal((await skiff(['down', ...flags(one)])).code, 0);
  });

  it('stays in the foreground until Ctrl-C', async () => {
    const child = spawn(launcher, ['up', ...flags(one), '--runtime', 'simulated', '--foreground'], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    const said = Promise.withResolvers<void>();
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (stderr.includes('until Ctrl-C')) said.resolve();
    });
    child.once('exit', () => said.reject(new Error(stderr)));
    await said.promise;
    assert.equal((await status(one)).state, 'running');
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    assert.deepEqual(await ended, [0, null]);
    assert.equal((await status(one)).state, 'stopped');
  });
});
