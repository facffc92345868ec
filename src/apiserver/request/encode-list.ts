/** The document of a list, in pieces where it is large; what JSON has of the items is copied from the cache. */
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { tableCells, tableFor } from '#apimachinery/table.ts';
import { toServed } from '../registry/served.ts';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import type { ListResult } from './api-call.ts';
import type { EncodeContext } from './encode.ts';
import { metaVersion, print, shape } from './encode.ts';
import { protobufList } from './encode-protobuf.ts';
import type { ItemForm, Piece } from './list-pieces.ts';
import { framedMetadata, framedObjects, listPieces, printedItems, wholeObjects } from './list-pieces.ts';

/** Resolves when the first piece can be asked for. */
export async function encodeList(result: ListResult, context: EncodeContext): Promise<Iterable<Piece>> {
  const { kind, items } = result;
  const metadata = {
    resourceVersion: result.resourceVersion,
    ...(result.continue !== undefined && { continue: result.continue }),
    ...(result.remainingItemCount !== undefined && { remainingItemCount: result.remainingItemCount }),
  };
  const { as, media } = context.form;
  if (media === 'json') return jsonList(kind, items, metadata, context);
  if (as === 'object' && media === 'protobuf') return protobufList(kind, metadata, items);
  // YAML, CBOR and tables in protobuf are made whole: nobody asks for large lists in them.
  return [{ bytes: print(shape(kind, items.map((cached) => toServed(kind, cached.object)), context, metadata), context), isLast: true }];
}

function jsonList(kind: ResourceKind, items: readonly CachedObject[], metadata: object, context: EncodeContext): Iterable<Piece> {
  const list = (kindName: string, apiVersion: string, form: ItemForm, key = 'items', more: object = {}): Iterable<Piece> => {
    const head = { kind: kindName, apiVersion, metadata, ...more };
    if (!context.isPretty) return listPieces(`${JSON.stringify(head).slice(0, -1)},"${key}":[`, items, form, ']}');
    return listPieces(`${JSON.stringify(head, undefined, 2).slice(0, -2)},\n  "${key}": [`, items, prettyItems(form), items.length === 0 ? ']\n}' : '\n  ]\n}');
  };
  switch (context.form.as) {
    case 'object':
      return list(kind.listKind, kind.apiVersion, wholeForm(kind));
    case 'partial':
      return list('PartialObjectMetadataList', metaVersion, partialForm(kind));
    case 'table':
      return list('Table', metaVersion, rowForm(kind, context), 'rows', { columnDefinitions: tableFor(kind, [], context).columnDefinitions });
  }
}

/** The same items, laid out for people: printed anew, for people ask seldom. */
function prettyItems(form: ItemForm): ItemForm {
  return printedItems((cached) => {
    const item = form.of(cached);
    const bytes = Buffer.allocUnsafe(item.length);
    const end = item.write(bytes, 0);
    return `\n    ${JSON.stringify(JSON.parse(bytes.toString('utf8', 0, end)), undefined, 2).replaceAll('\n', '\n    ')}`;
  });
}

function wholeForm(kind: ResourceKind): ItemForm {
  return kind.convertedFrom === undefined ? wholeObjects : printedItems((cached) => JSON.stringify(toServed(kind, cached.object)));
}

const partialHead = `{"kind":"PartialObjectMetadata","apiVersion":"${metaVersion}","metadata":`;
const partialObjects = framedMetadata(() => ({ before: partialHead, after: '}' }), true);

function partialForm(kind: ResourceKind): ItemForm {
  return kind.convertedFrom === undefined ? partialObjects : printedItems((cached) => `${partialHead}${JSON.stringify(toServed(kind, cached.object).metadata)}}`);
}

/** Ages among the cells make rows other ones a minute later. */
function rowForm(kind: ResourceKind, { nowMs, includeObject }: EncodeContext): ItemForm {
  const cells = tableCells(kind, nowMs);
  const head = (object: KubeObject): string => `{"cells":${JSON.stringify(cells(object))},"object":`;
  if (includeObject === 'None') return printedItems((cached) => `${head(toServed(kind, cached.object))}null}`);
  if (kind.convertedFrom !== undefined) {
    return printedItems((cached) => {
      const served = toServed(kind, cached.object);
      return `${head(served)}${includeObject === 'Object' ? JSON.stringify(served) : `${partialHead}${JSON.stringify(served.metadata)}}`}}`;
    });
  }
  if (includeObject === 'Object') return framedObjects(({ object }) => ({ before: head(object), after: '}' }));
  return framedMetadata(({ object }) => ({ before: `${head(object)}${partialHead}`, after: '}}' }), false);
}
