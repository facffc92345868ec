/** The one implementation of `Client`: turns verbs on kinds into requests. It keeps no state. */
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Given, ResourceKind } from '#apimachinery/resource.ts';
import type { DeleteOptions } from '#apimachinery/meta-types.ts';
import type { Client, List, ListOptions, ObjectKey, Patch, PatchOptions, PodLogOptions, RequestOptions, ServedResource, WatchOptions, WriteOptions } from './client.ts';
import { resourcePath } from './resource-path.ts';
import type { ApiRequest, Transport, WatchEvent } from './transport.ts';

type Query = Readonly<Record<string, string | undefined>>;

/** A client that sends through `transport`. Closing the transport is up to whoever made it. */
export function createClient(transport: Transport): Client {
  const send = async <T>(request: ApiRequest): Promise<T> => (await transport.request(request)) as T;

  const write = <T extends KubeObject>(
    method: 'POST' | 'PUT',
    kind: ResourceKind<T>,
    object: Given<T>,
    subresource: string | undefined,
    options: WriteOptions = {},
  ): Promise<T> => {
    const metadata = (object as { metadata?: { name?: string; namespace?: string } }).metadata ?? {};
    return send<T>({
      method,
      path: resourcePath(kind, { namespace: metadata.namespace, name: method === 'PUT' ? metadata.name : undefined, subresource }),
      query: writeQuery(options),
      body: typed(kind, object),
      kind,
      signal: options.signal,
    });
  };

  const patch = <T extends KubeObject>(kind: ResourceKind<T>, key: ObjectKey, how: SentPatch, options: PatchOptions & { readonly force?: boolean }): Promise<T> =>
    send<T>({
      method: 'PATCH',
      path: resourcePath(kind, { ...key, subresource: options.subresource }),
      query: { ...writeQuery(options), force: options.force === true ? 'true' : undefined },
      body: how.body,
      contentType: how.contentType,
      kind,
      signal: options.signal,
    });

  return {
    get: (kind, key, options = {}) =>
      send({ method: 'GET', path: resourcePath(kind, key), query: { resourceVersion: options.resourceVersion }, kind, signal: options.signal }),
    list: <T extends KubeObject>(kind: ResourceKind<T>, options: ListOptions = {}) =>
      send<List<T>>({ method: 'GET', path: resourcePath(kind, { namespace: options.namespace }), query: listQuery(options), kind, signal: options.signal }),
    watch: <T extends KubeObject>(kind: ResourceKind<T>, options: WatchOptions = {}): AsyncIterable<readonly WatchEvent<T>[]> =>
      transport.watch<T>({
        method: 'GET',
        path: resourcePath(kind, { namespace: options.namespace }),
        query: { ...listQuery(options), watch: 'true', ...watchQuery(options) },
        kind,
        signal: options.signal,
      }),
    resources: async (groupVersion, options = {}) => (await send<{ readonly resources?: readonly ServedResource[] }>({ method: 'GET', path: `/apis/${groupVersion}`, signal: options.signal })).resources ?? [],
    create: (kind, object, options) => write('POST', kind, object, undefined, options),
    update: <T extends KubeObject>(kind: ResourceKind<T>, object: T, options?: WriteOptions) =>
      write<T>('PUT', kind, object as Given<T>, undefined, options),
    updateStatus: <T extends KubeObject>(kind: ResourceKind<T>, object: T, options?: WriteOptions) =>
      write<T>('PUT', kind, object as Given<T>, 'status', options),
    updateSubresource: <T extends KubeObject>(kind: ResourceKind<T>, object: T, subresource: string, options?: WriteOptions) =>
      write<T>('PUT', kind, object as Given<T>, subresource, options),
    patch: (kind, key, how, options = {}) => patch(kind, key, sentPatch(how), options),
    apply: <T extends KubeObject>(kind: ResourceKind<T>, object: Given<T>, options: PatchOptions & { readonly fieldManager: string; readonly force?: boolean }) => {
      const { name = '', namespace } = (object as { metadata?: { name?: string; namespace?: string } }).metadata ?? {};
      return patch(kind, { name, namespace }, { body: typed(kind, object), contentType: 'application/apply-patch+yaml' }, options);
    },
    async delete(kind, key, options = {}) {
      await send({ method: 'DELETE', path: resourcePath(kind, key), body: deleteBody(options), signal: options.signal });
    },
    async deleteCollection(kind, options = {}) {
      await send({
        method: 'DELETE',
        path: resourcePath(kind, { namespace: options.namespace }),
        query: listQuery(options),
        body: deleteBody(options),
        signal: options.signal,
      });
    },
    createSubresource: (kind, key, subresource, bodyKind, body, options = {}) =>
      send({
        method: 'POST',
        path: resourcePath(kind, { ...key, subresource }),
        query: writeQuery(options),
        body: typed(bodyKind, body),
        kind: bodyKind,
        signal: options.signal,
      }),
    podLogs: (key, options = {}) =>
      transport.stream({
        method: 'GET',
        path: resourcePath({ group: '', version: 'v1', plural: 'pods', scope: 'Namespaced' }, { ...key, subresource: 'log' }),
        query: logQuery(options),
        signal: options.signal,
      }),
  };
}

interface SentPatch {
  readonly body: object;
  readonly contentType: string;
}

function sentPatch(patch: Patch): SentPatch {
  switch (patch.type) {
    case 'json':
      return { body: patch.operations, contentType: 'application/json-patch+json' };
    case 'merge':
      return { body: patch.patch, contentType: 'application/merge-patch+json' };
    case 'strategic':
      return { body: patch.patch, contentType: 'application/strategic-merge-patch+json' };
  }
}

/** Callers need not repeat what the kind says already. */
function typed(kind: ResourceKind, object: object): object {
  return 'apiVersion' in object && 'kind' in object ? object : { ...object, apiVersion: kind.apiVersion, kind: kind.kind };
}

function deleteBody(options: RequestOptions & Given<DeleteOptions>): object {
  const { gracePeriodSeconds, preconditions, orphanDependents, propagationPolicy, dryRun } = options;
  const given = { gracePeriodSeconds, preconditions, orphanDependents, propagationPolicy, dryRun };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { kind: 'DeleteOptions', apiVersion: 'v1', ...set };
}

function writeQuery(options: WriteOptions): Query {
  return {
    dryRun: options.dryRun === true ? 'All' : undefined,
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation,
  };
}

function listQuery(options: ListOptions): Query {
  return {
    labelSelector: notEmpty(options.labelSelector),
    fieldSelector: notEmpty(options.fieldSelector),
    limit: numeral(options.limit),
    continue: notEmpty(options.continue),
    resourceVersion: options.resourceVersion,
    resourceVersionMatch: options.resourceVersionMatch,
  };
}

function watchQuery(options: WatchOptions): Query {
  return {
    allowWatchBookmarks: options.allowWatchBookmarks === true ? 'true' : undefined,
    sendInitialEvents: options.sendInitialEvents === undefined ? undefined : String(options.sendInitialEvents),
    timeoutSeconds: numeral(options.timeoutSeconds),
  };
}

function logQuery(options: PodLogOptions): Query {
  return {
    container: options.container,
    follow: flag(options.follow),
    previous: flag(options.previous),
    timestamps: flag(options.timestamps),
    tailLines: numeral(options.tailLines),
    sinceSeconds: numeral(options.sinceSeconds),
    limitBytes: numeral(options.limitBytes),
  };
}

function notEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
function numeral(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}
function flag(value: boolean | undefined): string | undefined {
  return value === true ? 'true' : undefined;
}
