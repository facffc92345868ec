import assert from 'node:assert/strict';
import { createServer as createHttp2Server } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { networkProber } from './network-prober.ts';

const prober = networkProber({ clock: systemClock });

async function listening<T>(server: Server, run: (port: number) => Promise<T>): Promise<T> {
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    return await run((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

const target = { host: '127.0.0.1', timeoutMs: 2000 };
const http = (port: number, path: string, more: object = {}) => prober.http({ ...target, port, path, scheme: 'http', headers: [], ...more });

test('an HTTP probe goes by the status, follows redirects on the same host, and sends what it is told', () =>
  listening(createServer((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/fine' });
    else if (request.url === '/away') response.writeHead(302, { location: 'http://example.com/' });
    else if (request.url === '/named') response.writeHead(request.headers['x-who'] === 'me' && request.headers['user-agent']?.startsWith('kube-probe/') === true ? 200 : 400);
    else response.writeHead(request.url === '/fine' ? 204 : 503);
    response.end('text');
  }), async (port) => {
    assert.equal((await http(port, '/fine')).result, 'success');
    assert.equal((await http(port, '/moved')).result, 'success');
    assert.equal((await http(port, '/away')).result, 'success');
    assert.equal((await http(port, 'named', { headers: [{ name: 'X-Who', value: 'me' }] })).result, 'success');
    assert.deepEqual(await http(port, '/bad'), { result: 'failure', output: 'HTTP probe failed with statuscode: 503' });
  }));

test('silence and closed ports fail with the words everybody knows', async () => {
  const port = await listening(createTcpServer(() => {}), async (open) => {
    assert.match((await http(open, '/', { timeoutMs: 50 })).output, /context deadline exceeded/);
    assert.equal((await prober.tcp({ ...target, port: open })).result, 'success');
    return open;
  });
  assert.equal((await prober.tcp({ ...target, port })).output, `dial tcp 127.0.0.1:${port}: connect: connection refused`);
  assert.equal((await http(port, '/x')).output, `Get "http://127.0.0.1:${port}/x": dial tcp 127.0.0.1:${port}: connect: connection refused`);
  assert.match((await prober.grpc({ ...target, port, service: '' })).output, /failed to connect service/);
});

test('a gRPC probe asks the health service', () => {
  const server = createHttp2Server();
  server.on('stream', (stream: ServerHttp2Stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const service = Buffer.concat(chunks).subarray(7).toString();
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers(service === 'none' ? { 'grpc-status': '5', 'grpc-message': 'unknown%20service' } : { 'grpc-status': '0' }));
      if (service === 'none') stream.end();
      else stream.end(Buffer.from([0, 0, 0, 0, 2, 8, service === 'ill' ? 2 : 1]));
    });
  });
  return listening(server as unknown as Server, async (port) => {
    const ask = (service: string) => prober.grpc({ ...target, port, service });
    assert.equal((await ask('')).result, 'success');
    assert.deepEqual(await ask('ill'), { result: 'failure', output: 'service unhealthy (responded with "NOT_SERVING")' });
    assert.deepEqual(await ask('none'), { result: 'failure', output: 'error: health rpc probe failed: unknown service' });
  });
});
