import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { connectionFrom, emptyKubeconfig, inClusterConnection, loadKubeconfig, writeKubeconfig } from './kubeconfig.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'skiff-kubeconfig-'));
});
after(() => rm(folder, { recursive: true }));

const one = `
apiVersion: v1
kind: Config
current-context: dev
clusters:
- name: dev
  cluster: { server: "https://dev:6443", certificate-authority: ca.crt }
contexts:
- name: dev
  context: { cluster: dev, user: me, namespace: shop }
users:
- name: me
  user: { token: one }
`;
const two = `
current-context: prod
clusters:
- { name: dev, cluster: { server: "https://other" } }
- { name: prod, cluster: { server: "https://prod", insecure-skip-tls-verify: true } }
contexts:
- { name: prod, context: { cluster: prod, user: admin } }
users:
- { name: admin, user: { client-certificate-data: Y2VydA==, client-key-data: a2V5 } }
`;

test('of several files the first to say something counts, and paths are relative to their file', async () => {
  const first = path.join(folder, 'one');
  const second = path.join(folder, 'two');
  await writeFile(first, one);
  await writeFile(second, two);
  const config = loadKubeconfig({ env: { KUBECONFIG: [first, path.join(folder, 'absent'), second].join(path.delimiter) } });
  assert.equal(config['current-context'], 'dev');
  const dev = connectionFrom(config);
  assert.equal(dev.server, 'https://dev:6443');
  assert.equal(dev.namespace, 'shop');
  assert.equal(dev.token, 'one');
  assert.deepEqual(dev.ca, { file: path.join(folder, 'ca.crt') });
  const prod = connectionFrom(config, { context: 'prod' });
  assert.equal(prod.server, 'https://prod');
  assert.equal(prod.insecureSkipTlsVerify, true);
  assert.deepEqual(prod.certificate, { pem: 'cert' });
  assert.deepEqual(prod.key, { pem: 'key' });
});

test('what is named but missing is said so', () => {
  assert.throws(() => connectionFrom(emptyKubeconfig(), { context: 'nowhere' }), /context "nowhere" does not exist/);
  assert.throws(() => connectionFrom(emptyKubeconfig()), /no configuration has been provided/);
  assert.throws(() => loadKubeconfig({ file: path.join(folder, 'not-there') }), /ENOENT/);
});

test('a file is written for its owner alone and reads back the same', async () => {
  const file = path.join(folder, 'sub', 'config');
  const config = { ...emptyKubeconfig(), 'current-context': 'x', clusters: [{ name: 'x', cluster: { server: 'https://x' } }] };
  await writeKubeconfig(file, config);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(loadKubeconfig({ file }), config);
});

test('a pod connects with its service account', async () => {
  const account = path.join(folder, 'account');
  await mkdir(account);
  await writeFile(path.join(account, 'token'), 't');
  await writeFile(path.join(account, 'ca.crt'), 'pem');
  await writeFile(path.join(account, 'namespace'), 'shop\n');
  const connection = inClusterConnection({ KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }, account);
  assert.equal(connection?.server, 'https://[fd00::1]:443');
  assert.equal(connection?.namespace, 'shop');
  assert.deepEqual(connection?.ca, { file: path.join(account, 'ca.crt') });
  assert.equal(inClusterConnection({}, account), undefined);
});
