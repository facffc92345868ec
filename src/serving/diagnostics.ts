import type { Registry } from 'prom-client';
import type { Clock } from '#base/clock.ts';
import type { ServerRequest, ServerResponse } from './exchange.ts';
import { answerHealth } from './health.ts';
import type { HealthCheck } from './health.ts';
import type { ZView } from './z-pages.ts';

/** What a daemon tells about itself. Only the paths that are given are served. */
export interface Diagnostics {
  readonly livez?: readonly HealthCheck[];
  readonly readyz?: readonly HealthCheck[];
  readonly healthz?: readonly HealthCheck[];
  readonly metrics?: Registry;
  /** For /statusz and /flagz. */
  readonly view?: (() => ZView) | undefined;
  /** For /configz: configurations by the names of their groups. */
  readonly configurations?: (() => Readonly<Record<string, object>>) | undefined;
  /** For /debug/pprof/: what tells how long a profile takes. */
  readonly profiling?: Clock | undefined;
}

/** What a daemon shows besides health and metrics, where that is decided elsewhere. */
export type Pages = Pick<Diagnostics, 'view' | 'configurations' | 'profiling'>;

/**
 * Answers health paths, `/metrics` and the pages for whoever looks for a fault, which are loaded when asked for. Returns false, having done nothing, when the path is another. Who may ask is the
 * caller's affair: this looks at no credentials. Throws a 406 for a form that a page does not have.
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
  return answerPage(diagnostics, request, response);
}

async function answerPage({ view, configurations, profiling }: Pages, request: ServerRequest, response: ServerResponse): Promise<boolean> {
  const { path } = request;
  const { accept = '' } = request.headers;
  if (view !== undefined && (path === '/statusz' || path === '/flagz')) {
    const page = (await import('./z-pages.ts')).zPage(path, String(accept), view());
    if (page === undefined) return false;
    send(response, page.contentType, page.body);
    return true;
  }
  if (configurations !== undefined && path === '/configz') {
    send(response, 'application/json', JSON.stringify(configurations()));
    return true;
  }
  if (profiling === undefined || !path.startsWith('/debug/pprof/')) return false;
  await (await import('./profiles.ts')).answerProfile(request, response, profiling);
  return true;
}

function send(response: ServerResponse, contentType: string, body: string): void {
  response.writeHead(200, { 'content-type': contentType });
  response.end(Buffer.from(body));
}
