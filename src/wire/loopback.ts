import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { UpgradeError } from './upgrade/upgrade-request.ts';
import type { UpgradeRequest } from './upgrade/upgrade-request.ts';

/** For this folder's tests: a plain HTTP server on localhost that hands upgrades to `onUpgrade`. */
export async function loopbackServer(
  t: TestContext,
  onUpgrade: (request: UpgradeRequest, path: URL) => Promise<unknown>,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => response.writeHead(404).end(),
): Promise<string> {
  const server = createServer(onRequest);
  server.on('upgrade', (incoming, socket, head) => {
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    const request: UpgradeRequest = {
      method: incoming.method ?? '',
      headers: incoming.headers,
      upgrade: { protocol: (incoming.headers.upgrade ?? '').toLowerCase(), accept: () => ({ socket, head, incoming }) },
    };
    onUpgrade(request, new URL(incoming.url ?? '/', 'http://localhost')).catch((error: unknown) => {
      const status = error instanceof UpgradeError ? error.status : 500;
      if (socket.writable) socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\n\r\n${error instanceof Error ? error.message : ''}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
