/** The proxy subresources, over HTTPS, to a server on this machine. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { RawData } from 'ws';
import { WebSocket, WebSocketServer } from 'ws';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { Pod } from '#api/core/pod.ts';
import { Service } from '#api/core/service.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

const podIp = '10.244.0.7';
const ns = '/api/v1/namespaces/default';
const backend = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.url === '/away') response.setHeader('location', '/elsewhere');
    response.writeHead(request.url === '/away' ? 302 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() }));
  });
});
let api: TestApiServer;

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

before(async () => {
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  const { port } = backend.address() as AddressInfo;
  new WebSocketServer({ server: backend }).on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${messageText(data)}`)));
  api = await startApiServer({ egress: (target) => (target.host === podIp && target.port === 8080 ? { host: '127.0.0.1', port } : { host: '127.0.0.1', port: 1 }) });
  await api.client.create(Pod, { metadata: { namespace: 'default', name: 'web' }, spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 8080 }] }] } });
  const pod = await api.client.get(Pod, { name: 'web', namespace: 'default' });
  await api.client.updateStatus(Pod, { ...pod, status: { ...pod.status, podIP: podIp, podIPs: [{ ip: podIp }] } });
  await api.client.create(Service, { metadata: { namespace: 'default', name: 'web' }, spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }, { name: 'other', port: 81 }] } });
  await api.client.create(EndpointSlice, {
    metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv4',
    endpoints: [{ addresses: [podIp], conditions: { ready: true } }, { addresses: ['10.244.0.8'], conditions: { ready: false } }], ports: [{ name: 'http', port: 8080 }],
  });
});
after(async () => {
  await api.close();
  backend.close();
  backend.closeAllConnections();
});

test('any method reaches the pod, with the rest of the path, the query and the body', async () => {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const answer = await api.request(method, `${ns}/pods/web/proxy/a/b%20c?d=e`, { ...(method !== 'GET' && method !== 'OPTIONS' && { body: 'anything' }), headers: { 'content-type': 'text/plain', accept: 'text/html', authorization: 'Basic eDp5' } });
    assert.equal(answer.code, 200, answer.text);
    const seen = answer.json<Seen>();
    assert.deepEqual([seen.method, seen.url, seen.body], [method, '/a/b%20c?d=e', method === 'GET' || method === 'OPTIONS' ? '' : 'anything']);
    assert.equal(seen.headers['authorization'], undefined);
    assert.equal(seen.headers['x-forwarded-uri'], `${ns}/pods/web/proxy/a/b%20c`);
  }
});

test('a service is reached by the name or number of its port, at an endpoint that is ready', async () => {
  for (const name of ['web:http', 'web:80', 'http:web:http']) {
    const answer = await api.request('GET', `${ns}/services/${name}/proxy/x`);
    assert.equal(answer.code, 200, answer.text);
    assert.equal(answer.json<Seen>().url, '/x');
  }
  assert.equal((await api.request('GET', `${ns}/services/web:other/proxy/`)).json()['message'], 'no endpoints available for service "web:other"');
  assert.equal((await api.request('GET', `${ns}/services/web:9/proxy/`)).code, 503);
  assert.equal((await api.request('GET', `${ns}/services/absent/proxy/`)).code, 404);
});

test('a path without an end is sent to one with, and redirects stay below the proxy', async () => {
  const bare = await api.request('GET', `${ns}/pods/web/proxy?a=b`);
  assert.deepEqual([bare.code, bare.headers['location']], [301, `${ns}/pods/web/proxy/?a=b`]);
  const away = await api.request('GET', `${ns}/pods/web/proxy/away`);
  assert.deepEqual([away.code, away.headers['location']], [302, `${ns}/pods/web/proxy/elsewhere`]);
});

test('a port where nobody listens is a 503', async () => {
  const refused = await api.request('GET', `${ns}/pods/web:99/proxy/`);
  assert.equal(refused.code, 503);
  assert.match(String(refused.json()['message']), /^error trying to reach service: /);
});

test('WebSockets pass', async () => {
  const { host, port, agent } = api.connection;
  const socket = new WebSocket(`wss://${host}:${port}${ns}/pods/web/proxy/socket`, { agent });
  const answer = await new Promise<string>((resolve, reject) => {
    socket.on('open', () => socket.send('hello'));
    socket.on('message', (data) => resolve(messageText(data)));
    socket.on('error', reject);
  });
  socket.close();
  assert.equal(answer, 'echo hello');
});

function messageText(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString() : '';
}
