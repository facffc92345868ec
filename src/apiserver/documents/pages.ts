/** Pages for whoever looks for a fault. What makes them is loaded when somebody asks. */
import { methodNotAllowed } from '#apimachinery/status-error.ts';
import type { ApiCall, ApiResult } from '../request/api-call.ts';
import type { ZView } from './z-pages.ts';

export interface PageSources {
  /** For /statusz and /flagz. */
  readonly view: () => ZView;
  /** Its files are below /logs/. Undefined: there is no such page. */
  readonly logFolder: string | undefined;
}

/** The page at a path; undefined when there is none. Throws a 406 or 405 for what it cannot answer. */
export async function pageAt({ info, accept }: ApiCall, { view, logFolder }: PageSources): Promise<ApiResult | undefined> {
  const { path, verb } = info;
  if (path === '/statusz' || path === '/flagz') return (await import('./z-pages.ts')).zPage(path, accept, view());
  if (logFolder !== undefined && (path === '/logs' || path.startsWith('/logs/'))) {
    if (verb !== 'get') throw methodNotAllowed();
    const { serveFiles } = await import('#serving/serve-files.ts');
    return { is: 'upgrade', take: (request, response) => serveFiles({ root: logFolder, below: path.slice('/logs'.length) }, request, response) };
  }
  return undefined;
}
