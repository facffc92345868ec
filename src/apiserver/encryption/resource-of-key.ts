import type { ResourceKind } from '#apimachinery/resource.ts';
import { registryPrefix } from '../watch-cache/watch-cache.ts';
import type { GroupResource } from './configuration.ts';

/** Which resource a key of the store belongs to; what no built-in kind has is `<group>/<resource>/...` of a definition. */
export function resourceOfKey(kinds: readonly Pick<ResourceKind, 'group' | 'plural' | 'storePrefix' | 'convertedFrom'>[]): (key: string) => GroupResource | undefined {
  const byPrefix = new Map(kinds.filter((kind) => kind.convertedFrom === undefined).map(({ storePrefix, group, plural }) => [storePrefix, { group, resource: plural }]));
  return (key) => {
    if (!key.startsWith(registryPrefix)) return undefined;
    const [first = '', second = ''] = key.slice(registryPrefix.length).split('/', 2);
    return byPrefix.get(first) ?? byPrefix.get(`${first}/${second}`) ?? (first.includes('.') ? { group: first, resource: second } : undefined);
  };
}
