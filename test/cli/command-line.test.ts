/** The launcher and the command line, without any cluster. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { launcher, skiff } from './skiff.ts';

describe('the launcher', () => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff launcher '));
  after(() => rmSync(directory, { recursive: true }));

  it('works from any directory, through links to links, and found on PATH', async () => {
    symlinkSync(launcher, join(directory, 'first'));
    symlinkSync('first', join(directory, 'skiff'));
    for (const outcome of await Promise.all([
      skiff(['version'], { cwd: '/' }),
      skiff(['version'], { file: join(directory, 'skiff'), cwd: directory }),
      skiff(['-c', 'skiff version'], { file: '/bin/sh', env: { PATH: `${directory}:${process.env['PATH'] ?? ''}` } }),
    ])) {
      assert.equal(outcome.code, 0, outcome.stderr);
      assert.match(outcome.stdout, /^skiff \d+\.\d+\.\d+\nkubernetes v1\.36\.\d+\nnode v\d+/);
    }
  });

  it('hands arguments on as they are', async () => {
    const { stderr, code } = await skiff(['no such "command"  $HOME']);
    assert.equal(code, 1);
    assert.match(stderr, /unknown command 'no such "command" {2}\$HOME'/);
  });
});

describe('the command line', () => {
  const commands = ['up', 'down', 'status', 'image', 'version', 'apiserver', 'scheduler', 'controller-manager', 'kubelet', 'proxy', 'dns', 'test', 'bench'];

  it('has help for every command, and lists them all', async () => {
    const overview = await skiff(['--help']);
    assert.equal(overview.code, 0);
    for (const command of commands) assert.match(overview.stdout, new RegExp(`^  ${command} `, 'm'));
    for (const command of commands) {
      const { code, stdout } = await skiff([command, '--help']);
      assert.equal(code, 0, command);
      assert.match(stdout, new RegExp(`^Usage: skiff ${command} `), command);
      assert.match(stdout, /--help/, command);
    }
  });

  it('prints JSON where it is asked to, and nothing but JSON', async () => {
    const { code, stdout } = await skiff(['version', '-o', 'json']);
    assert.equal(code, 0);
    assert.deepEqual(Object.keys(JSON.parse(stdout) as object), ['skiff', 'kubernetes', 'node']);
    const status = await skiff(['status', '--name', 'no-such-cluster', '-o', 'json']);
    assert.equal(status.code, 1);
    assert.equal((JSON.parse(status.stdout) as { readonly state: string }).state, 'absent');
  });

  it('names what was probably meant', async () => {
    for (const [args, hint] of [
      [['statsu'], 'status'], [['up', '--demoo'], '--demo'], [['apiserver', '--secure-prot=1'], '--secure-port'], [['scheduler', '--leader-elct'], '--leader-elect'],
      [['kubelet', '--hostname-overide', 'x'], '--hostname-override'],
    ] as const) {
      const { code, stderr } = await skiff(args);
      assert.equal(code, 1, args.join(' '));
      assert.match(stderr, new RegExp(`Did you mean ${hint}\\?`), args.join(' '));
    }
  });

  it('says in one line what is wrong, without a stack', async () => {
    for (const [args, text] of [
      [['up', '--name', 'Not/Good'], /^skiff: "Not\/Good" cannot be the name of a cluster/],
      [['up', '--port', '70000'], /A port is a number from 1 to 65535/],
      [['image', 'load', '--name', 'no-such-cluster', 'x.tar'], /^skiff: the cluster "no-such-cluster" does not run; start it with "skiff up --name no-such-cluster"/],
      [['apiserver', '--authorization-mode', 'Webhook'], /^skiff: authorization-mode Webhook's authorization config file not passed/],
      [['scheduler', '--kubeconfig', '/no/such/file', '--secure-port', '0'], /\/no\/such\/file/],
      [['cloud-controller-manager', '--anything'], /not built yet/],
    ] as const) {
      const { code, stderr } = await skiff(args);
      assert.equal(code, 1, args.join(' '));
      assert.match(stderr, text, args.join(' '));
      assert.doesNotMatch(stderr, /\n {4}at /, args.join(' '));
    }
  });

  it('prints no colours where nobody can see them', async () => {
    const { stdout, stderr } = await skiff(['status', '--name', 'no-such-cluster']);
    assert.ok(!(stdout + stderr).includes('\u001b'));
  });

  it('finds nothing to stop or purge where there is nothing, and that is fine', async () => {
    for (const args of [['down', '--name', 'no-such-cluster'], ['down', '--purge', '--name', 'no-such-cluster']]) {
      const { code, stderr } = await skiff(args);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /it did not run/);
    }
  });
});
