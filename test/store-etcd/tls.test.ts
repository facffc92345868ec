import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { seededRandom } from '#base/random.ts';
import type { Authority } from '#pki/authority.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import { openEtcdStore } from '#store/etcd.ts';
import type { EtcdCluster } from '#store/etcd/etcd-member.fixture.ts';
import { etcdMissing, startEtcdCluster } from '#store/etcd/etcd-member.fixture.ts';
import { StoreError } from '#store/store.ts';

const shared = { clock: systemClock, random: seededRandom(1) };
const validDays = 1;

describe('an etcd that wants certificates', { skip: etcdMissing, timeout: 60_000 }, () => {
  let directory: string;
  let authority: Authority;
  let etcd: EtcdCluster;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skiff-etcd-tls-'));
    authority = createAuthority({ commonName: 'etcd-ca', clock: systemClock, validDays });
    const serving = issueCertificate(authority, { commonName: 'etcd', ipAddresses: ['127.0.0.1'], dnsNames: ['localhost'], usages: ['server', 'client'], clock: systemClock, validDays });
    const tls = { caFile: join(directory, 'ca.crt'), certificateFile: join(directory, 'etcd.crt'), keyFile: join(directory, 'etcd.key') };
    await writeFile(tls.caFile, authority.certificatePem);
    await writeFile(tls.certificateFile, serving.certificatePem);
    await writeFile(tls.keyFile, serving.privateKeyPem);
    etcd = await startEtcdCluster({ members: 1, tls });
  });
  after(async () => {
    await etcd.close();
    await rm(directory, { recursive: true });
  });

  it('takes a client with a certificate of its authority', async () => {
    const { certificatePem, privateKeyPem } = issueCertificate(authority, { commonName: 'kube-apiserver-etcd-client', usages: ['client'], clock: systemClock, validDays });
    const store = await openEtcdStore({ ...shared, endpoints: etcd.endpoints, tls: { caPem: authority.certificatePem, certificatePem, privateKeyPem } });
    assert.equal((await store.put('/a', new Uint8Array([1]), { absent: true })).ok, true);
    await store.close();
  });

  it('refuses others, which is told in one error', async () => {
    const other = createAuthority({ commonName: 'other', clock: systemClock, validDays });
    const stranger = issueCertificate(other, { commonName: 'stranger', usages: ['client'], clock: systemClock, validDays });
    const attempts = [
      { caPem: authority.certificatePem },
      { caPem: authority.certificatePem, certificatePem: stranger.certificatePem, privateKeyPem: stranger.privateKeyPem },
      { caPem: other.certificatePem },
    ];
    await Promise.all(attempts.map((tls) => assert.rejects(openEtcdStore({ ...shared, endpoints: etcd.endpoints, tls }), (error) => error instanceof StoreError && error.code === 'unavailable')));
  });
});
