/**
 * What a request is about, read from its method, path and query alone.
 *
 * Source: Kubernetes documentation, "API access control: request attributes".
 */
export interface RequestInfo {
  readonly isResource: boolean;
  /** get, list, watch, create, update, patch, delete, deletecollection, connect-like verbs by method; of other paths the method in lower case. */
  readonly verb: string;
  readonly path: string;
  /** Of resource requests; the core group is ''. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** What stands behind the subresource (`proxy` paths). */
  readonly rest: readonly string[];
  readonly namespace: string;
  readonly name: string;
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete',
};
/** Subresources of namespaces, so that /namespaces/x/status is not taken for a resource named `status`. */
const namespaceSubresources = new Set(['status', 'finalize']);

/** Never throws: a path that names no resource is a non-resource request. `watchParameter`: the query asks for a watch. */
export function requestInfo(method: string, path: string, watchParameter: boolean): RequestInfo {
  const parts = path.split('/').filter((part) => part !== '').map(decodeSegment);
  const isCore = parts[0] === 'api';
  if ((!isCore && parts[0] !== 'apis') || parts.length < (isCore ? 3 : 4)) return nonResource(method, path);
  const group = isCore ? '' : (parts[1] ?? '');
  const version = (isCore ? parts[1] : parts[2]) ?? '';
  let rest = parts.slice(isCore ? 2 : 3);
  let verb = verbs[method] ?? method.toLowerCase();
  // The old form /api/v1/watch/pods.
  if (rest[0] === 'watch' && rest.length > 1) {
    rest = rest.slice(1);
    verb = 'watch';
  }
  let namespace = '';
  const [first = '', second = '', third = ''] = rest;
  if (first === 'namespaces' && rest.length > 2 && !namespaceSubresources.has(third)) {
    namespace = second;
    rest = rest.slice(2);
  } else if (first === 'namespaces' && rest.length > 1) {
    namespace = second;
  }
  const [resource = '', name = '', subresource = ''] = rest;
  if (name === '') {
    if (verb === 'get') verb = watchParameter ? 'watch' : 'list';
    else if (verb === 'delete') verb = 'deletecollection';
  } else if (verb === 'get' && watchParameter && subresource === '') {
    verb = 'watch';
  }
  return { isResource: true, verb, path, group, version, resource, subresource, rest: rest.slice(3), namespace, name };
}

function nonResource(method: string, path: string): RequestInfo {
  return {
    isResource: false, verb: method.toLowerCase(), path, group: '', version: '', resource: '', subresource: '', rest: [], namespace: '', name: '',
  };
}

function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
