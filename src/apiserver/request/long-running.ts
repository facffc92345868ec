import type { RequestInfo } from './request-info.ts';

/** Connections that last as long as somebody likes. */
const longSubresources = new Set(['exec', 'attach', 'portforward', 'proxy', 'log']);

/** Whether a request may take as long as it likes: watches, connections to pods, services and nodes, and profiles. */
export function isLongRunning({ verb, subresource, isResource, path }: RequestInfo): boolean {
  return isResource ? verb === 'watch' || longSubresources.has(subresource) : path.startsWith('/debug/pprof/');
}
