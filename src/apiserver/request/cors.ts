import { RE2JS } from 're2js';
import type { ServerRequest, ServerResponse } from '#serving/exchange.ts';

const methods = 'POST, GET, OPTIONS, PUT, DELETE, PATCH';
const headers = 'Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since';

/**
 * Lets web pages of certain origins use the API; `true` when the request was only the question whether they may, which
 * is then answered. Throws a message for an expression that is none. Source: --cors-allowed-origins of kube-apiserver.
 */
export function corsRule(allowedOrigins: readonly string[]): (request: ServerRequest, response: ServerResponse) => boolean {
  const allowed = allowedOrigins.map((text) => RE2JS.compile(text));
  return (request, response) => {
    const { origin } = request.headers;
    if (typeof origin !== 'string' || !allowed.some((each) => each.matcher(origin).find())) return false;
    const own = {
      'access-control-allow-origin': origin, 'access-control-allow-methods': methods, 'access-control-allow-headers': headers,
      'access-control-expose-headers': 'Date', 'access-control-allow-credentials': 'true',
    };
    if (request.method !== 'OPTIONS') {
      response.addHeaders(own);
      return false;
    }
    response.writeHead(204, own);
    response.end();
    return true;
  };
}
