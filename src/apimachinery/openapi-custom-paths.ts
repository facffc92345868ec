/**
 * The operations of custom resources, as far as they are documented: less than what is served, for no watch has a path,
 * and their answers come in text forms only.
 *
 * Source: Kubernetes' API reference, behaviour of apiextensions-apiserver.
 */
import { forcing, listing, pretty, resourceVersion, writing } from './openapi-parameters.ts';
import type { Operation, PathItem } from './openapi-paths.ts';
import { pathsOf } from './openapi-paths.ts';
import type { ResourceKind } from './resource.ts';

const textTypes = ['application/json', 'application/yaml'];
/** Nobody has declared how strategic patches merge lists. */
const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];

export function customPathsOf(kind: ResourceKind): readonly PathItem[] {
  return pathsOf({ ...kind, verbs: kind.verbs.filter((verb) => verb !== 'watch') }).map(({ path, operations }) => ({
    path, operations: operations.map((operation) => customOperation(operation, kind)),
  }));
}

function customOperation(operation: Operation, kind: ResourceKind): Operation {
  const action = operation.deed?.action ?? 'get';
  const inPath = operation.parameters.filter((each) => each.in === 'path').map((each) => (each.name === 'name' ? { ...each, description: `name of the ${kind.kind}` } : each));
  const others = operation.parameters.filter((each) => each.in === 'query');
  const common = { ...operation, deed: { action, kind }, consumes: textTypes, produces: textTypes, parameters: [...inPath, ...others] };
  switch (action) {
    case 'get':
      return { ...common, parameters: [...inPath, ...pretty, ...resourceVersion] };
    case 'list':
      return { ...common, description: `list objects of kind ${kind.kind}` };
    case 'deletecollection': {
      const { body: _body, ...bodiless } = common;
      return { ...bodiless, parameters: [...inPath, ...pretty, ...listing] };
    }
    case 'patch':
      return { ...common, consumes: patchTypes, codes: [200], parameters: [...inPath, ...pretty, ...writing, ...forcing] };
    default:
      return common;
  }
}
