/** What clients and operators are told of the bound on open connections, which is Skiff's own. */
import { StatusError } from '#apimachinery/status-error.ts';
import type { SecureServer } from '#serving/secure-server.ts';
import { gaugeText } from '../metrics/series.ts';

const retryAfterSeconds = 5;

/** For the requests of a connection that is one too many. */
export function tooManyConnections(limit: number): StatusError {
  return new StatusError(503, 'ServiceUnavailable', `${limit} connections are open, which is the limit of this server: please try again later`, { retryAfterSeconds });
}

/** For the metrics; empty while the server does not listen. */
export function connectionText(server: Pick<SecureServer, 'connectionCount' | 'refusedConnections' | 'handshakeErrors'> | undefined): string {
  if (server === undefined) return '';
  return [
    gaugeText('skiff_apiserver_connections', 'Open connections of clients.', [[{}, server.connectionCount]]),
    counterText('skiff_apiserver_connections_refused_total', 'Connections that were refused because too many are open.', server.refusedConnections),
    counterText('apiserver_tls_handshake_errors_total', 'Number of requests dropped with \'TLS handshake error from\' error', server.handshakeErrors),
  ].join('');
}

function counterText(name: string, help: string, value: number): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} counter\n${name} ${value}\n`;
}
