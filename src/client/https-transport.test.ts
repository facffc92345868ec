import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerHttp2Stream, ServerHttp2Session, IncomingHttpHeaders, Http2SecureServer } from 'node:http2';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { notFound, StatusError } from '#apimachinery/status-error.ts';
import { Pod } from '#api/core/pod.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import type { ConnectionConfig } from './connection.ts';
import { createClient } from './create-client.ts';
import { createHttpsTransport } from './https-transport.ts';

type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: string) => void;

const authority = createAuthority({ commonName: 'test-ca', clock: systemClock, validDays: 1 });
const serving = issueCertificate(authority, { commonName: 'server', dnsNames: ['api.test'], ipAddresses: ['127.0.0.1'], usages: ['server'], clock: systemClock, validDays: 1 });
const alice = issueCertificate(authority, { commonName: 'alice', usages: ['client'], clock: systemClock, validDays: 1 });

function json(stream: ServerHttp2Stream, status: number, body: object, headers: Record<string, string> = {}): void {
  stream.respond({ ':status': status, 'content-type': 'application/json', ...headers });
  stream.end(JSON.stringify(body));
}

async function withServer(answer: Answer, run: (config: ConnectionConfig, server: Http2SecureServer) => Promise<void>): Promise<void> {
  const server = createSecureServer({ cert: serving.certificatePem, key: serving.privateKeyPem, ca: authority.certificatePem, requestCert: true, rejectUnauthorized: false });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    let body = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => (body += chunk));
    stream.on('end', () => answer(stream, headers, body));
    stream.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await run({ server: `https://127.0.0.1:${port}`, ca: { pem: authority.certificatePem } }, server);
  } finally {
    for (const session of sessions) session.destroy();
    server.close();
  }
}

const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', resourceVersion: '5', uid: name }, spec: { containers: [] } });

test('objects and lists come out decoded and frozen', async () => {
  await withServer((stream, headers) => {
    if (headers[':path'] === '/api/v1/namespaces/default/pods/a') json(stream, 200, pod('a'));
    else json(stream, 200, { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '9' }, items: [pod('a'), pod('b')] });
  }, async (config) => {
    const transport = createHttpsTransport(config);
    const client = createClient(transport);
    const one = await client.get(Pod, { namespace: 'default', name: 'a' });
    assert.equal(one.metadata.name, 'a');
    assert.ok(Object.isFrozen(one.spec));
    const all = await client.list(Pod, { namespace: 'default', labelSelector: 'a=b,c' });
    assert.equal(all.metadata.resourceVersion, '9');
    assert.deepEqual(all.items.map((each) => each.kind), ['Pod', 'Pod']);
    await transport.close();
  });
});

test('a refusal is thrown as the Status the server sent', async () => {
  await withServer((stream) => json(stream, 404, notFound(Pod, 'a').toStatus()), async (config) => {
    const transport = createHttpsTransport(config);
    await assert.rejects(createClient(transport).get(Pod, { namespace: 'default', name: 'a' }), (error) => {
      assert.ok(error instanceof StatusError);
      assert.equal(error.reason, 'NotFound');
      assert.equal(error.message, 'pods "a" not found');
      return true;
    });
    await transport.close();
  });
});

test('query, body and content type are sent as Kubernetes has them', async () => {
  const seen: { path: string | undefined; type: string | undefined; body: string }[] = [];
  await withServer((stream, headers, body) => {
    seen.push({ path: headers[':path'], type: headers['content-type'], body });
    json(stream, 200, pod('a'));
  }, async (config) => {
    const transport = createHttpsTransport({ ...config, server: `${config.server}/k8s/` });
    const client = createClient(transport);
    await client.patch(Pod, { namespace: 'x', name: 'a' }, { type: 'strategic', patch: { metadata: {} } }, { subresource: 'status', fieldManager: 'me', dryRun: true });
    await client.delete(Pod, { namespace: 'x', name: 'a' }, { gracePeriodSeconds: 0, propagationPolicy: 'Foreground' });
    assert.deepEqual(seen[0], { path: '/k8s/api/v1/namespaces/x/pods/a/status?dryRun=All&fieldManager=me', type: 'application/strategic-merge-patch+json', body: '{"metadata":{}}' });
    assert.deepEqual(JSON.parse(seen[1]?.body ?? ''), { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, propagationPolicy: 'Foreground' });
    await transport.close();
  });
});

test('a watch yields whole events however they are cut, ends with the server, and throws on ERROR', async () => {
  const text = `${JSON.stringify({ type: 'ADDED', object: pod('a') })}\n${JSON.stringify({ type: 'BOOKMARK', object: { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion: '12' } } })}\n`;
  let expire = false;
  await withServer((stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    if (expire) {
      stream.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } })}\n`);
      return;
    }
    stream.write(text.slice(0, 30));
    setImmediate(() => stream.end(text.slice(30)));
  }, async (config) => {
    const transport = createHttpsTransport(config);
    const client = createClient(transport);
    const events: string[] = [];
    for await (const batch of client.watch(Pod, { resourceVersion: '1' })) for (const event of batch) events.push(`${event.type} ${event.object.metadata.resourceVersion}`);
    assert.deepEqual(events, ['ADDED 5', 'BOOKMARK 12']);
    expire = true;
    await assert.rejects(async () => {
      for await (const batch of client.watch(Pod)) assert.fail(JSON.stringify(batch));
    }, /too old/);
    await transport.close();
  });
});

test('aborting ends a watch quietly', async () => {
  await withServer((stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    stream.write(`${JSON.stringify({ type: 'ADDED', object: pod('a') })}\n`);
  }, async (config) => {
    const transport = createHttpsTransport(config);
    const stop = new AbortController();
    let batches = 0;
    for await (const batch of createClient(transport).watch(Pod, { signal: stop.signal })) {
      batches += batch.length;
      stop.abort();
    }
    assert.equal(batches, 1);
    await transport.close();
  });
});

test('the server sees the client certificate, or the token of the file', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'skiff-token-'));
  await writeFile(path.join(folder, 'token'), 'secret-token\n');
  await withServer((stream, headers) => {
    const socket = stream.session?.socket as TLSSocket;
    json(stream, 200, { kind: 'Seen', user: socket.getPeerCertificate().subject?.CN ?? '', auth: headers['authorization'] ?? '' });
  }, async (config) => {
    const byCertificate = createHttpsTransport({ ...config, certificate: { pem: alice.certificatePem }, key: { pem: alice.privateKeyPem } });
    assert.deepEqual(await byCertificate.request({ method: 'GET', path: '/' }), { kind: 'Seen', user: 'alice', auth: '' });
    const byToken = createHttpsTransport({ ...config, tokenFile: path.join(folder, 'token') });
    assert.deepEqual(await byToken.request({ method: 'GET', path: '/' }), { kind: 'Seen', user: '', auth: 'Bearer secret-token' });
    await byCertificate.close();
    await byToken.close();
  });
  await rm(folder, { recursive: true });
});

test('an exec plugin gives the token, and is asked again when the server refuses it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'skiff-exec-'));
  const script = path.join(folder, 'plugin.sh');
  await writeFile(script, `#!/bin/sh\necho x >> ${folder}/calls\nn=$(wc -l < ${folder}/calls)\necho "{\\"apiVersion\\":\\"client.authentication.k8s.io/v1\\",\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"t$n\\"}}"\n`, { mode: 0o755 });
  await withServer((stream, headers) => {
    if (headers['authorization'] === 'Bearer t1') json(stream, 401, { kind: 'Status', code: 401, reason: 'Unauthorized' });
    else json(stream, 200, { auth: headers['authorization'] });
  }, async (config) => {
    const transport = createHttpsTransport({ ...config, exec: { apiVersion: 'client.authentication.k8s.io/v1', command: script } });
    assert.deepEqual(await transport.request({ method: 'GET', path: '/' }), { auth: 'Bearer t2' });
    await transport.close();
  });
  await rm(folder, { recursive: true });
});

test('a server that is not trusted, or not there, is reported with the system\'s error', async () => {
  await withServer((stream) => json(stream, 200, {}), async (config, server) => {
    const untrusting = createHttpsTransport({ server: config.server });
    await assert.rejects(untrusting.request({ method: 'GET', path: '/' }), (error) => {
      assert.equal(((error as Error).cause as NodeJS.ErrnoException).code, 'SELF_SIGNED_CERT_IN_CHAIN');
      return true;
    });
    const named = createHttpsTransport({ ...config, tlsServerName: 'api.test' });
    await named.request({ method: 'GET', path: '/' });
    await named.close();
    const insecure = createHttpsTransport({ server: config.server, insecureSkipTlsVerify: true });
    await insecure.request({ method: 'GET', path: '/' });
    await insecure.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    const absent = createHttpsTransport(config);
    await assert.rejects(absent.request({ method: 'GET', path: '/' }), (error) => {
      assert.ok(error instanceof StatusError);
      assert.equal(error.code, 503);
      assert.equal((error.cause as NodeJS.ErrnoException).code, 'ECONNREFUSED');
      return true;
    });
  });
});

test('after the connection broke, the next request makes a new one', async () => {
  const sessions = new Set<ServerHttp2Session>();
  await withServer((stream) => {
    if (stream.session !== undefined) sessions.add(stream.session as ServerHttp2Session);
    json(stream, 200, {});
  }, async (config) => {
    const transport = createHttpsTransport(config);
    await transport.request({ method: 'GET', path: '/' });
    for (const session of sessions) session.destroy();
    // The client may hear of the break only when it tries.
    for (let attempt = 0; attempt < 5 && sessions.size < 2; attempt++) await transport.request({ method: 'GET', path: '/' }).catch(() => {});
    assert.equal(sessions.size, 2);
    await transport.close();
  });
});

test('"try again later" is obeyed', async () => {
  let asked = 0;
  await withServer((stream) => {
    if (++asked < 3) json(stream, 429, { kind: 'Status', code: 429 }, { 'retry-after': '0.001' });
    else json(stream, 200, { ok: true });
  }, async (config) => {
    const transport = createHttpsTransport(config);
    assert.deepEqual(await transport.request({ method: 'GET', path: '/' }), { ok: true });
    assert.equal(asked, 3);
    await transport.close();
  });
});
