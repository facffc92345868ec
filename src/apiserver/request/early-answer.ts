import type { StatusError } from '#apimachinery/status-error.ts';
import type { ServerRequest, ServerResponse } from '#serving/exchange.ts';

/** Answers before anybody has looked at who asks what, and over a connection that is not to be used again. */
export function answerEarly(request: ServerRequest, response: ServerResponse, status: StatusError): void {
  const seconds = status.details?.retryAfterSeconds;
  response.writeHead(status.code, { 'content-type': 'application/json', ...(seconds !== undefined && { 'retry-after': String(seconds) }), ...(request.protocol === 'HTTP/1.1' && { connection: 'close' }) });
  response.end(Buffer.from(JSON.stringify(status.toStatus())));
}

/** Health is told whatever the load: a server that says nothing of it would be started anew. */
export function asksForHealth({ path }: ServerRequest): boolean {
  return /^\/(?:livez|readyz|healthz)(?:\/|$)/.test(path);
}
