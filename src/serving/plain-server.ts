import { createServer } from 'node:http';
import type { Clock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import type { Logger } from '#base/log.ts';
import { plainErrors, runHandler } from './answer-failure.ts';
import { Connections } from './connections.ts';
import type { Handler } from './exchange.ts';
import { listenOn } from './http-server.ts';
import type { HttpServer } from './http-server.ts';
import { Http1Request, Http1Response, upgradeExchange } from './http1-exchange.ts';

export interface PlainServerOptions {
  readonly handler: Handler;
  readonly clock: Clock;
  readonly log?: Logger;
}

/** HTTP/1.1 without TLS, for health checks on localhost (kubelet 10248, proxy 10256) and for tests. */
export function createPlainServer(options: PlainServerOptions): HttpServer {
  const run = runHandler.bind(undefined, { handler: options.handler, onError: plainErrors(options.log ?? silentLog) });
  const connections = new Connections(options.clock);
  const server = createServer({ keepAliveTimeout: 90_000, requestTimeout: 0, maxHeaderSize: 1 << 20 }, (incoming, outgoing) => {
    const response = new Http1Response(outgoing, connections.isClosing);
    run(new Http1Request(incoming, response), response);
  });
  server.on('connection', (socket) => connections.add(socket));
  server.on('upgrade', (incoming, socket, head) => {
    socket.on('error', () => {}); // the client went away; whoever uses the socket sees it close
    const { request, response } = upgradeExchange({ incoming, socket, head });
    run(request, response);
  });
  return {
    listen: (address) => listenOn(server, address),
    get closing() { return connections.closing; },
    get connectionCount() { return connections.count; },
    close: ({ drainMs }) => connections.close(server, {
      drainMs,
      closeIdle: () => server.closeIdleConnections(),
    }),
  };
}
