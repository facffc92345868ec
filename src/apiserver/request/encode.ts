/** From a result to the bytes of an HTTP answer. Objects out of the cache are not printed again: their bytes are copied. */
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { tableFor } from '#apimachinery/table.ts';
import { toServed } from '../registry/served.ts';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import type { ObjectResult } from './api-call.ts';
import { protobufDocument, protobufObject, protobufPartial, protobufPartialList } from './encode-protobuf.ts';
import type { AnswerForm, Media } from './negotiate.ts';
import { cbor, yaml } from './rare-formats.ts';
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

/** `kind`: of what `object` is, where that is an object as it is served. */
export function protobufForm(object: object, kind: ResourceKind | undefined): Buffer {
  const { kind: kindName } = object as { readonly kind?: string };
  if (kindName === 'PartialObjectMetadata') return protobufPartial(object as KubeObject);
  if (kindName === 'PartialObjectMetadataList') {
    const { metadata, items } = object as { readonly metadata: object; readonly items: readonly KubeObject[] };
    return protobufPartialList(metadata, items);
  }
  if (kind !== undefined) return protobufObject(kind, object as KubeObject);
  return protobufDocument(object, () => undefined) ?? Buffer.from(JSON.stringify(object));
}

/** Whether what is stored is what a client that speaks this version gets. */
export function isStoredForm(kind: ResourceKind, cached: CachedObject): boolean {
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
      return Buffer.from(yaml().stringify(document, yamlOptions));
    case 'cbor':
      return Buffer.from(cbor().encodeCbor(document));
    case 'protobuf':
      return protobufForm(document, undefined);
  }
}
