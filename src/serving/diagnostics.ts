import type { Registry } from 'prom-client';
import type { ServerRequest, ServerResponse } from './exchange.ts';
import { answerHealth } from './health.ts';
import type { HealthCheck } from './health.ts';

/** What a daemon tells about itself. Only the paths that are given are served. */
export interface Diagnostics {
  readonly livez?: readonly HealthCheck[];
  readonly readyz?: readonly HealthCheck[];
  readonly healthz?: readonly HealthCheck[];
  readonly metrics?: Registry;
}

/**
 * Answers health paths and `/metrics`. Returns false, having done nothing, when the path is another. Who may ask is the
 * caller's affair: this looks at no credentials.
 */
export async function answerDiagnostics(diagnostics: Diagnostics, request: ServerRequest, response: ServerResponse): Promise<boolean> {
  const { path } = request;
  if (path === '/metrics' && diagnostics.metrics !== undefined) {
    const text = await diagnostics.metrics.metrics();
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(Buffer.from(text));
    return true;
  }
  for (const name of ['livez', 'readyz', 'healthz'] as const) {
    const checks = diagnostics[name];
    if (checks !== undefined && path.startsWith(`/${name}`)) return answerHealth(name, checks, request, response);
  }
  return false;
}
