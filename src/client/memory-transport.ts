/**
 * Test support: a transport to a store of objects in memory. It keeps versions, conflicts, finalizers and watches, and
 * nothing of defaults, validation, admission or selectors. Tests above this layer use the real API server instead.
 */
import type { JsonObject } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { decodeObject } from '#apimachinery/decode.ts';
import { jsonMergePatch } from '#apimachinery/patch-merge.ts';
import { strategicMergePatch } from '#apimachinery/patch-strategic.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { alreadyExists, expired, notFound, staleVersion } from '#apimachinery/status-error.ts';
import type { ApiRequest, Transport, WatchEvent } from './transport.ts';

type Raw = Record<string, unknown> & { metadata: Record<string, unknown> };
interface LogEntry {
  readonly version: number;
  readonly type: WatchEvent['type'];
  readonly path: string;
  readonly object: Raw;
}

export class MemoryTransport implements Transport {
  readonly requests: ApiRequest[] = [];
  /** Set to make the next requests fail. */
  failWith: ((request: ApiRequest) => Error | undefined) | undefined;
  readonly #objects = new Map<string, Raw>();
  readonly #log: LogEntry[] = [];
  #compacted = 0;
  #version = 0;
  #wake = Promise.withResolvers<void>();
  readonly #cut = new Set<AbortController>();

  async request(request: ApiRequest): Promise<unknown> {
    this.requests.push(request);
    const failure = this.failWith?.(request);
    if (failure !== undefined) throw failure;
    const { collection, name, subresource } = parse(request.path);
    const key = `${collection}/${name ?? ''}`;
    const known = this.#objects.get(key);
    const missing = (): Error => notFound({ plural: collection.split('/').at(-1) ?? '', group: '' }, name ?? '');
    const body = (request.body ?? {}) as Raw;
    switch (request.method) {
      case 'GET':
        if (name === undefined) return this.#list(request, collection);
        if (known === undefined) throw missing();
        return decoded(request.kind, known);
      case 'POST': {
        const given = body.metadata as { name?: string; generateName?: string };
        const made = given.name ?? `${given.generateName ?? ''}${this.#version + 1}`;
        if (subresource !== undefined) return { kind: 'Status', status: 'Success' };
        if (this.#objects.has(`${collection}/${made}`)) throw alreadyExists({ plural: 'objects', group: '' }, made);
        const object = { ...body, metadata: { ...body.metadata, name: made, uid: `uid-${this.#version + 1}`, generation: 1, creationTimestamp: body.metadata['creationTimestamp'] ?? '2026-01-01T00:00:00Z' } };
        return decoded(request.kind, this.#write(`${collection}/${made}`, object, 'ADDED'));
      }
      case 'PUT':
      case 'PATCH': {
        if (known === undefined) throw missing();
        const given = body.metadata as { resourceVersion?: string } | undefined;
        if (given?.resourceVersion !== undefined && given.resourceVersion !== known.metadata['resourceVersion']) throw staleVersion({ plural: 'objects', group: '' }, name ?? '');
        const whole = request.method === 'PUT' ? body : patched(request, known);
        const next = subresource === 'status' ? { ...known, status: whole['status'] } : { ...whole, ...(known['status'] !== undefined && { status: known['status'] }) };
        const isGone = next.metadata['deletionTimestamp'] !== undefined && !hasFinalizers(next);
        return decoded(request.kind, this.#write(key, next, isGone ? 'DELETED' : 'MODIFIED'));
      }
      case 'DELETE': {
        if (name === undefined) {
          for (const path of this.#paths(collection)) await this.request({ method: 'DELETE', path });
          return { kind: 'Status', status: 'Success' };
        }
        if (known === undefined) throw missing();
        const marked = { ...known, metadata: { ...known.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
        this.#write(key, hasFinalizers(known) ? marked : known, hasFinalizers(known) ? 'MODIFIED' : 'DELETED');
        return { kind: 'Status', status: 'Success' };
      }
    }
  }

  async *watch<T extends KubeObject>(request: ApiRequest): AsyncIterable<readonly WatchEvent<T>[]> {
    this.requests.push(request);
    const failure = this.failWith?.(request);
    if (failure !== undefined) throw failure;
    let seen = Number(request.query?.['resourceVersion'] ?? '0');
    if (seen < this.#compacted) throw expired('too old resource version');
    const { collection } = parse(request.path);
    const cut = new AbortController();
    this.#cut.add(cut);
    const ended = Promise.withResolvers<void>();
    for (const signal of [cut.signal, request.signal]) signal?.addEventListener('abort', () => ended.resolve());
    while (!cut.signal.aborted && request.signal?.aborted !== true) {
      const wake = this.#wake.promise;
      const news = this.#log.filter((entry) => entry.version > seen && inCollection(entry.path, collection));
      seen = this.#version;
      if (news.length > 0) yield news.map(({ type, object }) => ({ type, object: decoded(request.kind, object) as T }));
      else await Promise.race([wake, ended.promise]);
    }
  }

  async stream(): Promise<AsyncIterable<Uint8Array>> {
    throw new Error('no streams here');
  }

  /** Forgets history: watches from before get 410. */
  compact(): void {
    this.#compacted = this.#version;
  }

  /** Ends every watch. */
  cutWatches(): void {
    for (const cut of this.#cut) cut.abort();
    this.#cut.clear();
  }

  async close(): Promise<void> {
    this.cutWatches();
  }

  #paths(collection: string): string[] {
    return [...this.#objects.keys()].filter((path) => inCollection(path, collection));
  }

  #list(request: ApiRequest, collection: string): unknown {
    const items = this.#paths(collection).map((path) => decoded(request.kind, this.#objects.get(path)));
    return { metadata: { resourceVersion: String(this.#version) }, items };
  }

  #write(path: string, object: Raw, type: WatchEvent['type']): Raw {
    const version = ++this.#version;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    if (type === 'DELETED') this.#objects.delete(path);
    else this.#objects.set(path, stored);
    this.#log.push({ version, type, path, object: stored });
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
    return stored;
  }
}

interface Place {
  readonly collection: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}
function parse(path: string): Place {
  const parts = path.split('/').slice(1);
  const root = parts[0] === 'api' ? 2 : 3;
  const isNamespaced = parts[root] === 'namespaces' && parts.length > root + 2;
  const at = isNamespaced ? root + 2 : root;
  return { collection: `/${parts.slice(0, at + 1).join('/')}`, name: parts[at + 1], subresource: parts[at + 2] };
}

/** A collection over all namespaces holds those of each. */
function inCollection(path: string, collection: string): boolean {
  const own = path.slice(0, path.lastIndexOf('/'));
  return own === collection || own.replace(/\/namespaces\/[^/]+\/(?=[^/]+$)/, '/') === collection;
}

function hasFinalizers(object: Raw): boolean {
  return ((object.metadata['finalizers'] as string[] | undefined) ?? []).length > 0;
}

/** JSON Patch and apply are not known here. */
function patched({ kind, contentType, body }: ApiRequest, object: Raw): Raw {
  const current = object as JsonObject;
  const isStrategic = contentType === 'application/strategic-merge-patch+json' && kind !== undefined;
  return (isStrategic ? strategicMergePatch(kind, current, body) : jsonMergePatch(current, body)) as Raw;
}

function decoded(kind: ResourceKind | undefined, object: Raw | undefined): unknown {
  return kind === undefined ? object : decodeObject(kind, structuredClone(object));
}
