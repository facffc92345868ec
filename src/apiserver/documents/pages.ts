/** Pages for whoever looks for a fault, health first. What makes them is loaded when somebody asks. */
import type { Clock } from '#base/clock.ts';
import { methodNotAllowed, noSuchPath } from '#apimachinery/status-error.ts';
import type { HealthCheck } from '#serving/health.ts';
import { answerHealth } from '#serving/health.ts';
import type { ZView } from '#serving/z-pages.ts';
import { metricsContentType } from '../metrics/api-metrics.ts';
import type { ApiCall, ApiResult } from '../request/api-call.ts';

export interface PageSources {
  readonly metrics: () => Promise<string>;
  /** What flow control is doing; undefined where nothing is shown. */
  readonly dump: (call: Pick<ApiCall, 'info' | 'query'>) => string | undefined;
  /** What must be well for /livez, /readyz and /healthz. */
  readonly checks: (name: string) => readonly HealthCheck[];
  /** For /statusz and /flagz. */
  readonly view: () => Omit<ZView, 'component' | 'paths'>;
  /** For /debug/pprof/. Undefined: there is no such page. */
  readonly profiling: Clock | undefined;
  /** Its files are below /logs/. Undefined: there is no such page. */
  readonly logFolder: string | undefined;
}

/** What /statusz names. */
const paths = ['/flagz', '/healthz', '/livez', '/metrics', '/readyz', '/statusz', '/version'];

/** The page at a path; undefined when there is none. Throws a 406 or 405 for what it cannot answer. */
export async function pageAt(call: ApiCall, { metrics, dump, checks, view, profiling, logFolder }: PageSources): Promise<ApiResult | undefined> {
  const { accept, info: { path, verb } } = call;
  if (path === '/metrics') return { is: 'raw', code: 200, contentType: metricsContentType, body: await metrics() };
  const [, health] = /^\/(livez|readyz|healthz)(?:\/|$)/.exec(path) ?? [];
  if (health !== undefined) {
    return {
      is: 'upgrade', code: 200,
      async take(request, response) {
        if (!(await answerHealth(health, checks(health), request, response))) throw noSuchPath();
      },
    };
  }
  const dumped = dump(call);
  if (dumped !== undefined) return { is: 'raw', code: 200, contentType: 'text/plain; charset=utf-8', body: dumped };
  if (path === '/statusz' || path === '/flagz') {
    const page = (await import('#serving/z-pages.ts')).zPage(path, accept, { component: 'kube-apiserver', paths, ...view() });
    return page === undefined ? undefined : { is: 'raw', code: 200, ...page };
  }
  if (profiling !== undefined && path.startsWith('/debug/pprof/')) {
    const { answerProfile } = await import('#serving/profiles.ts');
    return { is: 'upgrade', code: 200, take: (request, response) => answerProfile(request, response, profiling) };
  }
  if (logFolder !== undefined && (path === '/logs' || path.startsWith('/logs/'))) {
    if (verb !== 'get') throw methodNotAllowed();
    const { serveFiles } = await import('#serving/serve-files.ts');
    return { is: 'upgrade', code: 200, take: (request, response) => serveFiles({ root: logFolder, below: path.slice('/logs'.length) }, request, response) };
  }
  return undefined;
}
