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
export function connectionText(server: Pick<SecureServer, 'connectionCount' | 'refusedConnections'> | undefined): string {
  if (server === undefined) return '';
  const refused = 'skiff_apiserver_connections_refused_total';
  return `${gaugeText('skiff_apiserver_connections', 'Open connections of clients.', [[{}, server.connectionCount]])}# HELP ${refused} Connections that were refused because too many are open.\n# TYPE ${refused} counter\n${refused} ${server.refusedConnections}\n`;
}
