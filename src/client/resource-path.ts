/**
 * Where a kind's objects are in the API.
 *
 * Source: Kubernetes API reference, "Resource URIs".
 */
import type { ResourceKind } from '#apimachinery/resource.ts';

export interface ResourcePlace {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

type Named = Pick<ResourceKind, 'group' | 'version' | 'plural' | 'scope'>;

/** `/api/v1/namespaces/default/pods/web-0/status`, percent-encoded. Of a cluster-scoped kind the namespace is ignored. */
export function resourcePath(kind: Named, place: ResourcePlace = {}): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const inNamespace = kind.scope === 'Namespaced' && place.namespace !== undefined && place.namespace !== '';
  const namespace = inNamespace ? `/namespaces/${encodeURIComponent(place.namespace ?? '')}` : '';
  const name = place.name === undefined ? '' : `/${encodeURIComponent(place.name)}`;
  const subresource = place.subresource === undefined ? '' : `/${place.subresource}`;
  return `${root}${namespace}/${kind.plural}${name}${subresource}`;
}
