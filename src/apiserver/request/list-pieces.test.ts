import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ConfigMap } from '#api/core/config-map.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { CachedObject } from '../watch-cache/cached-object.ts';
import { compressPieces } from './compress-pieces.ts';
import type { Piece } from './list-pieces.ts';
import { framedMetadata, listPieces, wholeObjects } from './list-pieces.ts';

function cached(name: string, annotation = ''): CachedObject {
  const metadata = { name, namespace: 'x', annotations: { text: annotation, nested: '{"a":"}\\""}' } };
  const bytes = Buffer.from(JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { metadata: '}' } }));
  return new CachedObject<KubeObject>(ConfigMap, `/registry/configmaps/x/${name}`, 7, bytes);
}

function* whole(items: readonly CachedObject[]): Generator<Piece> {
  yield* listPieces('{"items":[', items, wholeObjects, ']}');
}

/** A piece is taken before the next is asked for. */
function bytesOf(pieces: Iterable<Piece>): Buffer {
  const taken: Buffer[] = [];
  for (const { bytes } of pieces) taken.push(Buffer.from(bytes));
  return Buffer.concat(taken);
}

async function unpacked(pieces: Iterable<Piece>): Promise<Buffer> {
  const taken: Buffer[] = [];
  for await (const bytes of compressPieces(pieces)) taken.push(Buffer.from(bytes));
  return gunzipSync(Buffer.concat(taken));
}

test('pieces are one document, however large its items, and so they are when compressed', async () => {
  for (const [count, size] of [[0, 0], [1, 0], [3, 1_000_000], [4_000, 300]] as const) {
    const items = Array.from({ length: count }, (_, index) => cached(`item-${index}`, 'ü'.repeat(size)));
    const document = bytesOf(whole(items));
    const { items: read } = JSON.parse(document.toString()) as { readonly items: readonly unknown[] };
    assert.deepEqual(read, items.map((item) => JSON.parse(item.json().toString())));
    assert.deepEqual(await unpacked(whole(items)), document);
  }
});

test('a document says which of its pieces is the last', () => {
  for (const count of [0, 1, 4_000]) {
    const pieces = [...whole(Array.from({ length: count }, (_, index) => cached(`item-${index}`, 'x'.repeat(300))))];
    assert.deepEqual(pieces.map(({ isLast }) => isLast), pieces.map((_, index) => index === pieces.length - 1));
  }
});

test('what was compressed before is right again when objects change, go and come', async () => {
  const items = Array.from({ length: 2_000 }, (_, index) => cached(`item-${index}`, 'x'.repeat(300)));
  const lists = [items, items.with(777, cached('item-777', 'y')), items.slice(1), items.slice(0, -1), [...items, cached('item-last')], items];
  for (const list of lists) assert.deepEqual(await unpacked(whole(list)), bytesOf(whole(list)));
});

test('a change of one object leaves most of the other pieces as they were', () => {
  const items = Array.from({ length: 2_000 }, (_, index) => cached(`item-${index}`, 'x'.repeat(300)));
  const starts = (list: readonly CachedObject[]): readonly (CachedObject | undefined)[] => [...whole(list)].flatMap(({ run }) => (run === undefined ? [] : [run.objects[0]]));
  const before = starts(items);
  const after = starts(items.with(1_000, cached('item-1000', 'longer'.repeat(1_000))));
  assert.ok(before.length > 8);
  assert.ok(after.filter((start) => before.includes(start)).length >= before.length / 2);
});

test('metadata is cut out of an object as it stands there', () => {
  const items = ['one', 'two'].map((name) => cached(name, 'with \\ and " and {'));
  const form = framedMetadata(() => ({ before: '{"cells":["é"],"object":', after: '}' }), false);
  const rows = JSON.parse(bytesOf(listPieces('[', items, form, ']')).toString()) as readonly { readonly object: unknown }[];
  assert.deepEqual(rows.map(({ object }) => object), items.map((item) => (JSON.parse(item.json().toString()) as { metadata: unknown }).metadata));
});
