import { tooManyRequests } from '#apimachinery/status-error.ts';
import type { ServerRequest, ServerResponse } from '#serving/exchange.ts';
import { answerEarly, asksForHealth } from './early-answer.ts';

const retryAfterSeconds = 5;

/**
 * Tells a client of a server that stops to come again, to another one if there is one; `true` when it did. Requests of
 * API servers and those for health are answered as ever. Source: --shutdown-send-retry-after of kube-apiserver.
 */
export function answerStopping(request: ServerRequest, response: ServerResponse): boolean {
  const userAgent = request.headers['user-agent'];
  if (asksForHealth(request) || (typeof userAgent === 'string' && userAgent.startsWith('kube-apiserver/'))) return false;
  answerEarly(request, response, tooManyRequests('The apiserver is shutting down, please try again later.', retryAfterSeconds));
  return true;
}
