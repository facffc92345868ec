import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SimulatedClock } from '#base/clock.ts';
import { ensureCertificates } from './certificates.ts';

const request = { nodeName: 'node-1', nodeAddresses: ['192.0.2.7'], apiServiceAddress: '10.96.0.1', hostname: 'Machine' };
const day = 86_400_000;

describe('the cluster\'s certificates', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skiff-pki-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('name the API server as clients, pods and people call it', async () => {
    const { pairs, ca } = await ensureCertificates(directory, request, { clock: new SimulatedClock() });
    const serving = new X509Certificate(pairs['apiserver']?.certificatePem ?? '');
    for (const name of ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'node-1']) {
      assert.notEqual(serving.checkHost(name), undefined, name);
    }
    for (const address of ['127.0.0.1', '192.0.2.7', '10.96.0.1']) assert.notEqual(serving.checkIP(address), undefined, address);
    assert.ok(serving.verify(new X509Certificate(ca.certificatePem).publicKey));
    const admin = new X509Certificate(pairs['admin']?.certificatePem ?? '');
    assert.match(admin.subject, /O=system:masters\nCN=kubernetes-admin/);
    assert.match(new X509Certificate(pairs['kubelet']?.certificatePem ?? '').subject, /O=system:nodes\nCN=system:node:node-1/);
  });

  it('stay the same at the next start', async () => {
    const clock = new SimulatedClock();
    const first = await ensureCertificates(directory, request, { clock });
    const second = await ensureCertificates(directory, request, { clock });
    assert.deepEqual(Object.keys(first.pairs), Object.keys(second.pairs));
    for (const [name, pair] of Object.entries(first.pairs)) assert.deepEqual(second.pairs[name], pair, name);
    assert.equal(second.serviceAccountKey.keyId, first.serviceAccountKey.keyId);
  });

  it('are made anew before they expire, by the same authority', async () => {
    const clock = new SimulatedClock();
    const first = await ensureCertificates(directory, request, { clock });
    await clock.advance(300 * day);
    const later = await ensureCertificates(directory, request, { clock });
    assert.notEqual(later.pairs['admin']?.certificatePem, first.pairs['admin']?.certificatePem);
    assert.equal(later.ca.certificatePem, first.ca.certificatePem);
  });

  it('are made anew when the machine has got another address', async () => {
    const clock = new SimulatedClock();
    const first = await ensureCertificates(directory, request, { clock });
    const moved = await ensureCertificates(directory, { ...request, nodeAddresses: ['192.0.2.8'] }, { clock });
    assert.notEqual(moved.pairs['apiserver']?.certificatePem, first.pairs['apiserver']?.certificatePem);
    assert.equal(moved.pairs['admin']?.certificatePem, first.pairs['admin']?.certificatePem);
  });

  it('have keys that only their owner may read', async () => {
    await ensureCertificates(directory, request, { clock: new SimulatedClock() });
    const keys = (await readdir(directory)).filter((file) => file.endsWith('.key'));
    assert.ok(keys.includes('ca.key') && keys.includes('sa.key') && keys.includes('admin.key'));
    for (const key of keys) assert.equal((await stat(join(directory, key))).mode & 0o077, 0, key);
  });
});
