import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { SimulatedClock, systemClock } from '#base/clock.ts';
import { certify, createAuthority, issueCertificate, loadAuthority, selfSignedServingPair } from './authority.ts';
import { clientIdentity } from './client-identity.ts';
import { pemPaths, readPemPair, writePemPair } from './pem-files.ts';
import { coversNames, expiresWithin, isSignedBy } from './rotation.ts';
import { createServiceAccountKey, loadServiceAccountKey } from './service-account-key.ts';
import { addressBytes } from './to-be-signed.ts';

const day = 86_400_000;

test('a certificate carries the names, usages and dates it was asked for', () => {
  const clock = new SimulatedClock();
  const authority = createAuthority({ commonName: 'kubernetes', clock, validDays: 3650 });
  const pair = issueCertificate(authority, {
    commonName: 'kube-apiserver', organizations: ['a', 'b'], dnsNames: ['kubernetes.default', '*.example.org'],
    ipAddresses: ['10.96.0.1', 'fd00::1'], usages: ['server', 'client'], clock, validDays: 365,
  });
  const certificate = new X509Certificate(pair.certificatePem);
  assert.equal(certificate.subject, 'O=a\nO=b\nCN=kube-apiserver');
  assert.equal(certificate.issuer, 'CN=kubernetes');
  assert.equal(certificate.subjectAltName,
    'DNS:kubernetes.default, DNS:*.example.org, IP Address:10.96.0.1, IP Address:FD00:0:0:0:0:0:0:1');
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  assert.equal(certificate.validToDate.getTime(), clock.nowMs() + 365 * day);
  assert.equal(certificate.ca, false);
  assert.ok(isSignedBy(pair.certificatePem, authority.certificatePem));
  assert.ok(coversNames(pair.certificatePem, { dnsNames: ['kubernetes.default'], ipAddresses: ['fd00::1', '10.96.0.1'] }));
  assert.ok(!coversNames(pair.certificatePem, { ipAddresses: ['10.96.0.2'] }));
});

test('a certificate never outlives its authority', () => {
  const clock = new SimulatedClock();
  const authority = createAuthority({ commonName: 'ca', clock, validDays: 10 });
  const pair = issueCertificate(authority, { commonName: 'x', usages: ['client'], clock, validDays: 365 });
  assert.equal(new X509Certificate(pair.certificatePem).validTo, authority.certificate.validTo);
});

test('dates from 2050 on are written as RFC 5280 asks', () => {
  const clock = new SimulatedClock(Date.UTC(2045, 0, 1));
  const authority = createAuthority({ commonName: 'ca', clock, validDays: 3650 });
  assert.equal(authority.certificate.validToDate.getTime(), clock.nowMs() + 3650 * day);
});

test('a client certificate tells the user and the groups', () => {
  const authority = createAuthority({ commonName: 'ca', clock: systemClock, validDays: 1 });
  const identify = (organizations: string[]) => clientIdentity(new X509Certificate(issueCertificate(authority, {
    commonName: 'system:node:n1', organizations, usages: ['client'], clock: systemClock, validDays: 1,
  }).certificatePem));
  assert.partialDeepStrictEqual(identify(['system:nodes']), { commonName: 'system:node:n1', organizations: ['system:nodes'] });
  assert.deepEqual(identify(['one', 'zwei, ü', 'O=three']).organizations, ['one', 'zwei, ü', 'O=three']);
  assert.deepEqual(identify([]).organizations, []);
  assert.match(identify([]).fingerprintSha256, /^[0-9a-f]{64}$/);
});

test('a loaded authority signs certificates that TLS accepts', async () => {
  const made = createAuthority({ commonName: 'ca', clock: systemClock, validDays: 2 });
  const authority = loadAuthority({ certificatePem: made.certificatePem, privateKeyPem: made.privateKeyPem });
  const options = { clock: systemClock, validDays: 1 };
  const serving = issueCertificate(authority, { ...options, commonName: 's', dnsNames: ['localhost'], usages: ['server'] });
  const client = issueCertificate(authority, { ...options, commonName: 'c', usages: ['client'] });
  const server = createServer({
    key: serving.privateKeyPem, cert: serving.certificatePem, ca: authority.certificatePem, requestCert: true, rejectUnauthorized: true,
  }, (request, response) => response.end((request.socket as TLSSocket).getPeerCertificate().subject.CN));
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect({
      port, host: '127.0.0.1', servername: 'localhost', ca: authority.certificatePem, key: client.privateKeyPem, cert: client.certificatePem,
    }, () => socket.end('GET / HTTP/1.0\r\n\r\n'));
    let received = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => { received += chunk; }).on('end', () => resolve(received)).on('error', reject);
  });
  server.close();
  assert.match(text, /\r\n\r\nc$/);
});

test('a key that does not belong to the certificate, or a certificate that may not sign, makes no authority', () => {
  const one = createAuthority({ commonName: 'one', clock: systemClock, validDays: 1 });
  const two = createAuthority({ commonName: 'two', clock: systemClock, validDays: 1 });
  assert.throws(() => loadAuthority({ certificatePem: one.certificatePem, privateKeyPem: two.privateKeyPem }), /does not belong/);
  const leaf = issueCertificate(one, { commonName: 'x', usages: ['client'], clock: systemClock, validDays: 1 });
  assert.throws(() => loadAuthority(leaf), /not one of an authority/);
  assert.ok(!isSignedBy(leaf.certificatePem, two.certificatePem));
});

test('an authority of any usual kind of key signs, and certificates name its own key identifier', { skip: hasOpenssl() ? false : 'there is no openssl' }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-pki-'));
  try {
    for (const key of ['rsa:2048', 'ed25519', 'ec']) {
      const [certificate, privateKey] = [join(directory, 'ca.crt'), join(directory, 'ca.key')];
      const options = key === 'ec' ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'] : ['-newkey', key];
      execFileSync('openssl', ['req', '-x509', ...options, '-nodes', '-keyout', privateKey, '-out', certificate, '-subj', '/CN=ca', '-days', '2'], { stdio: 'ignore' });
      const authority = loadAuthority({ certificatePem: await readFile(certificate, 'utf8'), privateKeyPem: await readFile(privateKey, 'utf8') });
      const leaf = new X509Certificate(certify(authority, generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey, { commonName: 'x', usages: ['client'], clock: systemClock, validDays: 1 }));
      assert.ok(leaf.checkIssued(authority.certificate), key);
      assert.ok(leaf.verify(authority.certificate.publicKey), key);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a certificate asks for rotation when its end is near, and when it is not valid yet', async () => {
  const clock = new SimulatedClock();
  const pair = selfSignedServingPair({ commonName: 'kubelet', clock });
  assert.equal(expiresWithin(pair.certificatePem, { clock, withinMs: 30 * day }), false);
  assert.equal(expiresWithin(pair.certificatePem, { clock: new SimulatedClock(clock.nowMs() - day), withinMs: 0 }), true);
  await clock.advance(340 * day);
  assert.equal(expiresWithin(pair.certificatePem, { clock, withinMs: 30 * day }), true);
});

test('a service-account key keeps its id when it is loaded again', () => {
  const made = createServiceAccountKey();
  const loaded = loadServiceAccountKey(made.privateKeyPem);
  assert.equal(loaded.keyId, made.keyId);
  assert.equal(loaded.publicKeyPem, made.publicKeyPem);
  assert.equal(made.algorithm, 'ES256');
  assert.match(made.keyId, /^[A-Za-z0-9_-]{43}$/);
});

test('a pair written to disk is read back, its key readable by the owner alone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-pki-'));
  try {
    const paths = pemPaths(join(directory, 'pki'), 'ca');
    assert.equal(await readPemPair(paths), undefined);
    const { certificatePem, privateKeyPem } = createAuthority({ commonName: 'ca', clock: systemClock, validDays: 1 });
    await writePemPair(paths, { certificatePem, privateKeyPem });
    assert.deepEqual(await readPemPair(paths), { certificatePem, privateKeyPem });
    assert.equal((await stat(paths.privateKeyPath)).mode & 0o777, 0o600);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('addresses become bytes in network order', () => {
  assert.deepEqual([...addressBytes('::ffff:1.2.3.4')], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4]);
  assert.deepEqual([...addressBytes('2001:db8::')], [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.throws(() => addressBytes('10.0.0'), /not an IP address/);
});
