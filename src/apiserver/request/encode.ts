/** From a result to the bytes of an HTTP answer. Objects out of the cache are not printed again: their bytes are copied. */
import { stringify as stringifyYaml } from 'yaml';
import { encodeCbor } from '#apimachinery/cbor.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { tableFor } from '#apimachinery/table.ts';
import { toServed } from '../registry/served.ts';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import type { ObjectResult, WatchItem } from './api-call.ts';
import { protobufDocument, protobufFrame, protobufObject, protobufPartial, protobufPartialList } from './encode-protobuf.ts';
import type { AnswerForm, Media } from './negotiate.ts';
import type { KindOf } from './read-call-body.ts';

/** What encoding needs to know of the request. */
export interface EncodeContext {
  readonly form: AnswerForm;
  readonly nowMs: number;
  /** `includeObject` of table requests. */
  readonly includeObject: 'Metadata' | 'None' | 'Object';
  /** Whether JSON is laid out for people. */
  readonly isPretty: boolean;
}

export function encodeObject(result: ObjectResult, context: EncodeContext): Buffer {
  const { kind, cached } = result;
  const { as, media } = context.form;
  if (as === 'object' && media === 'json' && cached !== undefined && isStoredForm(kind, cached)) return context.isPretty ? laidOut(cached.json()) : cached.json();
  if (as === 'object' && media === 'protobuf') return protobufObject(kind, cached !== undefined && isStoredForm(kind, cached) ? cached : toServedForm(kind, result));
  return print(shape(kind, [toServedForm(kind, result)], context, undefined), context);
}

/** Printed anew, for people ask seldom. */
function laidOut(json: Buffer): Buffer {
  return Buffer.from(JSON.stringify(JSON.parse(json.toString()), undefined, 2));
}

export const metaVersion = 'meta.k8s.io/v1';

/** A line of a watch answer, or a frame of it where the form is not made of lines. */
export function encodeEvent(kind: ResourceKind, item: WatchItem, context: EncodeContext): Uint8Array {
  const { form } = context;
  if (item.type === 'BOOKMARK') return frame(form.media, 'BOOKMARK', bookmarkObject(kind, item, context), kind);
  // What a table says of ages is not the same a minute later.
  if (form.as === 'table') return frame(form.media, item.type, shape(kind, [toServed(kind, item.cached.object)], context, undefined));
  return frameOf(kind, item, context);
}

/** What ends a watch with an error. */
export function encodeErrorEvent(status: object, media: Media): Uint8Array {
  return frame(media, 'ERROR', status);
}

/** `kind`: of what `object` is, where that is an object as it is served. */
function frame(media: Media, type: string, object: object, kind?: ResourceKind): Uint8Array {
  switch (media) {
    case 'json': case 'yaml':
      return Buffer.from(`${JSON.stringify({ type, object })}\n`);
    case 'cbor':
      return encodeCbor({ type, object });
    case 'protobuf':
      return protobufFrame(type, protobufForm(object, kind));
  }
}

function protobufForm(object: object, kind: ResourceKind | undefined): Buffer {
  const { kind: kindName } = object as { readonly kind?: string };
  if (kindName === 'PartialObjectMetadata') return protobufPartial(object as KubeObject);
  if (kindName === 'PartialObjectMetadataList') {
    const { metadata, items } = object as { readonly metadata: object; readonly items: readonly KubeObject[] };
    return protobufPartialList(metadata, items);
  }
  if (kind !== undefined) return protobufObject(kind, object as KubeObject);
  return protobufDocument(object, () => undefined) ?? Buffer.from(JSON.stringify(object));
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

/** Watchers of one resource get an event at nearly the same time: its frame is made once per form and kept for a while. */
const frames = new Map<CachedObject, readonly Frame[]>();
const maxFrames = 256;

interface Frame {
  readonly type: string;
  readonly form: AnswerForm;
  /** The version it is in. */
  readonly kind: ResourceKind;
  readonly bytes: Uint8Array;
}

function frameOf(kind: ResourceKind, item: WatchItem, context: EncodeContext): Uint8Array {
  const { cached, type } = item;
  const { form } = context;
  const known = frames.get(cached);
  if (known !== undefined) for (const each of known) if (each.form === form && each.kind === kind && each.type === type) return each.bytes;
  const bytes = makeFrame(kind, item, context);
  if (known === undefined && frames.size >= maxFrames) for (const oldest of frames.keys()) {
    frames.delete(oldest);
    break;
  }
  frames.set(cached, [...(known ?? []), { type, form, kind, bytes }]);
  return bytes;
}

function makeFrame(kind: ResourceKind, { cached, type }: WatchItem, context: EncodeContext): Uint8Array {
  const { media, as } = context.form;
  if (as === 'object' && media === 'json' && isStoredForm(kind, cached)) return lineOf(type, cached);
  if (as === 'object' && media === 'protobuf') return protobufFrame(type, protobufObject(kind, cached));
  return frame(media, type, shape(kind, [toServed(kind, cached.object)], context, undefined), kind);
}

function lineOf(type: string, cached: CachedObject): Buffer {
  const head = `{"type":"${type}","object":`;
  const line = Buffer.allocUnsafe(head.length + cached.jsonLength + 2);
  line.write(head, 0, 'latin1');
  const end = cached.writeJson(line, head.length);
  line.write('}\n', end, 'latin1');
  return line;
}

function isStoredForm(kind: ResourceKind, cached: CachedObject): boolean {
  return kind.convertedFrom === undefined && cached.kind === kind;
}

function toServedForm(kind: ResourceKind, result: ObjectResult): KubeObject {
  return result.object.apiVersion === kind.apiVersion ? result.object : toServed(kind, result.object);
}

/** One object or a list in the form asked for; `listMeta` is given for lists. */
export function shape(kind: ResourceKind, objects: readonly KubeObject[], context: EncodeContext, listMeta: object | undefined): object {
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

/** Any document in the media type asked for; what has no form in it is sent as JSON. `kindOf`: for documents of declared kinds. */
export function encodeDocument(document: object, media: Media, kindOf: KindOf, isPretty: boolean): { readonly media: Media; readonly bytes: Buffer } {
  if (media !== 'protobuf') return { media, bytes: print(document, { form: { media, as: 'object' }, isPretty }) };
  const bytes = protobufDocument(document, kindOf);
  return bytes === undefined ? { media: 'json', bytes: Buffer.from(JSON.stringify(document)) } : { media, bytes };
}

/** Readers of YAML 1.1 and 1.2 find the same in it: `yes` and 0o17 are texts. The layout is that of Kubernetes. */
const yamlOptions = { version: '1.1', compat: 'core', sortMapEntries: true, indentSeq: false, aliasDuplicateObjects: false, lineWidth: 0 } as const;

/** In the media type asked for. */
export function print(document: object, { form, isPretty }: Pick<EncodeContext, 'form' | 'isPretty'>): Buffer {
  switch (form.media) {
    case 'json':
      return Buffer.from(JSON.stringify(document, undefined, isPretty ? 2 : undefined));
    case 'yaml':
      return Buffer.from(stringifyYaml(document, yamlOptions));
    case 'cbor':
      return Buffer.from(encodeCbor(document));
    case 'protobuf':
      return protobufForm(document, undefined);
  }
}
