/** Discovery and OpenAPI of the sample: documents of one kind, written down. */
import { groupVersion } from './flunders.ts';

const [group = '', version = ''] = groupVersion.split('/');
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const entry = { groupVersion, version };
const apiGroup = { name: group, versions: [entry], preferredVersion: entry };
const kind = { group, version, kind: 'Flunder' };
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const flunder = 'io.k8s.sample-apiserver.pkg.apis.wardle.v1alpha1.Flunder';

export function discovery(path: string, isAggregated: boolean): object | undefined {
  switch (path) {
    case '/apis':
      if (isAggregated) return {
        kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {},
        items: [{ metadata: { name: group }, versions: [{ version, freshness: 'Current', resources: [{ resource: 'flunders', responseKind: kind, scope: 'Namespaced', singularResource: 'flunder', verbs, shortNames: ['fl'] }] }] }],
      };
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: [apiGroup] };
    case `/apis/${group}`:
      return { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup };
    case `/apis/${groupVersion}`:
      return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: [{ name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs }] };
    default:
      return undefined;
  }
}

/** Its own idea of metadata differs from the cluster's, as that of older servers does. */
const schemas = (prefix: string): object => ({
  [meta]: { description: 'Standard metadata, in short.', type: 'object', properties: { name: { type: 'string' }, namespace: { type: 'string' }, labels: { type: 'object', additionalProperties: { type: 'string' } } } },
  [flunder]: {
    description: 'A flunder, which knows what it refers to.', type: 'object', 'x-kubernetes-group-version-kind': [kind],
    properties: {
      apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: prefix.includes('components') ? { allOf: [{ $ref: `${prefix}${meta}` }], default: {} } : { $ref: `${prefix}${meta}` },
      spec: { description: 'What it is to be.', type: 'object', properties: { reference: { description: 'The name of another flunder.', type: 'string' } } }, status: { type: 'object' },
    },
  },
});
const collection = `/apis/${groupVersion}/namespaces/{namespace}/flunders`;
const extension = (action: string): object => ({ 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': kind });
const query = ['dryRun', 'fieldManager', 'fieldValidation'];

export function openApiV2(): object {
  const schema = { $ref: `#/definitions/${flunder}` };
  const names = (some: readonly string[]): object[] => some.map((name) => ({ name, in: 'path', required: true, type: 'string' }));
  const responses = { 200: { description: 'OK', schema }, 401: { description: 'Unauthorized' } };
  const operation = (id: string, action: string, body = false): object => ({
    operationId: id, consumes: ['*/*'], produces: ['application/json'], responses, ...extension(action),
    parameters: [...(body ? [{ name: 'body', in: 'body', required: true, schema }] : []), ...query.map((name) => ({ name, in: 'query', type: 'string', uniqueItems: true }))],
  });
  return {
    swagger: '2.0', info: { title: 'wardle', version: '0.1' },
    paths: {
      '/version/': { get: { operationId: 'getCodeVersion', responses: { 200: { description: 'OK' } } } },
      [collection]: { get: operation('listFlunder', 'list'), post: operation('createFlunder', 'post', true), parameters: names(['namespace']) },
      [`${collection}/{name}`]: { get: operation('readFlunder', 'get'), patch: operation('patchFlunder', 'patch', true), delete: operation('deleteFlunder', 'delete'), parameters: names(['name', 'namespace']) },
    },
    definitions: { ...schemas('#/definitions/'), unused: { type: 'object' } },
  };
}

export function openApiV3(path: string): object | undefined {
  if (path === '') return { paths: { [`apis/${group}`]: { serverRelativeURL: `/openapi/v3/apis/${group}?hash=A1` }, [`apis/${groupVersion}`]: { serverRelativeURL: `/openapi/v3/apis/${groupVersion}?hash=B2` }, version: { serverRelativeURL: '/openapi/v3/version?hash=C3' } } };
  if (path !== `apis/${groupVersion}`) return undefined;
  const schema = { $ref: `#/components/schemas/${flunder}` };
  const names = (some: readonly string[]): object[] => some.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const operation = (id: string, action: string, body?: readonly string[]): object => ({
    operationId: id, ...extension(action), parameters: query.map((name) => ({ name, in: 'query', schema: { type: 'string' } })),
    ...(body !== undefined && { requestBody: { required: true, content: Object.fromEntries(body.map((media) => [media, { schema }])) } }),
    responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
  });
  return {
    openapi: '3.0.0', info: { title: 'wardle', version: '0.1' },
    paths: {
      [collection]: { get: operation('listFlunder', 'list'), post: operation('createFlunder', 'post', ['*/*']), parameters: names(['namespace']) },
      [`${collection}/{name}`]: { get: operation('readFlunder', 'get'), patch: operation('patchFlunder', 'patch', ['application/merge-patch+json']), delete: operation('deleteFlunder', 'delete'), parameters: names(['name', 'namespace']) },
    },
    components: { schemas: schemas('#/components/schemas/') },
  };
}
