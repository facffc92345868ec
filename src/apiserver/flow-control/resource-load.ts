import { hubOf } from '../registry/served.ts';
import type { RequestInfo } from '../request/request-info.ts';
import type { ServedKinds } from '../request/served-kinds.ts';
import type { ResourceCache } from '../watch-cache/resource-cache.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import type { ResourceLoad } from './work-estimate.ts';

/** What the watch cache knows of the resources that are served here. */
export function resourceLoad(kinds: ServedKinds, cache: WatchCache): ResourceLoad {
  const cacheOf = ({ group, version, resource }: RequestInfo): ResourceCache | undefined => {
    const kind = kinds.find(group, version, resource);
    return kind === undefined ? undefined : cache.of(hubOf(kind));
  };
  return {
    objects: (info) => cacheOf(info)?.size,
    watchers: (info) => cacheOf(info)?.log.watchers ?? 0,
  };
}
