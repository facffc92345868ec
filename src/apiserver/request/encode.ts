/** From a result to the bytes of an HTTP answer. Objects out of the cache are not printed again: their bytes are copied. */
import { stringify as stringifyYaml } from 'yaml';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { tableFor } from '#apimachinery/table.ts';
import { toServed } from '../registry/served.ts';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import type { ListResult, ObjectResult, WatchItem } from './api-call.ts';
import type { AnswerForm } from './negotiate.ts';

/** What encoding needs to know of the request. */
export interface EncodeContext {
  readonly form: AnswerForm;
  readonly nowMs: number;
  /** `includeObject` of table requests. */
  readonly includeObject: 'Metadata' | 'None' | 'Object';
}

export const contentTypes: Readonly<Record<AnswerForm['media'], string>> = { json: 'application/json', yaml: 'application/yaml' };

export function encodeObject(result: ObjectResult, context: EncodeContext): Buffer {
  const { kind, cached } = result;
  if (context.form.as === 'object' && context.form.media === 'json' && cached !== undefined && isStoredForm(kind, cached)) return cached.json();
  return print(shape(kind, [toServedForm(kind, result)], context, undefined), context);
}

/** The document of a list; `items` of a plain JSON list are copied from the cache. */
export function encodeList(result: ListResult, context: EncodeContext): Buffer {
  const { kind, items } = result;
  const metadata = {
    resourceVersion: result.resourceVersion,
    ...(result.continue !== undefined && { continue: result.continue }),
    ...(result.remainingItemCount !== undefined && { remainingItemCount: result.remainingItemCount }),
  };
  if (context.form.as === 'object' && context.form.media === 'json' && kind.convertedFrom === undefined) {
    return joinList(`{"kind":${JSON.stringify(kind.listKind)},"apiVersion":${JSON.stringify(kind.apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`, items);
  }
  return print(shape(kind, items.map((cached) => toServed(kind, cached.object)), context, metadata), context);
}

function joinList(head: string, items: readonly CachedObject[]): Buffer {
  let length = Buffer.byteLength(head) + 2 + Math.max(0, items.length - 1);
  for (const item of items) length += item.jsonLength;
  const output = Buffer.allocUnsafe(length);
  let offset = output.write(head, 0);
  for (const [index, item] of items.entries()) {
    if (index > 0) output[offset++] = 0x2c;
    offset = item.writeJson(output, offset);
  }
  output.write(']}', offset);
  return output;
}

/** A line of a watch answer. */
export function encodeEvent(kind: ResourceKind, item: WatchItem, context: EncodeContext): Buffer {
  if (context.form.as === 'object' && item.type !== 'BOOKMARK' && isStoredForm(kind, item.cached)) return frameOf(item);
  if (item.type === 'BOOKMARK') return Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object: bookmarkObject(kind, item, context) })}\n`);
  const object = shape(kind, [toServed(kind, item.cached.object)], context, undefined);
  return Buffer.from(`${JSON.stringify({ type: item.type, object })}\n`);
}

/** A line that ends a watch with an error. */
export function encodeErrorEvent(status: object): Buffer {
  return Buffer.from(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
}

function bookmarkObject(kind: ResourceKind, item: WatchItem, context: EncodeContext): object {
  const metadata = {
    resourceVersion: String(item.cached.revision),
    creationTimestamp: null,
    ...(item.initialEventsEnd === true && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
  };
  if (context.form.as === 'table') return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion: metadata.resourceVersion }, columnDefinitions: [], rows: [{ cells: [], object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata } }] };
  if (context.form.as === 'partial') return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
  return { kind: kind.kind, apiVersion: kind.apiVersion, metadata };
}

/** Watchers of one resource get an event at nearly the same time: its line is made once and kept for a while. */
const frames = new Map<CachedObject, { readonly type: string; readonly line: Buffer }>();
const maxFrames = 256;

function frameOf(item: WatchItem): Buffer {
  const known = frames.get(item.cached);
  if (known?.type === item.type) return known.line;
  const head = `{"type":"${item.type}","object":`;
  const line = Buffer.allocUnsafe(head.length + item.cached.jsonLength + 2);
  line.write(head, 0, 'latin1');
  const end = item.cached.writeJson(line, head.length);
  line.write('}\n', end, 'latin1');
  if (frames.size >= maxFrames) for (const oldest of frames.keys()) {
    frames.delete(oldest);
    break;
  }
  frames.set(item.cached, { type: item.type, line });
  return line;
}

function isStoredForm(kind: ResourceKind, cached: CachedObject): boolean {
  return kind.convertedFrom === undefined && cached.kind === kind;
}

function toServedForm(kind: ResourceKind, result: ObjectResult): KubeObject {
  return result.object.apiVersion === kind.apiVersion ? result.object : toServed(kind, result.object);
}

/** One object or a list in the form asked for; `listMeta` is given for lists. */
function shape(kind: ResourceKind, objects: readonly KubeObject[], context: EncodeContext, listMeta: object | undefined): object {
  const { as } = context.form;
  if (as === 'table') {
    const table = tableFor(kind, objects, { nowMs: context.nowMs, includeObject: context.includeObject });
    const [only] = objects;
    return { ...table, metadata: listMeta ?? { resourceVersion: only?.metadata.resourceVersion ?? '' } };
  }
  const items = as === 'partial' ? objects.map(partialMetadata) : objects;
  if (listMeta === undefined) return items[0] ?? {};
  return as === 'partial'
    ? { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata: listMeta, items }
    : { kind: kind.listKind, apiVersion: kind.apiVersion, metadata: listMeta, items };
}

function partialMetadata(object: KubeObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

/** Any document in the media type asked for. */
export function print(document: object, context: { readonly form: AnswerForm }): Buffer {
  return Buffer.from(context.form.media === 'yaml' ? stringifyYaml(document) : JSON.stringify(document));
}
