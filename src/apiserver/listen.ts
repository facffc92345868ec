/** The HTTPS port of the API server: TLS, who is believed to be whom, and what is refused before anybody is asked. */
import type { ServerRequest, ServerResponse } from '#serving/exchange.ts';
import { connectionLimit } from '#serving/connection-limit.ts';
import type { SecureServer } from '#serving/secure-server.ts';
import { createSecureServer } from '#serving/secure-server.ts';
import type { ApiServerOptions, ListenOptions } from './api-server-options.ts';
import { anonymousWhere } from './authn/anonymous.ts';
import type { Authenticator } from './authn/authenticate.ts';
import { clientCertificates } from './authn/authenticate.ts';
import { trustOf } from './authn/certificate-trust.ts';
import type { RequestHeaderOptions } from './authn/request-headers.ts';
import { requestHeaders, usualRequestHeaders } from './authn/request-headers.ts';
import { tooManyConnections } from './request/connection-bound.ts';
import { answerEarly, asksForHealth } from './request/early-answer.ts';
import type { HttpFaceOptions } from './request/http-face.ts';
import { httpFace } from './request/http-face.ts';
import { answerStopping } from './request/stopping.ts';

export interface ListenDependencies extends Omit<HttpFaceOptions, 'authenticators' | 'audit' | 'compresses'>, Pick<ApiServerOptions, 'anonymous' | 'audit' | 'features' | 'frontProxy'> {
  /** For tokens and whatever else comes with a request; certificates are asked for before. */
  readonly authenticators: readonly Authenticator[];
  /** Told until when each client certificate holds that is believed. */
  readonly certificateShown: (notAfterMs: number) => void;
  /** The server is about to stop: requests are told to come again. */
  readonly isRefusing: () => boolean;
}

export interface OpenPort {
  readonly port: number;
  readonly server: SecureServer;
  /** Whose word on who asks is taken; undefined: nobody's. */
  readonly proxies: RequestHeaderOptions | undefined;
  /** Of all client certificates. */
  readonly trustedPem: string;
}

/** Opens the port. Resolves when requests are answered; rejects when the address is taken. */
export async function openPort(dependencies: ListenDependencies, options: ListenOptions): Promise<OpenPort> {
  const { frontProxy, anonymous, authenticators, features, isRefusing, clock, random, log } = dependencies;
  const { host, port, serving, clientCaPem, tls, corsAllowedOrigins = [], goawayChance = 0, maxConnections = connectionLimit() } = options;
  const proxies = frontProxy && (frontProxy.requestHeaders ?? usualRequestHeaders(frontProxy.caPem));
  const trustedPem = proxies === undefined ? clientCaPem : `${clientCaPem}\n${proxies.caPem}`;
  const face = httpFace({
    ...dependencies,
    authenticators: [
      ...(proxies === undefined ? [] : [requestHeaders(proxies, trustOf(proxies.caPem))]),
      clientCertificates({ trust: proxies === undefined ? undefined : trustOf(clientCaPem), shown: dependencies.certificateShown }),
      ...authenticators,
      ...(anonymous === undefined ? [] : [anonymousWhere(anonymous)]),
    ],
    compresses: features?.isOn('APIResponseCompression'),
  });
  const cors = corsAllowedOrigins.length === 0 ? undefined : (await import('./request/cors.ts')).corsRule(corsAllowedOrigins);
  const handler = async (request: ServerRequest, response: ServerResponse): Promise<void> => {
    if (cors?.(request, response) === true) return;
    if (goawayChance > 0 && request.protocol === 'HTTP/2.0' && random.next() < goawayChance) response.leaveConnection();
    if (isRefusing() && answerStopping(request, response)) return;
    await face(request, response);
  };
  const refuse = (request: ServerRequest, response: ServerResponse): Promise<void> | void => (asksForHealth(request) ? face(request, response) : answerEarly(request, response, tooManyConnections(maxConnections)));
  const server = createSecureServer({ clock, log, serving, clientCaPem: trustedPem, tls, handler, limit: { connections: maxConnections, refuse } });
  return { ...(await server.listen({ host, port })), server, proxies, trustedPem };
}
