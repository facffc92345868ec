/**
 * The operations of a kind, in a form that both OpenAPI versions are printed from. Used by `openapi.ts`.
 *
 * Source: Kubernetes' API reference (paths, parameters, operation names).
 */
import { answersWithObject } from './deletion-answer.ts';
import { Status, WatchEvent } from './meta-schemas.ts';
import { DeleteOptions } from './meta-types.ts';
import type { Parameter } from './openapi-parameters.ts';
import { deleting, forcing, listing, nameParameter, namespaceParameter, pathParameter, pretty, selecting, special, writing } from './openapi-parameters.ts';
import type { Noun } from './openapi-words.ts';
import { capital, describeDeed, groupWord } from './openapi-words.ts';
import type { GroupVersionKind, ResourceKind, Subresource, Verb } from './resource.ts';
import type { AnyStruct } from './schema.ts';

/** What is sent and answered: an object, its list, a Status and so on. */
export type Content =
  | { readonly is: 'kind'; readonly kind: GroupVersionKind }
  | { readonly is: 'list'; readonly kind: ResourceKind }
  | { readonly is: 'struct'; readonly struct: AnyStruct }
  | { readonly is: 'patch' | 'text' };

export type Method = 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch';
export type Action = 'get' | 'list' | 'watch' | 'watchlist' | 'post' | 'put' | 'patch' | 'delete' | 'deletecollection' | 'connect';

export interface Operation {
  readonly id: string;
  readonly method: Method;
  /** Empty: nothing is said of it. */
  readonly description: string;
  /** What is done to what; undefined of documents, which are no resources. */
  readonly deed: { readonly action: Action; readonly kind: GroupVersionKind } | undefined;
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly content: Content; readonly required: boolean };
  readonly codes: readonly number[];
  readonly answer: Content;
  /** Media types of a body; undefined where nothing is said of them. */
  readonly consumes: readonly string[] | undefined;
  readonly produces: readonly string[] | undefined;
}
export interface PathItem {
  readonly path: string;
  readonly operations: readonly Operation[];
}

export const objectTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/cbor'];
const streamTypes = [...objectTypes, 'application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch', 'application/cbor-seq'];
const patchTypes = [
  'application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml', 'application/apply-patch+cbor',
];
const anyType = ['*/*'];
const ofObjects = { consumes: anyType, produces: objectTypes };
const ofStreams = { consumes: anyType, produces: streamTypes };

const connecting: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy']);
const proxyMethods: readonly Method[] = ['delete', 'get', 'head', 'options', 'patch', 'post', 'put'];

/** `/api/v1`, `/apis/apps/v1`. */
export function basePath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** All paths of a kind. */
export function pathsOf(kind: ResourceKind): readonly PathItem[] {
  const base = basePath(kind.apiVersion);
  const isNamespaced = kind.scope === 'Namespaced';
  const scope = isNamespaced ? `${base}/namespaces/{namespace}` : base;
  const inScope = isNamespaced ? [namespaceParameter] : [];
  const name: Naming = { prefix: capital(groupWord(kind.group)) + capital(kind.version), subject: `${isNamespaced ? 'Namespaced' : ''}${kind.kind}` };
  const collection: PathItem = { path: `${scope}/${kind.plural}`, operations: collectionOperations(kind, name, inScope) };
  const item = `${collection.path}/{name}`;
  const paths: PathItem[] = [collection, { path: item, operations: itemOperations(kind, name, inScope) }];
  for (const subresource of kind.subresources) paths.push(...subresourcePaths(kind, subresource, name, item, inScope));
  paths.push(...everywherePaths(kind, name, base));
  return paths.filter(({ operations }) => operations.length > 0);
}

interface Naming {
  /** `AppsV1`. */
  readonly prefix: string;
  /** `NamespacedDeployment`. */
  readonly subject: string;
}

function collectionOperations(kind: ResourceKind, { prefix, subject }: Naming, inScope: readonly Parameter[]): readonly Operation[] {
  const content: Content = { is: 'kind', kind };
  const all: Readonly<Partial<Record<Verb, Operation>>> = {
    list: listOperation(kind, `list${prefix}${subject}`, [...inScope, ...pretty, ...listing]),
    create: {
      ...ofObjects, id: `create${prefix}${subject}`, method: 'post', description: describeDeed('create', kind), deed: { action: 'post', kind },
      parameters: [...inScope, ...pretty, ...writing], body: { content, required: true }, codes: [200, 201, 202], answer: content,
    },
    deletecollection: {
      ...ofObjects, id: `delete${prefix}Collection${subject}`, method: 'delete', description: describeDeed('deletecollection', kind), deed: { action: 'deletecollection', kind },
      parameters: [...inScope, ...pretty, ...selecting, ...deleting], body: { content: { is: 'struct', struct: DeleteOptions }, required: false },
      codes: [200], answer: { is: 'struct', struct: Status },
    },
  };
  return kind.verbs.flatMap((verb) => all[verb] ?? []);
}

function listOperation(kind: ResourceKind, id: string, parameters: readonly Parameter[]): Operation {
  const description = describeDeed(kind.verbs.includes('watch') ? 'list or watch' : 'list', kind);
  return { ...ofStreams, id, method: 'get', description, deed: { action: 'list', kind }, parameters, codes: [200], answer: { is: 'list', kind } };
}

function itemOperations(kind: ResourceKind, { prefix, subject }: Naming, inScope: readonly Parameter[]): readonly Operation[] {
  return kind.verbs.flatMap((verb) => (verb === 'create' ? [] : (itemOperation(verb, kind, kind, `${prefix}${subject}`, inScope) ?? [])));
}

/** GET, PUT, PATCH or DELETE of one object or of its status, scale and so on; `noun` is what the description speaks of. */
function itemOperation(verb: Verb, kind: GroupVersionKind, noun: Noun, name: string, inScope: readonly Parameter[]): Operation | undefined {
  const content: Content = { is: 'kind', kind };
  const common = { ...ofObjects, answer: content };
  const parameters = [...inScope, nameParameter(kind.kind), ...pretty];
  const body = { content, required: true };
  switch (verb) {
    case 'get':
      return { ...common, id: `read${name}`, method: 'get', description: describeDeed('read', noun), deed: { action: 'get', kind }, parameters, codes: [200] };
    case 'update':
      return {
        ...common, id: `replace${name}`, method: 'put', description: describeDeed('replace', noun), deed: { action: 'put', kind },
        parameters: [...parameters, ...writing], body, codes: [200, 201],
      };
    case 'patch':
      return {
        ...common, id: `patch${name}`, method: 'patch', description: describeDeed('patch', noun), deed: { action: 'patch', kind },
        parameters: [...parameters, ...writing, ...forcing], body: { content: { is: 'patch' }, required: true }, consumes: patchTypes, codes: [200, 201],
      };
    case 'delete':
      return {
        ...common, id: `delete${name}`, method: 'delete', description: describeDeed('delete', noun), deed: { action: 'delete', kind },
        parameters: [...parameters, ...deleting], body: { content: { is: 'struct', struct: DeleteOptions }, required: false },
        codes: [200, 202], answer: answersWithObject(kind) ? content : { is: 'struct', struct: Status },
      };
    case 'create':
      return {
        ...common, id: `create${name}`, method: 'post', description: describeDeed('create', noun), deed: { action: 'post', kind },
        parameters: [...parameters, ...writing], body, codes: [200, 201, 202],
      };
    case 'list':
    case 'watch':
    case 'deletecollection':
      return undefined;
  }
}

function subresourcePaths(parent: ResourceKind, { name, kind = parent, verbs }: Subresource, naming: Naming, item: string, inScope: readonly Parameter[]): readonly PathItem[] {
  const path = `${item}/${name}`;
  if (connecting.has(name)) return connectPaths(parent, { name, kind, verbs }, naming, path, inScope);
  const noun = { kind: parent.kind, subresource: name };
  const named = `${naming.prefix}${naming.subject}${capital(name)}`;
  if (name === 'log') {
    const operation: Operation = {
      id: `read${named}`, method: 'get', description: describeDeed('read', noun), deed: { action: 'get', kind },
      parameters: [...inScope, nameParameter(kind.kind), ...pretty, ...(special['log'] ?? [])], codes: [200], answer: { is: 'text' },
      consumes: anyType, produces: ['text/plain', ...objectTypes],
    };
    return [{ path, operations: [operation] }];
  }
  return [{ path, operations: verbs.flatMap((verb) => itemOperation(verb, kind, noun, named, inScope) ?? []) }];
}

function connectPaths(parent: ResourceKind, { name, kind = parent, verbs }: Subresource, { prefix, subject }: Naming, path: string, inScope: readonly Parameter[]): readonly PathItem[] {
  const methods: readonly Method[] = name === 'proxy' ? proxyMethods : [...(verbs.includes('get') ? ['get' as const] : []), ...(verbs.includes('create') ? ['post' as const] : [])];
  const operations = (suffix: string, more: readonly Parameter[]): readonly Operation[] =>
    methods.map((method) => ({
      id: `connect${prefix}${capital(method)}${subject}${capital(name)}${suffix}`, method, description: `connect ${method.toUpperCase()} requests to ${name} of ${parent.kind}`,
      deed: { action: 'connect', kind }, parameters: [...inScope, nameParameter(kind.kind), ...more, ...(special[name] ?? [])], codes: [200], answer: { is: 'text' },
      consumes: anyType, produces: anyType,
    }));
  const here: PathItem = { path, operations: operations('', []) };
  return name === 'proxy' ? [here, { path: `${path}/{path}`, operations: operations('WithPath', [pathParameter]) }] : [here];
}

/** Lists across namespaces, and the old paths for watching. */
function everywherePaths(kind: ResourceKind, { prefix, subject }: Naming, base: string): readonly PathItem[] {
  const { plural, verbs } = kind;
  const isNamespaced = kind.scope === 'Namespaced';
  const parameters = [...listing, ...pretty];
  const paths: PathItem[] = [];
  if (isNamespaced && verbs.includes('list')) paths.push({ path: `${base}/${plural}`, operations: [listOperation(kind, `list${prefix}${kind.kind}ForAllNamespaces`, parameters)] });
  if (!verbs.includes('watch')) return paths;
  const watch = (path: string, id: string, action: 'watch' | 'watchlist', inPath: readonly Parameter[]): void => {
    paths.push({
      path,
      operations: [{
        ...ofStreams, id: `watch${prefix}${id}`, method: 'get', description: describeDeed(action, kind), deed: { action, kind },
        parameters: [...inPath, ...parameters], codes: [200], answer: { is: 'struct', struct: WatchEvent },
      }],
    });
  };
  const inNamespace = isNamespaced ? [namespaceParameter] : [];
  const scope = isNamespaced ? `${base}/watch/namespaces/{namespace}/${plural}` : `${base}/watch/${plural}`;
  if (isNamespaced) watch(`${base}/watch/${plural}`, `${kind.kind}ListForAllNamespaces`, 'watchlist', []);
  watch(scope, `${subject}List`, 'watchlist', inNamespace);
  watch(`${scope}/{name}`, subject, 'watch', [...inNamespace, nameParameter(kind.kind)]);
  return paths;
}
