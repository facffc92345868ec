import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { seededRandom } from '#base/random.ts';
import { openEtcdStore } from '#store/etcd.ts';
import type { EtcdCluster } from '#store/etcd/etcd-member.fixture.ts';
import { etcdMissing, startEtcdCluster } from '#store/etcd/etcd-member.fixture.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import type { Store } from '#store/store.ts';

const main = join(import.meta.dirname, '../../src/cmd/main.ts');

describe('skiff store', { skip: etcdMissing, timeout: 60_000 }, () => {
  let directory: string;
  let etcd: EtcdCluster;
  let endpoint: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skiff-store-command-'));
    etcd = await startEtcdCluster({ members: 1 });
    [endpoint = ''] = etcd.endpoints;
    const store = await openSqliteStore({ file: join(directory, 'source.db'), clock: systemClock, random: seededRandom(1) });
    for (let index = 0; index < 250; index++) await store.put(`/registry/configmaps/default/x-${index}`, object(index), { absent: true });
    await store.delete('/registry/configmaps/default/x-7', { any: true });
    await store.close();
  });
  after(async () => {
    await etcd.close();
    await rm(directory, { recursive: true });
  });

  function skiff(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
    return new Promise((resolve) => {
      execFile(process.execPath, [main, 'store', ...args], (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }));
    });
  }

  async function contentOf(store: Store): Promise<unknown> {
    const { entries } = await store.range('');
    await store.close();
    return entries.map(({ key, value }) => [key, new TextDecoder().decode(value)]);
  }
  const fileContent = async (name: string): Promise<unknown> => contentOf(await openSqliteStore({ file: join(directory, name), clock: systemClock, random: seededRandom(2) }));
  const etcdContent = async (): Promise<unknown> => contentOf(await openEtcdStore({ endpoints: [endpoint], clock: systemClock, random: seededRandom(2) }));

  it('moves a file to an etcd and back, by migrate, snapshot and restore', async () => {
    const source = join(directory, 'source.db');
    assert.match((await skiff('migrate', '--from', source, '--to', endpoint)).out, /^249 objects copied to http/);
    const expected = await fileContent('source.db');
    assert.deepEqual(await etcdContent(), expected);
    const snapshot = join(directory, 'snapshot.db');
    assert.match((await skiff('snapshot', snapshot, '--store', endpoint)).out, /has everything up to revision \d+/);
    assert.deepEqual(await fileContent('snapshot.db'), expected);
    const back = join(directory, 'back.db');
    assert.match((await skiff('restore', snapshot, '--store', back)).out, /^249 objects copied/);
    assert.deepEqual(await fileContent('back.db'), expected);
    assert.match((await skiff('check', '--store', back)).out, /249 objects.*\n +249 configmaps/);
  });

  it('a target that is not empty is left alone unless it is forced', async () => {
    const target = join(directory, 'target.db');
    const store = await openSqliteStore({ file: target, clock: systemClock, random: seededRandom(1) });
    await store.put('/registry/configmaps/default/old', object(1), { absent: true });
    await store.close();
    const refused = await skiff('migrate', '--from', join(directory, 'source.db'), '--to', target);
    assert.deepEqual([refused.code, refused.err], [1, `skiff: ${target} is not empty; --force throws away what it has\n`]);
    assert.equal((await skiff('migrate', '--from', join(directory, 'source.db'), '--to', target, '--force')).code, 0);
    assert.deepEqual(await fileContent('target.db'), await fileContent('source.db'));
  });

  it('check names what is wrong', async () => {
    const file = join(directory, 'wrong.db');
    const store = await openSqliteStore({ file, clock: systemClock, random: seededRandom(1) });
    await store.put('/registry/configmaps/default/other-name', object(1), { absent: true });
    await store.put('/registry/pods/default/broken', new TextEncoder().encode('{'), { absent: true });
    await store.close();
    const { code, out } = await skiff('check', '--store', file);
    assert.equal(code, 1);
    assert.match(out, /wrong: \/registry\/configmaps\/default\/other-name: its value is called "x-1"/);
    assert.match(out, /wrong: \/registry\/pods\/default\/broken: its value is no JSON/);
  });

  it('what cannot be opened is said in one line', async () => {
    const missing = join(directory, 'missing.db');
    assert.deepEqual(await skiff('check', '--store', missing), { code: 1, out: '', err: `skiff: there is no store ${missing}\n` });
    const text = join(directory, 'text.db');
    await writeFile(text, 'this is no database, but long enough to be taken for one at first sight');
    assert.equal((await skiff('check', '--store', text)).code, 1);
    assert.equal((await skiff('snapshot', text)).err, `skiff: ${text} exists already; name a new file\n`);
    const held = await openSqliteStore({ file: join(directory, 'held.db'), clock: systemClock, random: seededRandom(1) });
    const { code, err } = await skiff('check', '--store', join(directory, 'held.db'));
    await held.close();
    assert.equal(code, 1);
    assert.match(err, /is in use; stop the cluster first/);
  });
});

function object(index: number): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: `x-${index}`, namespace: 'default' }, data: { index: String(index) } }));
}
