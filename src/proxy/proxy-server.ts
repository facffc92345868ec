import type { Clock } from '#base/clock.ts';
import type { Pages } from '#serving/diagnostics.ts';
import { answerDiagnostics } from '#serving/diagnostics.ts';
import type { ServerResponse } from '#serving/exchange.ts';
import { createPlainServer } from '#serving/plain-server.ts';
import type { HttpServer } from '#serving/http-server.ts';
import type { RunningProxy } from './proxy.ts';

interface Dependencies {
  readonly clock: Clock;
}

interface MetricsDependencies extends Dependencies {
  /** What is told besides. Default: nothing. */
  readonly pages?: Pages | undefined;
}

/**
 * The proxy's health port (10256 in the original): `/healthz` for load balancers, which also want to know whether the node
 * is going, and `/livez` for supervisors. Source: KEP-3836.
 */
export function createHealthServer(proxy: RunningProxy, { clock }: Dependencies): HttpServer {
  return createPlainServer({
    clock,
    handler: ({ path }, response) => {
      if (path !== '/healthz' && path !== '/livez') return notFound(response);
      const isHealthz = path === '/healthz';
      const { lastSyncedMs, isWell, isNodeEligible } = proxy.health;
      const code = isWell && (isNodeEligible || !isHealthz) ? 200 : 503;
      proxy.metrics.probed(isHealthz ? 'healthz' : 'livez', code);
      const body = { lastUpdated: isoTime(lastSyncedMs ?? 0), currentTime: isoTime(clock.nowMs()), ...(isHealthz && { nodeEligible: isNodeEligible }) };
      response.writeHead(code, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' });
      response.end(Buffer.from(JSON.stringify(body)));
    },
  });
}

/** What is told on the machine itself (10249 in the original): `/metrics`, `/proxyMode`, and `/healthz` for whether anybody is there. */
export function createMetricsServer(proxy: RunningProxy, { clock, pages }: MetricsDependencies): HttpServer {
  return createPlainServer({
    clock,
    handler: async (request, response) => {
      if (request.path === '/proxyMode') return sendText(response, 200, 'nftables');
      if (request.path === '/healthz') return sendText(response, 200, 'ok');
      if (!(await answerDiagnostics({ ...pages, metrics: proxy.metrics.registry }, request, response))) notFound(response);
    },
  });
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function notFound(response: ServerResponse): void {
  sendText(response, 404, '404 page not found\n');
}

function sendText(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(Buffer.from(body));
}
