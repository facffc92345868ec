/** How much of the server clients may take: watches and connections, against lowered limits. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http2';
import https from 'node:https';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { SimulatedClock, systemClock } from '#base/clock.ts';
import { staticTokens } from '#apiserver/authn/authenticate.ts';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

interface Opened {
  readonly code: number;
  readonly retryAfter: string | undefined;
  /** Of a refusal. */
  readonly status: { readonly reason?: string; readonly message?: string; readonly details?: object };
  close(): void;
}

const users = new Map(['ann', 'bob'].map((name) => [name, { name, groups: ['readers', 'system:authenticated'] }]));

async function start(t: TestContext, options: Parameters<typeof startApiServer>[0]): Promise<TestApiServer> {
  const api = await startApiServer({ authenticators: [staticTokens(users)], ...options });
  t.after(() => api.close());
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'readers' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }, subjects: [{ kind: 'Group', name: 'readers', apiGroup: 'rbac.authorization.k8s.io' }] };
  assert.equal((await api.request('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', { body: role })).code, 201);
  return api;
}

/** Opens a watch; resolves when it has begun or is refused. */
async function watch({ connection: { host, port, agent } }: TestApiServer, user?: string): Promise<Opened> {
  const { ca } = agent.options;
  const headers = user === undefined ? {} : { authorization: `Bearer ${user}` };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = https.get({ host, port, path: '/api/v1/configmaps?watch=true', headers, agent: user === undefined ? agent : new https.Agent({ ...(ca !== undefined && { ca }) }) }, resolve);
    asked.on('error', reject);
  });
  const code = response.statusCode ?? 0;
  const status = code === 200 ? {} : (JSON.parse(Buffer.concat(await response.toArray() as Buffer[]).toString()) as Opened['status']);
  return { code, retryAfter: response.headers['retry-after'], status, close: () => void response.destroy() };
}

async function metric(api: TestApiServer, line: RegExp): Promise<string | undefined> {
  return line.exec((await api.request('GET', '/metrics')).text)?.[1];
}

test('a user who has too many watches open is refused the next, and others are not', async (t) => {
  const api = await start(t, { watchLimits: { total: 100, perUser: 3 } });
  const open = [await watch(api, 'ann'), await watch(api, 'ann'), await watch(api, 'ann')];
  assert.deepEqual(open.map(({ code }) => code), [200, 200, 200]);
  const refused = await watch(api, 'ann');
  assert.deepEqual([refused.code, refused.retryAfter, refused.status.reason, refused.status.message, refused.status.details], [429, '5', 'TooManyRequests', 'user "ann" has 3 watches open, which is the limit', { retryAfterSeconds: 5 }]);
  assert.equal((await api.request('GET', '/api/v1/configmaps', { anonymous: true, headers: { authorization: 'Bearer ann' } })).code, 200, 'only watches are limited');
  const other = await watch(api, 'bob');
  assert.equal(other.code, 200);
  assert.equal(await metric(api, /^skiff_apiserver_watches (\d+)$/m), '4');
  assert.equal(await metric(api, /^apiserver_longrunning_requests\{verb="WATCH",group="",version="v1",resource="configmaps",.* (\d+)$/m), '4');
  assert.equal(await metric(api, /^skiff_apiserver_watches_refused_total\{limit="user"\} (\d+)$/m), '1');
  open[0]?.close();
  let again = await watch(api, 'ann');
  while (again.code === 429) again = await watch(api, 'ann');
  assert.equal(again.code, 200, 'whoever ends one may open another');
  for (const each of [...open, other, again]) each.close();
  while ((await metric(api, /^skiff_apiserver_watches (\d+)$/m)) !== '0');
});

test('when many users have all watches that a server bears, administrators still get in', async (t) => {
  const api = await start(t, { watchLimits: { total: 4, perUser: 3 } });
  const open = [await watch(api, 'ann'), await watch(api, 'ann'), await watch(api, 'bob'), await watch(api, 'bob')];
  const refused = await watch(api, 'bob');
  assert.deepEqual([refused.code, refused.status.reason, refused.status.message], [429, 'TooManyRequests', '4 watches are open, which is the limit of this server']);
  const admin = await watch(api);
  assert.equal(admin.code, 200);
  for (const each of [...open, admin]) each.close();
});

test('a watch that is refused for what it asks takes no place', async (t) => {
  const api = await start(t, { watchLimits: { total: 10, perUser: 1 } });
  for (let count = 0; count < 3; count++) assert.equal((await api.request('GET', '/api/v1/configmaps?watch=true&resourceVersionMatch=Exact')).code, 422);
  const open = await watch(api);
  assert.equal(open.code, 200);
  open.close();
});

test('a watch that nobody reads is cut off after a minute', async (t) => {
  const clock = new SimulatedClock(systemClock.nowMs());
  const api = await start(t, { clock });
  const { host, port, agent } = api.connection;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    https.get({ host, port, path: '/api/v1/configmaps?watch=true', agent }, resolve).on('error', reject);
  });
  const body = { metadata: { generateName: 'large-' }, data: { text: 'x'.repeat(1_000_000) } };
  // More than what sockets buffer on the way.
  for (let count = 0; count < 12; count++) assert.equal((await api.request('POST', '/api/v1/namespaces/default/configmaps', { body })).code, 201);
  assert.equal(await metric(api, /^skiff_apiserver_watches (\d+)$/m), '1');
  await clock.advance(61_000);
  while ((await metric(api, /^skiff_apiserver_watches (\d+)$/m)) !== '0');
  await assert.rejects(response.toArray(), /aborted/);
});

test('a list that nobody reads is cut off after a minute, and gives its seats back', async (t) => {
  const clock = new SimulatedClock(systemClock.nowMs());
  const api = await start(t, { clock });
  const body = { metadata: { generateName: 'large-' }, data: { text: 'x'.repeat(1_000_000) } };
  for (let count = 0; count < 12; count++) assert.equal((await api.request('POST', '/api/v1/namespaces/default/configmaps', { body })).code, 201);
  const { host, port, agent } = api.connection;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    https.get({ host, port, path: '/api/v1/configmaps', agent: new https.Agent({ ...(agent.options.ca !== undefined && { ca: agent.options.ca }) }), headers: { authorization: 'Bearer ann' } }, resolve).on('error', reject);
  });
  const executing = /^apiserver_flowcontrol_current_executing_requests\{.*flow_schema="global-default"\} (\d+)$/m;
  assert.equal(await metric(api, executing), '1');
  await clock.advance(61_000);
  while ((await metric(api, executing)) !== '0');
  await assert.rejects(response.toArray(), /aborted/);
});

interface Answer {
  readonly code: number;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly text: string;
}

/** A request over HTTP/1.1 and a connection of its own, which is not kept. */
async function askOnce({ connection: { host, port, agent } }: TestApiServer, path: string): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    https.get({ ...agent.options, host, port, path, agent: false }, resolve).on('error', reject);
  });
  return { code: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(await response.toArray() as Buffer[]).toString() };
}

/** The same over HTTP/2; resolves when the server has closed the connection. */
async function askOverHttp2({ connection: { host, port, agent } }: TestApiServer, path: string): Promise<Answer> {
  const { ca, cert, key } = agent.options;
  const session = connect(`https://${host}:${port}`, { ca, cert, key });
  const stream = session.request({ ':path': path });
  let headers: IncomingHttpHeaders = {};
  stream.on('response', (given) => (headers = given));
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  await new Promise<void>((resolve) => {
    if (session.destroyed) resolve();
    else session.once('close', resolve);
  });
  return { code: Number(headers[':status']), headers, text };
}

function idle({ connection: { host, port, agent } }: TestApiServer): Promise<Socket> {
  const { ca } = agent.options;
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port, ca, ALPNProtocols: ['http/1.1'] }, () => resolve(socket)).on('error', reject);
  });
}

test('a connection beyond the limit is told to come again, and closed', async (t) => {
  const limit = 5;
  const api = await start(t, { maxConnections: limit });
  const open: Socket[] = [];
  while (open.length < limit) open.push(await idle(api));
  const refused = [await askOnce(api, '/api/v1/pods'), await askOverHttp2(api, '/api/v1/pods')];
  for (const { code, headers, text } of refused) {
    assert.deepEqual([code, headers['retry-after']], [503, '5']);
    const { reason, message, details } = JSON.parse(text) as Opened['status'];
    assert.deepEqual([reason, message, details], ['ServiceUnavailable', '5 connections are open, which is the limit of this server: please try again later', { retryAfterSeconds: 5 }]);
  }
  assert.equal(refused[0]?.headers.connection, 'close');
  assert.equal((await askOnce(api, '/readyz')).code, 200, 'health is told whatever the load');
  // A few more are taken to be told so; all others are cut.
  await assert.rejects(async () => {
    while (open.length < 10 * limit) open.push(await idle(api));
  });
  assert.ok(open.length > 2 * limit);
  for (const each of open) each.destroy();
  const code = (): Promise<number> => askOnce(api, '/api/v1/pods').then((answer) => answer.code, () => 0);
  while ((await code()) !== 200);
  assert.ok(Number(await metric(api, /^skiff_apiserver_connections_refused_total (\d+)$/m)) >= 5);
  assert.equal(await metric(api, /^skiff_apiserver_connections (\d+)$/m), '1');
});
