import type { Clock } from '#base/clock.ts';
import { answerDiagnostics } from '#serving/diagnostics.ts';
import type { Handler, ServerResponse } from '#serving/exchange.ts';
import { createPlainServer } from '#serving/plain-server.ts';
import type { HttpServer } from '#serving/http-server.ts';
import type { RunningProxy } from './proxy.ts';

/**
 * The proxy's health port (10256 in the original): `/healthz` for load balancers, which also want to know whether the node
 * is going, `/livez` for supervisors, and `/metrics`.
 */
export function createProxyServer(proxy: RunningProxy, { clock }: { readonly clock: Clock }): HttpServer {
  const handler: Handler = async (request, response) => {
    const { lastSyncedMs, isWell, isNodeEligible } = proxy.health;
    const timestamps = { lastUpdated: isoTime(lastSyncedMs ?? 0), currentTime: isoTime(clock.nowMs()) };
    if (request.path === '/healthz' || request.path === '/livez') {
      const isHealthz = request.path === '/healthz';
      const code = isWell && (isNodeEligible || !isHealthz) ? 200 : 503;
      proxy.metrics.probed(isHealthz ? 'healthz' : 'livez', code);
      return sendJson(response, code, { ...timestamps, ...(isHealthz && { nodeEligible: isNodeEligible }) });
    }
    if (request.path === '/proxyMode') return sendText(response, 200, 'nftables');
    if (await answerDiagnostics({ metrics: proxy.metrics.registry }, request, response)) return undefined;
    return sendText(response, 404, '404 page not found\n');
  };
  return createPlainServer({ handler, clock });
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' });
  response.end(Buffer.from(JSON.stringify(body)));
}

function sendText(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(Buffer.from(body));
}
