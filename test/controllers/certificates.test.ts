import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { CertificateSigningRequest } from '#api/certificates/certificate-signing-request.ts';
import { timestamp } from '#client/timestamp.ts';
import { createAuthority } from '#pki/authority.ts';
import { isSignedBy } from '#pki/rotation.ts';
import { controllersFor } from '#controllers/index.ts';
import { startTestCluster } from './test-cluster.ts';
import { parseCertificateRequest } from '#pki/certificate-request.ts';
import { judgeRequest } from '#controllers/certificates/signers.ts';

const skip = existsSync('/usr/bin/openssl') ? false : 'needs openssl to make requests';
let folder = '';
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'skiff-csr-'));
});
after(() => rm(folder, { recursive: true }));

function requestPem(subject: string, names = '', key = 'ec'): string {
  const keyFile = path.join(folder, `${key}.key`);
  const algorithm = key === 'ec' ? ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];
  if (!existsSync(keyFile)) execFileSync('openssl', ['genpkey', '-algorithm', ...algorithm, '-out', keyFile], { stdio: 'ignore' });
  const extension = names === '' ? [] : ['-addext', `subjectAltName=${names}`];
  return execFileSync('openssl', ['req', '-new', '-key', keyFile, '-subj', subject, ...extension], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

test('a request is read with all its names', { skip }, () => {
  const request = parseCertificateRequest(requestPem('/O=system:nodes/CN=system:node:n1', 'DNS:n1,IP:10.0.0.1,IP:fd00::1,email:a@b.c', 'rsa'));
  assert.equal(request.commonName, 'system:node:n1');
  assert.deepEqual(request.organizations, ['system:nodes']);
  assert.deepEqual(request.dnsNames, ['n1']);
  assert.deepEqual(request.ipAddresses, ['10.0.0.1', 'fd00:0:0:0:0:0:0:1']);
  assert.deepEqual(request.emailAddresses, ['a@b.c']);
});

test('a request that was changed after it was signed is refused', { skip }, () => {
  const pem = requestPem('/O=system:nodes/CN=system:node:n1');
  const body = pem.replaceAll(/-----[^-]+-----|\s/g, '');
  const der = Buffer.from(body, 'base64');
  der.write('n2', der.indexOf('system:node:n1') + 'system:node:'.length);
  assert.throws(() => parseCertificateRequest(`-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----`), /signature of the request is wrong/);
  assert.throws(() => parseCertificateRequest('nonsense'), /PEM block type/);
});

test('each signer certifies only what it is for', { skip }, () => {
  const node = parseCertificateRequest(requestPem('/O=system:nodes/CN=system:node:n1'));
  const client = ['client auth', 'digital signature'];
  assert.deepEqual(judgeRequest('kubernetes.io/kube-apiserver-client-kubelet', node, client), { usages: ['client'] });
  assert.deepEqual(judgeRequest('kubernetes.io/kubelet-serving', node, ['server auth', 'digital signature']), { refusal: 'DNS or IP subjectAltName is required' });
  const master = parseCertificateRequest(requestPem('/O=system:masters/CN=me'));
  assert.deepEqual(judgeRequest('kubernetes.io/kube-apiserver-client', master, client), { refusal: 'may not certify members of system:masters' });
  assert.equal(judgeRequest('example.org/signer', node, client), undefined);
});

const authority = createAuthority({ commonName: 'kubernetes', clock: systemClock, validDays: 10 });

function kubeletRequest(username: string) {
  const request = Buffer.from(requestPem('/O=system:nodes/CN=system:node:n1')).toString('base64');
  return {
    metadata: { name: 'n1' },
    spec: { request, signerName: 'kubernetes.io/kube-apiserver-client-kubelet', usages: ['client auth', 'digital signature'], expirationSeconds: 7200, username },
  };
}

test('an approved request is signed with the cluster\'s authority, for as long as was asked', { skip }, async () => {
  const cluster = await startTestCluster(controllersFor({ clusterSigning: authority, enabled: ['csrsigning', 'csrcleaner'] }));
  const { client, until } = cluster;
  const made = await client.create(CertificateSigningRequest, kubeletRequest('system:node:n1'));
  await client.updateSubresource(CertificateSigningRequest, { ...made, status: { conditions: [{ type: 'Approved', status: 'True', reason: 'Test', lastUpdateTime: timestamp(systemClock.nowMs()) }] } }, 'approval');
  const { status } = await until(async () => {
    const found = await client.get(CertificateSigningRequest, { name: 'n1' });
    return found.status.certificate !== undefined && found;
  });
  const pem = Buffer.from(status.certificate ?? '', 'base64').toString();
  assert.ok(isSignedBy(pem, authority.certificatePem));
  const certificate = new X509Certificate(pem);
  assert.equal(certificate.subject, 'O=system:nodes\nCN=system:node:n1');
  assert.ok(certificate.validToDate.getTime() - certificate.validFromDate.getTime() < 3 * 3_600_000);
  await cluster.close();
});

test('a kubelet\'s request is approved when whoever asks may', { skip }, async () => {
  const cluster = await startTestCluster(controllersFor({ clusterSigning: authority, enabled: ['csrapproving'] }));
  const { client, until } = cluster;
  try {
    await client.create(CertificateSigningRequest, kubeletRequest('system:admin'));
    const approved = await until(async () => (await client.get(CertificateSigningRequest, { name: 'n1' })).status.conditions?.[0]);
    assert.equal(approved.reason, 'AutoApproved');
  } finally {
    await cluster.close();
  }
});
