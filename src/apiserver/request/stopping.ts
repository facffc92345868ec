import { StatusError } from '#apimachinery/status-error.ts';
import type { ServerRequest, ServerResponse } from '#serving/exchange.ts';

const retryAfterSeconds = 5;

/**
 * Tells a client of a server that stops to come again, to another one if there is one; `true` when it did. Requests of
 * API servers and those for health are answered as ever. Source: --shutdown-send-retry-after of kube-apiserver.
 */
export function answerStopping(request: ServerRequest, response: ServerResponse): boolean {
  const userAgent = request.headers['user-agent'];
  if (/^\/(?:livez|readyz|healthz)(?:\/|$)/.test(request.path) || (typeof userAgent === 'string' && userAgent.startsWith('kube-apiserver/'))) return false;
  const status = new StatusError(429, 'TooManyRequests', 'The apiserver is shutting down, please try again later.', { retryAfterSeconds });
  response.writeHead(429, { 'content-type': 'application/json', 'retry-after': String(retryAfterSeconds), ...(request.protocol === 'HTTP/1.1' && { connection: 'close' }) });
  response.end(Buffer.from(JSON.stringify(status.toStatus())));
  return true;
}
