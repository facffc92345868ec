/**
 * The operations of a kind, in a form that both OpenAPI versions are printed from. Used by `openapi.ts`.
 *
 * Source: Kubernetes' API reference (paths, parameters, operation names).
 */
import type { GroupVersionKind, ResourceKind, Subresource, Verb } from './resource.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly type: 'string' | 'integer' | 'boolean';
}

/** What is sent and answered: an object, its list, a Status and so on. */
export type Content =
  | { readonly is: 'kind'; readonly kind: GroupVersionKind }
  | { readonly is: 'list'; readonly kind: ResourceKind }
  | { readonly is: 'status' | 'patch' | 'deleteOptions' | 'watchEvent' | 'resources' | 'text' };

export type Method = 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch';
export type Action = 'get' | 'list' | 'watch' | 'watchlist' | 'post' | 'put' | 'patch' | 'delete' | 'deletecollection' | 'connect';

export interface Operation {
  readonly id: string;
  readonly method: Method;
  readonly action: Action;
  readonly kind: GroupVersionKind;
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly content: Content; readonly required: boolean };
  readonly codes: readonly number[];
  readonly answer: Content;
  /** Whether the answer may be a stream of events. */
  readonly streams: boolean;
}
export interface PathItem {
  readonly path: string;
  readonly operations: readonly Operation[];
}

function query(type: Parameter['type'], ...names: readonly string[]): readonly Parameter[] {
  return names.map((name) => ({ name, in: 'query', type }));
}
function inPath(name: string): Parameter {
  return { name, in: 'path', type: 'string' };
}

const pretty = query('string', 'pretty');
const writing = query('string', 'dryRun', 'fieldManager', 'fieldValidation');
const selecting = [
  ...query('string', 'continue', 'fieldSelector', 'labelSelector', 'resourceVersion', 'resourceVersionMatch', 'shardSelector'),
  ...query('integer', 'limit', 'timeoutSeconds'),
  ...query('boolean', 'sendInitialEvents'),
];
const listing = [...selecting, ...query('boolean', 'allowWatchBookmarks', 'watch')];
const deleting = [
  ...query('string', 'dryRun', 'propagationPolicy'),
  ...query('integer', 'gracePeriodSeconds'),
  ...query('boolean', 'ignoreStoreReadErrorWithClusterBreakingPotential', 'orphanDependents'),
];
const streaming = query('boolean', 'stderr', 'stdin', 'stdout', 'tty');

/** Parameters of subresources with a behaviour of their own. */
const special: Readonly<Record<string, readonly Parameter[]>> = {
  exec: [...query('string', 'command', 'container'), ...streaming],
  attach: [...query('string', 'container'), ...streaming],
  portforward: query('integer', 'ports'),
  proxy: query('string', 'path'),
  log: [
    ...query('string', 'container', 'stream'),
    ...query('integer', 'limitBytes', 'sinceSeconds', 'tailLines'),
    ...query('boolean', 'follow', 'insecureSkipTLSVerifyBackend', 'previous', 'timestamps'),
  ],
};
const connecting: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy']);
const proxyMethods: readonly Method[] = ['delete', 'get', 'head', 'options', 'patch', 'post', 'put'];

/** `/api/v1`, `/apis/apps/v1`. */
export function basePath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** `core`, `rbacAuthorization`: what tags and operation names call a group. */
export function groupWord(group: string): string {
  if (group === '') return 'core';
  const [first = '', ...others] = group.replace(/\.k8s\.io$/, '').split('.');
  return first + others.map(capital).join('');
}
export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

const answeredWithObject: Readonly<Record<string, ReadonlySet<string>>> = {
  '': new Set(['PersistentVolume', 'PersistentVolumeClaim', 'Pod', 'PodTemplate', 'ResourceQuota', 'Service', 'ServiceAccount']),
  'storage.k8s.io': new Set(['CSIDriver', 'CSINode', 'StorageClass', 'VolumeAttachment', 'VolumeAttributesClass']),
  'resource.k8s.io': new Set(['DeviceClass', 'ResourceClaim', 'ResourceClaimTemplate', 'ResourceSlice']),
};

/** Whether a DELETE of this kind is answered with the object that is gone; others are answered with a Status. */
export function answersWithObject({ group, kind }: GroupVersionKind): boolean {
  return answeredWithObject[group]?.has(kind) === true;
}

/** All paths of a kind. */
export function pathsOf(kind: ResourceKind): readonly PathItem[] {
  const base = basePath(kind.apiVersion);
  const isNamespaced = kind.scope === 'Namespaced';
  const scope = isNamespaced ? `${base}/namespaces/{namespace}` : base;
  const inScope = isNamespaced ? [inPath('namespace')] : [];
  const name: Naming = { prefix: capital(groupWord(kind.group)) + capital(kind.version), subject: `${isNamespaced ? 'Namespaced' : ''}${kind.kind}` };
  const collection: PathItem = { path: `${scope}/${kind.plural}`, operations: collectionOperations(kind, name, inScope) };
  const item = `${collection.path}/{name}`;
  const inItem = [...inScope, inPath('name')];
  const paths: PathItem[] = [collection, { path: item, operations: itemOperations(kind, name, inItem) }];
  for (const subresource of kind.subresources) paths.push(...subresourcePaths(kind, subresource, name, item, inItem));
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
  const common = { kind, streams: false };
  const all: Readonly<Partial<Record<Verb, Operation>>> = {
    list: { ...common, id: `list${prefix}${subject}`, method: 'get', action: 'list', parameters: [...inScope, ...pretty, ...listing], codes: [200], answer: { is: 'list', kind }, streams: true },
    create: { ...common, id: `create${prefix}${subject}`, method: 'post', action: 'post', parameters: [...inScope, ...pretty, ...writing], body: { content, required: true }, codes: [200, 201, 202], answer: content },
    deletecollection: {
      ...common, id: `delete${prefix}Collection${subject}`, method: 'delete', action: 'deletecollection', parameters: [...inScope, ...pretty, ...selecting, ...deleting],
      body: { content: { is: 'deleteOptions' }, required: false }, codes: [200], answer: { is: 'status' },
    },
  };
  return kind.verbs.flatMap((verb) => all[verb] ?? []);
}

function itemOperations(kind: ResourceKind, { prefix, subject }: Naming, inItem: readonly Parameter[]): readonly Operation[] {
  return kind.verbs.flatMap((verb) => (verb === 'create' ? [] : (itemOperation(verb, kind, `${prefix}${subject}`, inItem) ?? [])));
}

/** GET, PUT, PATCH or DELETE of one object or of its status, scale and so on. */
function itemOperation(verb: Verb, kind: GroupVersionKind, name: string, inItem: readonly Parameter[]): Operation | undefined {
  const content: Content = { is: 'kind', kind };
  const common = { kind, streams: false, answer: content };
  switch (verb) {
    case 'get':
      return { ...common, id: `read${name}`, method: 'get', action: 'get', parameters: [...inItem, ...pretty], codes: [200] };
    case 'update':
      return { ...common, id: `replace${name}`, method: 'put', action: 'put', parameters: [...inItem, ...pretty, ...writing], body: { content, required: true }, codes: [200, 201] };
    case 'patch':
      return {
        ...common, id: `patch${name}`, method: 'patch', action: 'patch', parameters: [...inItem, ...pretty, ...writing, ...query('boolean', 'force')],
        body: { content: { is: 'patch' }, required: true }, codes: [200, 201],
      };
    case 'delete':
      return {
        ...common, id: `delete${name}`, method: 'delete', action: 'delete', parameters: [...inItem, ...pretty, ...deleting],
        body: { content: { is: 'deleteOptions' }, required: false }, codes: [200, 202], answer: answersWithObject(kind) ? content : { is: 'status' },
      };
    case 'create':
      return { ...common, id: `create${name}`, method: 'post', action: 'post', parameters: [...inItem, ...pretty, ...writing], body: { content, required: true }, codes: [200, 201, 202] };
    case 'list':
    case 'watch':
    case 'deletecollection':
      return undefined;
  }
}

function subresourcePaths(parent: ResourceKind, { name, kind = parent, verbs }: Subresource, { prefix, subject }: Naming, item: string, inItem: readonly Parameter[]): readonly PathItem[] {
  const path = `${item}/${name}`;
  if (connecting.has(name)) return connectPaths(name, kind, verbs, { prefix, subject }, path, inItem);
  if (name === 'log') {
    const parameters = [...inItem, ...pretty, ...(special['log'] ?? [])];
    return [{ path, operations: [{ id: `read${prefix}${subject}Log`, method: 'get', action: 'get', kind, parameters, codes: [200], answer: { is: 'text' }, streams: false }] }];
  }
  return [{ path, operations: verbs.flatMap((verb) => itemOperation(verb, kind, `${prefix}${subject}${capital(name)}`, inItem) ?? []) }];
}

function connectPaths(name: string, kind: GroupVersionKind, verbs: readonly Verb[], { prefix, subject }: Naming, path: string, inItem: readonly Parameter[]): readonly PathItem[] {
  const methods: readonly Method[] = name === 'proxy' ? proxyMethods : [...(verbs.includes('get') ? ['get' as const] : []), ...(verbs.includes('create') ? ['post' as const] : [])];
  const operations = (suffix: string, more: readonly Parameter[]): readonly Operation[] =>
    methods.map((method) => ({
      id: `connect${prefix}${capital(method)}${subject}${capital(name)}${suffix}`, method, action: 'connect', kind,
      parameters: [...inItem, ...more, ...(special[name] ?? [])], codes: [200], answer: { is: 'text' }, streams: false,
    }));
  const here: PathItem = { path, operations: operations('', []) };
  return name === 'proxy' ? [here, { path: `${path}/{path}`, operations: operations('WithPath', [inPath('path')]) }] : [here];
}

/** Lists across namespaces, and the old paths for watching. */
function everywherePaths(kind: ResourceKind, { prefix, subject }: Naming, base: string): readonly PathItem[] {
  const { plural, verbs } = kind;
  const isNamespaced = kind.scope === 'Namespaced';
  const paths: PathItem[] = [];
  const event = { kind, method: 'get', codes: [200], answer: { is: 'watchEvent' }, streams: true } as const;
  const parameters = [...listing, ...pretty];
  if (isNamespaced && verbs.includes('list')) {
    paths.push({
      path: `${base}/${plural}`,
      operations: [{ id: `list${prefix}${kind.kind}ForAllNamespaces`, method: 'get', action: 'list', kind, parameters, codes: [200], answer: { is: 'list', kind }, streams: true }],
    });
  }
  if (!verbs.includes('watch')) return paths;
  const inNamespace = isNamespaced ? [inPath('namespace')] : [];
  const scope = isNamespaced ? `${base}/watch/namespaces/{namespace}/${plural}` : `${base}/watch/${plural}`;
  if (isNamespaced) {
    paths.push({ path: `${base}/watch/${plural}`, operations: [{ ...event, id: `watch${prefix}${kind.kind}ListForAllNamespaces`, action: 'watchlist', parameters }] });
  }
  paths.push({ path: scope, operations: [{ ...event, id: `watch${prefix}${subject}List`, action: 'watchlist', parameters: [...inNamespace, ...parameters] }] });
  paths.push({ path: `${scope}/{name}`, operations: [{ ...event, id: `watch${prefix}${subject}`, action: 'watch', parameters: [...inNamespace, inPath('name'), ...parameters] }] });
  return paths;
}
