import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectionFrom, loadKubeconfig } from '#client/kubeconfig.ts';
import { kubeconfigFor, mergeKubeconfig, unmergeKubeconfig } from './kubeconfigs.ts';

const ours = kubeconfigFor({ clusterName: 'dev', userName: 'admin', server: 'https://127.0.0.1:6453', caPem: 'CA', pair: { certificatePem: 'CERT', privateKeyPem: 'KEY' } });

test('a cluster joins the user\'s kubeconfig and leaves it again, and what was there stays', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-kubeconfig-'));
  const file = join(directory, 'config');
  await writeFile(file, [
    'apiVersion: v1', 'kind: Config', 'current-context: prod',
    'clusters: [{name: prod, cluster: {server: "https://prod"}}]', 'users: [{name: me, user: {token: t}}]', 'contexts: [{name: prod, context: {cluster: prod, user: me}}]',
  ].join('\n'));

  await mergeKubeconfig(file, ours);
  await mergeKubeconfig(file, ours);
  const merged = loadKubeconfig({ file });
  assert.equal(connectionFrom(merged).server, 'https://127.0.0.1:6453');
  assert.equal(connectionFrom(merged, { context: 'prod' }).server, 'https://prod');
  assert.deepEqual(merged.clusters.map(({ name }) => name), ['prod', 'skiff-dev']);

  await unmergeKubeconfig(file, 'dev');
  const left = loadKubeconfig({ file });
  assert.deepEqual([left.clusters, left.users, left.contexts].map((entries) => entries.map(({ name }) => name)), [['prod'], ['me'], ['prod']]);
  await rm(directory, { recursive: true });
});

test('a kubeconfig that is not there yet is made', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-kubeconfig-'));
  const file = join(directory, 'new/config');
  await mergeKubeconfig(file, ours);
  assert.equal(loadKubeconfig({ file })['current-context'], 'skiff-dev');
  await rm(directory, { recursive: true });
});
