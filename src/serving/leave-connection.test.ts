import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import https from 'node:https';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import { createSecureServer } from './secure-server.ts';

test('a client that is asked to leave gets its answer, and an end after which nothing is lost', async (t) => {
  const server = createSecureServer({
    clock: systemClock,
    handler(_request, response) {
      response.addHeaders({ 'audit-id': 'a', vary: 'Origin' });
      response.leaveConnection();
      response.writeHead(200, { vary: 'Accept' });
      response.end(Buffer.from('hello'));
    },
  });
  t.after(() => server.close({ drainMs: 0 }));
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  const leaving = new Promise<number>((resolve) => session.once('goaway', (_code, lastStreamId) => resolve(lastStreamId)));
  const stream = session.request({ ':path': '/' });
  let [text, headers]: [string, Readonly<Record<string, unknown>>] = ['', {}];
  stream.on('response', (given) => (headers = given));
  for await (const chunk of stream) text += String(chunk);
  assert.equal(text, 'hello');
  assert.deepEqual([headers['audit-id'], headers['vary']], ['a', 'Accept']);
  assert.equal(await leaving, 1, 'this request was processed');
  session.close();
});

test('over HTTP/1.1 nothing happens but the answer', async (t) => {
  const server = createSecureServer({
    clock: systemClock,
    handler(_request, response) {
      response.addHeaders({ 'audit-id': 'a' });
      response.leaveConnection();
      response.end(Buffer.from('hello'));
    },
  });
  t.after(() => server.close({ drainMs: 0 }));
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const auditId = await new Promise((resolve, reject) => {
    https.get({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.headers['audit-id']));
    }).on('error', reject);
  });
  assert.equal(auditId, 'a');
});

test('a client that names a host gets the certificate for it', async (t) => {
  const authority = createAuthority({ commonName: 'ca', clock: systemClock, validDays: 1 });
  const pairFor = (name: string): ReturnType<typeof issueCertificate> => issueCertificate(authority, { commonName: name, dnsNames: [name], usages: ['server'], clock: systemClock, validDays: 1 });
  const server = createSecureServer({
    clock: systemClock, serving: pairFor('default.example.com'), handler: (_request, response) => response.end(),
    tls: { minVersion: 'TLSv1.2', ciphers: ['ECDHE-ECDSA-AES128-GCM-SHA256'], sni: [{ pair: pairFor('own.example.com'), names: [] }, { pair: pairFor('wide.example.com'), names: ['*.wide.example.com'] }] },
  });
  t.after(() => server.close({ drainMs: 0 }));
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const { connect: connectTls } = await import('node:tls');
  const subjectFor = (servername: string, maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3'): Promise<string> => new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, servername, rejectUnauthorized: false, maxVersion }, () => {
      resolve(`${String(socket.getPeerCertificate().subject.CN)} ${maxVersion === 'TLSv1.2' ? socket.getCipher().name : ''}`.trim());
      socket.destroy();
    }).on('error', reject);
  });
  assert.deepEqual(
    [await subjectFor('other.example.com'), await subjectFor('own.example.com'), await subjectFor('a.wide.example.com'), await subjectFor('own.example.com', 'TLSv1.2')],
    ['default.example.com', 'own.example.com', 'wide.example.com', 'own.example.com ECDHE-ECDSA-AES128-GCM-SHA256'],
  );
});
