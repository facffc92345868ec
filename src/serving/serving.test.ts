import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { request as requestHttp1, Agent } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { systemClock } from '#base/clock.ts';
import { createAuthority, issueCertificate, selfSignedServingPair } from '#pki/authority.ts';
import type { Handler } from './exchange.ts';
import { readBody } from './read-body.ts';
import { createSecureServer } from './secure-server.ts';
import type { SecureServer, SecureServerOptions } from './secure-server.ts';

interface Answer { status: number; headers: IncomingHttpHeaders; text: string }
interface Ask { path?: string; method?: string; headers?: Record<string, string>; body?: string; cert?: string; key?: string }
interface Client { readonly name: string; ask(what: Ask): Promise<Answer> }

const authority = createAuthority({ commonName: 'ca', clock: systemClock, validDays: 1 });
const serving = selfSignedServingPair({ commonName: 'localhost', dnsNames: ['localhost'], clock: systemClock });

/** A server and a client of each protocol; everything closes with the test. */
async function serve(t: TestContext, handler: Handler, more: Partial<SecureServerOptions> = {}): Promise<{ server: SecureServer; port: number; clients: Client[] }> {
  const server = createSecureServer({ handler, clock: systemClock, serving, clientCaPem: authority.certificatePem, ...more });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => server.close({ drainMs: 0 }));
  return { server, port, clients: [http1Client(port), http2Client(port)] };
}

function http1Client(port: number): Client {
  return {
    name: 'HTTP/1.1',
    async ask({ path = '/', method = 'GET', headers = {}, body, cert, key }) {
      const agent = new Agent({ keepAlive: false });
      const request = requestHttp1({ host: '127.0.0.1', port, path, method, headers, cert, key, agent, rejectUnauthorized: false });
      request.on('error', () => {});
      request.end(body);
      const [response] = await once(request, 'response') as [IncomingMessage];
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
      return { status: response.statusCode ?? 0, headers: response.headers, text };
    },
  };
}

function http2Client(port: number): Client {
  return {
    name: 'HTTP/2',
    async ask({ path = '/', method = 'GET', headers = {}, body, ...tls }) {
      const session = openSession(port, tls);
      try {
        const stream = session.request({ ':path': path, ':method': method, ...headers });
        stream.on('error', () => {});
        stream.end(body);
        const [received] = await once(stream, 'response') as [IncomingHttpHeaders];
        let text = '';
        for await (const chunk of stream.setEncoding('utf8')) text += String(chunk);
        return { status: Number(received[':status']), headers: received, text };
      } finally {
        session.close();
      }
    },
  };
}

function openSession(port: number, tls: Pick<Ask, 'cert' | 'key'> = {}): ClientHttp2Session {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ...tls, rejectUnauthorized: false });
  session.on('error', () => {});
  return session;
}

test('both protocols bring the same request to the same handler', async (t) => {
  const { clients } = await serve(t, async (request, response) => {
    const body = await readBody(request, { limitBytes: 100, tooLarge: () => new Error('too large') });
    response.writeHead(201, { 'content-type': 'text/plain', warning: ['299 - "a"', '299 - "b"'] });
    response.end([Buffer.from(`${request.protocol} ${request.method} ${request.path} ${request.query} `), Buffer.from(`${String(request.headers['x-a'])} `), body]);
  });
  for (const client of clients) {
    const answer = await client.ask({ path: '/a%2Fb?c=d', method: 'POST', headers: { 'x-a': '1' }, body: 'hello' });
    assert.equal(answer.status, 201);
    assert.equal(answer.text, `${client.name === 'HTTP/2' ? 'HTTP/2.0' : 'HTTP/1.1'} POST /a%2Fb c=d 1 hello`);
    assert.equal(answer.headers['content-length'], String(answer.text.length));
    assert.match(String(answer.headers['warning']), /299 - "a", 299 - "b"/);
  }
});

test('HEAD and 204 answers carry no body', async (t) => {
  const { clients } = await serve(t, (request, response) => {
    response.writeHead(request.method === 'HEAD' ? 200 : 204);
    response.end(request.method === 'HEAD' ? Buffer.from('unseen') : []);
  });
  for (const client of clients) {
    assert.partialDeepStrictEqual(await client.ask({ method: 'HEAD' }), { status: 200, text: '', headers: { 'content-length': '6' } });
    assert.partialDeepStrictEqual(await client.ask({ method: 'DELETE' }), { status: 204, text: '' });
  }
});

test('a verified client certificate names its bearer; one of a stranger leaves him anonymous, with the reason', async (t) => {
  const { clients } = await serve(t, ({ peer }, response) => {
    response.end(Buffer.from(peer.kind === 'verified' ? `${peer.identity.commonName} ${peer.identity.organizations.join()}` : JSON.stringify(peer)));
  });
  const certificate = { commonName: 'alice', organizations: ['dev', 'ops'], usages: ['client'], clock: systemClock, validDays: 1 } as const;
  const known = issueCertificate(authority, certificate);
  const stranger = issueCertificate(createAuthority({ commonName: 'ca', clock: systemClock, validDays: 1 }), certificate);
  const serverOnly = issueCertificate(authority, { ...certificate, usages: ['server'] });
  for (const client of clients) {
    const ask = async (pair?: typeof known) => (await client.ask(pair === undefined ? {} : { cert: pair.certificatePem, key: pair.privateKeyPem })).text;
    assert.equal(await ask(), '{"kind":"none"}');
    assert.equal(await ask(known), 'alice dev,ops');
    assert.match(await ask(stranger), /"kind":"rejected","reason":".+"/);
    assert.match(await ask(serverOnly), /"kind":"rejected","reason":"INVALID_PURPOSE"/);
  }
});

test('a body over the limit ends in the error the caller chose', async (t) => {
  const { clients } = await serve(t, async (request, response) => {
    await readBody(request, { limitBytes: 10, tooLarge: (limitBytes) => new RangeError(`limit is ${limitBytes}`) });
    response.end();
  }, {
    onError(error, _request, response) {
      response.writeHead(413);
      response.end(Buffer.from(String(error)));
    },
  });
  for (const client of clients) {
    assert.partialDeepStrictEqual(await client.ask({ method: 'POST', body: 'x'.repeat(10) }), { status: 200 });
    assert.partialDeepStrictEqual(await client.ask({ method: 'POST', body: 'x'.repeat(11) }), { status: 413, text: 'RangeError: limit is 10' });
    assert.partialDeepStrictEqual(await client.ask({ method: 'POST', body: 'x'.repeat(400_000), headers: { 'transfer-encoding': 'chunked' } }).catch(() => ({ status: 413 })), { status: 413 });
  }
});

test('a body that breaks off is an error to whoever reads it', async (t) => {
  const read = Promise.withResolvers<unknown>();
  const { port } = await serve(t, (request) => {
    readBody(request, { limitBytes: 100, tooLarge: () => new Error('too large') }).then(read.resolve, read.reject);
  });
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  socket.write('POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhalf', () => socket.destroy());
  await assert.rejects(read.promise);
});

test('an error after the head breaks the answer off instead of completing it', async (t) => {
  const { clients } = await serve(t, async (_request, response) => {
    await response.write(Buffer.from('half'));
    throw new Error('disk on fire');
  });
  for (const client of clients) await assert.rejects(client.ask({}));
});

test('a throw before the head is answered with 500 and no cause', async (t) => {
  const { clients } = await serve(t, () => { throw new Error('secret'); });
  for (const client of clients) assert.partialDeepStrictEqual(await client.ask({}), { status: 500, text: 'internal server error\n' });
});

test('a long answer arrives piece by piece, and its signal aborts when the client leaves', async (t) => {
  const aborted = Promise.withResolvers<void>();
  const { port } = await serve(t, async (request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flush();
    request.signal.addEventListener('abort', () => aborted.resolve());
    await response.write([Buffer.from('one'), Buffer.from('\n')]);
  });
  const session = openSession(port);
  const stream = session.request({ ':path': '/watch' });
  stream.on('error', () => {});
  const [chunk] = await once(stream, 'data') as [Buffer];
  assert.equal(chunk.toString(), 'one\n');
  stream.destroy();
  await aborted.promise;
  session.close();
});

test('a body of several MiB given at once arrives whole, with its length', async (t) => {
  const body = Buffer.alloc(3_000_001, 'abcdefg');
  const completed: boolean[] = [];
  const { clients } = await serve(t, (_, response) => {
    response.onClose((isComplete) => completed.push(isComplete));
    response.end(body);
  });
  for (const client of clients) {
    const answer = await client.ask({});
    assert.equal(answer.headers['content-length'], String(body.length), client.name);
    assert.equal(answer.text === body.toString(), true, client.name);
  }
  assert.deepEqual(completed, [true, true]);
});

test('parts of a body, small and large ones in turn, arrive in order; many may be sent the same bytes', async (t) => {
  const shared = Buffer.from('the same for all;');
  const large = Buffer.alloc(100_000, 'x');
  const { clients } = await serve(t, (_request, response) => {
    for (const part of [shared, [], large, [Buffer.from('of two '), Buffer.from('pieces;')], shared]) void response.write(part);
    response.end(Buffer.from('end'));
  });
  const expected = `the same for all;${large.toString()}of two pieces;the same for all;end`;
  for (const client of clients) {
    const [first, second] = await Promise.all([client.ask({}), client.ask({})]);
    for (const { text } of [first, second]) assert.equal(text.replaceAll(/x+/g, (found) => `<${found.length}>`), expected.replaceAll(/x+/g, (found) => `<${found.length}>`), client.name);
    assert.equal((await client.ask({ method: 'HEAD' })).text, '');
  }
});

test('a slow reader is seen: write returns a promise that resolves when there is room', async (t) => {
  const piece = Buffer.alloc(1 << 20, 'x');
  let waits = 0;
  const { clients } = await serve(t, async (_request, response) => {
    for (let index = 0; index < 8; index++) {
      const room = response.write(piece);
      if (room !== undefined) waits++;
      await room;
    }
    response.end();
  });
  for (const client of clients) {
    waits = 0;
    assert.equal((await client.ask({})).text.length, 8 << 20);
    assert.ok(waits > 0);
  }
});

test('closing lets the running request finish, sends GOAWAY, and cuts what does not end in time', async (t) => {
  const release = Promise.withResolvers<void>();
  const { server, port } = await serve(t, async (request, response) => {
    response.flush();
    if (request.path === '/quick') await release.promise;
    else await new Promise(() => {});
    response.end(Buffer.from('done'));
  });
  const session = openSession(port);
  const quick = session.request({ ':path': '/quick' });
  let text = '';
  quick.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; });
  const stuck = session.request({ ':path': '/stuck' });
  stuck.on('error', () => {});
  await Promise.all([once(quick, 'response'), once(stuck, 'response')]);
  const goaway = once(session, 'goaway');
  const stuckGone = once(stuck, 'close');
  const closed = server.close({ drainMs: 200 });
  assert.ok(server.closing.aborted);
  await goaway;
  release.resolve();
  await once(quick, 'end');
  assert.equal(text, 'done');
  await Promise.all([closed, stuckGone]);
  assert.equal(server.connectionCount, 0);
});

test('a request to upgrade is a request: refused like any other, or accepted with the bare connection', async (t) => {
  const { port } = await serve(t, (request, response) => {
    if (request.upgrade === undefined || request.path === '/no') {
      response.writeHead(403, { 'content-type': 'text/plain' });
      response.end(Buffer.from('no'));
      return;
    }
    const { socket, head } = request.upgrade.accept();
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: ${request.upgrade.protocol}\r\nconnection: upgrade\r\n\r\n`);
    socket.write(head);
    socket.pipe(socket);
  });
  const converse = async (path: string, until: RegExp, more: string): Promise<string> => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n\r\nearly`);
    let text = '';
    for await (const chunk of socket.setEncoding('utf8')) {
      text += String(chunk);
      if (text.endsWith('early')) socket.write(more);
      if (until.test(text)) break;
    }
    socket.destroy();
    return text;
  };
  assert.match(await converse('/yes', /later$/, 'later'), /^HTTP\/1.1 101 [^]*upgrade: spdy\/3.1[^]*\r\n\r\nearlylater$/i);
  assert.match(await converse('/no', /no$/, ''), /^HTTP\/1.1 403 [^]*connection: close[^]*\r\n\r\nno$/i);
});

test('new certificates serve new connections', async (t) => {
  const { server, port } = await serve(t, (_request, response) => response.end());
  const shown = async (): Promise<string> => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const before = await shown();
  server.replaceCertificates({ serving: selfSignedServingPair({ commonName: 'localhost', clock: systemClock }) });
  assert.notEqual(await shown(), before);
});

test('a port in use is an error to whoever listens', async (t) => {
  const { port } = await serve(t, () => {});
  const second = createSecureServer({ handler: () => {}, clock: systemClock });
  await assert.rejects(second.listen({ host: '127.0.0.1', port }), /EADDRINUSE/);
});
