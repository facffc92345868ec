import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { seededRandom } from '#base/random.ts';
import { kinds } from '#api/kinds.ts';
import { openMemoryStore } from '#store/memory.ts';
import { aesCbc, aesGcm } from './aes.ts';
import { encryptedStore } from './encrypted-store.ts';
import { identity } from './provider.ts';
import { resourceOfKey } from './resource-of-key.ts';
import { secretbox } from './secretbox.ts';
import { Transformer } from './transformer.ts';

const secret = Buffer.alloc(32, 9);
const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();

test('stored bytes start as upstream\'s do and come back whole, in reads, pages and watches', async () => {
  for (const [provider, start] of [[aesCbc('k', secret), 'k8s:enc:aescbc:v1:k:'], [aesGcm('k', secret), 'k8s:enc:aesgcm:v1:k:'], [secretbox('k', secret), 'k8s:enc:secretbox:v1:k:']] as const) {
    const inner = openMemoryStore({ clock: systemClock, random: seededRandom(1) });
    const transformer = new Transformer([provider, identity]);
    const store = encryptedStore(inner, (key) => (key.startsWith('/registry/secrets/') ? transformer : undefined));
    const stopped = new AbortController();
    const watching = store.watch('/registry/', { afterRevision: await store.revision(), signal: stopped.signal })[Symbol.asyncIterator]();
    const value = Buffer.from('{"a":1}');
    await store.put('/registry/secrets/default/a', value, { absent: true });
    await store.transaction([{ key: '/registry/secrets/default/b', value, expect: { absent: true } }, { key: '/registry/configmaps/default/c', value, expect: { absent: true } }]);
    assert.ok(text((await inner.get('/registry/secrets/default/a')).entry?.value).startsWith(start));
    assert.equal(text((await inner.get('/registry/configmaps/default/c')).entry?.value), '{"a":1}');
    assert.equal(text((await store.get('/registry/secrets/default/a')).entry?.value), '{"a":1}');
    assert.deepEqual((await store.range('/registry/')).entries.map((entry) => text(entry.value)), ['{"a":1}', '{"a":1}', '{"a":1}']);
    const first: IteratorResult<{ readonly changes: readonly { readonly entry: { readonly value: Uint8Array } | undefined }[] }> = await watching.next();
    assert.equal(first.done === true ? undefined : first.value.changes[0]?.entry?.value, value, 'the very array that was given');
    const conflict = await store.put('/registry/secrets/default/a', value, { absent: true });
    assert.equal(conflict.ok ? '' : text(conflict.current?.value), '{"a":1}');
    stopped.abort();
    await store.close();
  }
});

test('another server\'s values are decrypted, those of an unknown key are an error with the key of the object', async () => {
  const inner = openMemoryStore({ clock: systemClock, random: seededRandom(1) });
  const old = new Transformer([aesGcm('old', secret)]);
  await encryptedStore(inner, () => old).put('/registry/secrets/default/a', Buffer.from('x'), { absent: true });
  const both = encryptedStore(inner, () => new Transformer([secretbox('new', secret), aesGcm('old', secret)]));
  assert.equal(text((await both.get('/registry/secrets/default/a')).entry?.value), 'x');
  const without = encryptedStore(inner, () => new Transformer([secretbox('new', secret), identity]));
  await assert.rejects(without.get('/registry/secrets/default/a'), /unable to transform key "\/registry\/secrets\/default\/a": no matching prefix found/);
  await inner.close();
});

test('what is bound to one key cannot be put under another', async () => {
  const inner = openMemoryStore({ clock: systemClock, random: seededRandom(1) });
  const store = encryptedStore(inner, () => new Transformer([aesGcm('k', secret)]));
  await store.put('/registry/secrets/default/a', Buffer.from('x'), { absent: true });
  await inner.put('/registry/secrets/default/b', Buffer.from((await inner.get('/registry/secrets/default/a')).entry?.value ?? []), { absent: true });
  await assert.rejects(store.get('/registry/secrets/default/b'), /unable to transform key/);
  await inner.close();
});

test('keys tell their resource', () => {
  const of = resourceOfKey(kinds);
  assert.deepEqual(
    ['/registry/secrets/default/a', '/registry/services/specs/default/a', '/registry/deployments/default/a', '/registry/example.com/widgets/default/a', '/other'].map(of),
    [{ group: '', resource: 'secrets' }, { group: '', resource: 'services' }, { group: 'apps', resource: 'deployments' }, { group: 'example.com', resource: 'widgets' }, undefined],
  );
});
