import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigMap } from '#api/core/config-map.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { CachedObject } from '../watch-cache/cached-object.ts';
import { framedMetadata, listPieces, wholeObjects } from './list-pieces.ts';

function cached(name: string, annotation = ''): CachedObject {
  const metadata = { name, namespace: 'x', annotations: { text: annotation, nested: '{"a":"}\\""}' } };
  const bytes = Buffer.from(JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { metadata: '}' } }));
  return new CachedObject<KubeObject>(ConfigMap, `/registry/configmaps/x/${name}`, 7, bytes);
}

test('pieces are one document, however large its items', () => {
  for (const [count, size] of [[0, 0], [1, 0], [3, 1_000_000], [4_000, 300]] as const) {
    const items = Array.from({ length: count }, (_, index) => cached(`item-${index}`, 'ü'.repeat(size)));
    const pieces = [...listPieces('{"items":[', items, wholeObjects, ']}')];
    assert.ok(pieces.length > 0);
    const document = JSON.parse(Buffer.concat(pieces).toString()) as { readonly items: readonly unknown[] };
    assert.deepEqual(document.items, items.map((item) => JSON.parse(item.json().toString())));
  }
});

test('metadata is cut out of an object as it stands there', () => {
  const items = ['one', 'two'].map((name) => ({ cached: cached(name, 'with \\ and " and {'), before: '{"cells":["é"],"object":', after: '}' }));
  const rows = JSON.parse(Buffer.concat([...listPieces('[', items, framedMetadata, ']')]).toString()) as readonly { readonly object: unknown }[];
  assert.deepEqual(rows.map(({ object }) => object), items.map((item) => (JSON.parse(item.cached.json().toString()) as { metadata: unknown }).metadata));
});
