import { createSecureServer as createNodeServer } from 'node:http2';
import type { Http2SecureServer, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { IncomingMessage, ServerResponse as NodeResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import type { Logger } from '#base/log.ts';
import { selfSignedServingPair } from '#pki/authority.ts';
import type { PemPair } from '#pki/authority.ts';
import { plainErrors, runHandler } from './answer-failure.ts';
import type { ErrorHandler } from './answer-failure.ts';
import { Connections } from './connections.ts';
import type { Handler } from './exchange.ts';
import { Http1Request, Http1Response, upgradeExchange } from './http1-exchange.ts';
import { listenOn } from './http-server.ts';
import type { HttpServer } from './http-server.ts';
import type { TlsSettings } from './tls-settings.ts';
import { sniNames, tlsChoices } from './tls-settings.ts';
import { Http2Request, Http2Response } from './http2-exchange.ts';

export interface SecureServerOptions {
  readonly handler: Handler;
  readonly clock: Clock;
  readonly log?: Logger;
  /** Answers for handlers that throw; by default a plain 500. */
  readonly onError?: ErrorHandler;
  /** The serving certificate; without one, the server signs one for itself (for `localhost`). */
  readonly serving?: PemPair;
  /** Authorities of client certificates. Without it clients are not asked for one. */
  readonly clientCaPem?: string;
  readonly tls?: TlsSettings | undefined;
  /** Default: as many connections as come. */
  readonly limit?: ConnectionLimit | undefined;
}

export interface ConnectionLimit {
  readonly connections: number;
  /** Answers the requests of connections beyond; those are closed then. Still more of them are cut without an answer. */
  readonly refuse: Handler;
}

export interface SecureServer extends HttpServer {
  /** How many connections were beyond the limit, up to now. */
  readonly refusedConnections: number;
  /** How many never came to be for an error in TLS, up to now. */
  readonly handshakeErrors: number;
  /** New connections are served with these; those that are open stay. */
  replaceCertificates(certificates: { readonly serving: PemPair; readonly clientCaPem?: string }): void;
}

/**
 * HTTP/1.1 and HTTP/2 on one TLS port; every request of either comes to one handler. A client certificate is asked
 * for but not demanded, and one that cannot be verified makes its bearer anonymous (`request.peer` says why).
 */
export function createSecureServer(options: SecureServerOptions): SecureServer {
  const log = options.log ?? silentLog;
  const onError = options.onError ?? plainErrors(log);
  const run = runHandler.bind(undefined, { handler: options.handler, onError });
  const refuse = runHandler.bind(undefined, { handler: options.limit?.refuse ?? options.handler, onError });
  const connections = new Connections(options.clock, options.limit?.connections);
  const { tls = {} } = options;
  const server = createNodeServer({
    ...limits,
    ...tlsChoices(tls),
    settings: { ...limits.settings, ...(tls.maxStreams !== undefined && { maxConcurrentStreams: tls.maxStreams }) },
    ...tlsOptions(options.serving ?? ownPair(options.clock), options.clientCaPem),
    allowHTTP1: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 180_000,
  });
  for (const each of tls.sni ?? []) for (const name of sniNames(each)) server.addContext(name, { ...tlsOptions(each.pair, options.clientCaPem), ...tlsChoices(tls) });
  server.on('connection', (socket: Socket) => connections.add(socket));
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol !== 'h2') connections.judge(socket);
  });
  server.on('request', (incoming: IncomingMessage, outgoing: NodeResponse) => {
    const isSurplus = connections.isSurplus(incoming.socket);
    const response = new Http1Response(outgoing, isSurplus ? () => true : connections.isClosing);
    (isSurplus ? refuse : run)(new Http1Request(incoming, response), response);
  });
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {}); // the client went away; whoever uses the socket sees it close
    const { request, response } = upgradeExchange({ incoming, socket, head });
    (connections.isSurplus(socket) ? refuse : run)(request, response);
  });
  // A listener for 'request' makes Node wrap each HTTP/2 stream in its own request and response classes too, a third of
  // the cost of a small answer. Streams are served directly instead.
  server.removeAllListeners('stream');
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {}); // the response closes as well, which is where it is seen
    const response = new Http2Response(stream);
    const request = new Http2Request(stream, headers, response);
    if (!connections.isSurplus(stream.session)) return run(request, response);
    refuse(request, response);
    stream.session?.close();
  });
  server.on('session', (session: ServerHttp2Session) => {
    session.on('error', (error) => log.debug({ error }, 'HTTP/2 connection broke'));
    connections.judge(session);
    connections.addSession(session);
  });
  let handshakeErrors = 0;
  server.on('tlsClientError', (error) => {
    handshakeErrors++;
    log.debug({ error }, 'TLS handshake failed');
  });
  return {
    listen: (address) => listenOn(server, address),
    get closing() { return connections.closing; },
    get connectionCount() { return connections.count; },
    get refusedConnections() { return connections.refused; },
    get handshakeErrors() { return handshakeErrors; },
    replaceCertificates: ({ serving, clientCaPem }) => server.setSecureContext(tlsOptions(serving, clientCaPem)),
    close: ({ drainMs }) => connections.close(server, {
      drainMs,
      closeIdle: () => closeIdleConnections(server),
    }),
  };
}

/** Bounds of a connection: those of the original's API server where it has them. */
const limits = {
  minVersion: 'TLSv1.2',
  ALPNProtocols: ['h2', 'http/1.1'],
  handshakeTimeout: 10_000,
  /** As Go's: exec puts whole commands into the query. */
  maxHeaderSize: 1 << 20,
  http1Options: { keepAliveTimeout: 90_000 },
  headersTimeout: 32_000,
  /** 0: a request body may be a stream that lasts (attach, port-forward); handlers have deadlines of their own. */
  requestTimeout: 0,
  /** MiB that one connection may hold, hundreds of watches included. */
  maxSessionMemory: 256,
  settings: { maxConcurrentStreams: 1000, initialWindowSize: 256 * 1024 },
} as const;

function tlsOptions(serving: PemPair, clientCaPem: string | undefined) {
  return {
    cert: serving.certificatePem,
    key: serving.privateKeyPem,
    ...(clientCaPem === undefined ? {} : { ca: clientCaPem }),
    requestCert: clientCaPem !== undefined,
    rejectUnauthorized: false,
  };
}

function ownPair(clock: Clock): PemPair {
  return selfSignedServingPair({ commonName: 'localhost', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '::1'], clock });
}

/** Node has this on the HTTP/2 server as well (for its HTTP/1.1 connections), though its types do not say so. */
function closeIdleConnections(server: Http2SecureServer): void {
  if ('closeIdleConnections' in server && typeof server.closeIdleConnections === 'function') server.closeIdleConnections();
}
