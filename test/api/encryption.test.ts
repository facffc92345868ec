/** Encryption at rest, by the real command line on a real file, and with a KMS plugin. */
import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { systemRandom } from '#base/random.ts';
import { annotationFields, bytesOf, decodeMessage, encodeMessage } from '#apiserver/encryption/kms-messages.ts';
import { openEncryption } from '#apiserver/encryption/open-encryption.ts';
import { openMemoryStore } from '#store/memory.ts';
import { scratch, spawnApiServer } from '../support/spawned-api-server.ts';

const key = (fill: number): string => Buffer.alloc(32, fill).toString('base64');
const configuration = (...providers: readonly object[]): string => JSON.stringify({ kind: 'EncryptionConfiguration', apiVersion: 'apiserver.config.k8s.io/v1', resources: [{ resources: ['secrets'], providers }] });

/** What the file of a store holds under a key, whatever its tables are. */
function storedBytes(file: string, name: string): string {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database.prepare('select name from sqlite_master where type = \'table\'').all() as { name: string }[];
    return tables.flatMap((table) => database.prepare(`select * from "${table.name}"`).all()).map((row) => Object.values(row).map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value))).join(' ')).filter((row) => row.includes(name)).join('\n');
  } finally {
    database.close();
  }
}

describe('skiff apiserver --encryption-provider-config', { timeout: 120_000 }, () => {
  it('keeps secrets encrypted, reads what older keys and nobody encrypted, and cannot start without the keys', async () => {
    const directory = scratch();
    const [file, config] = [join(directory, 'store.db'), join(directory, 'encryption.json')];
    const args = [`--storage-file=${file}`, `--encryption-provider-config=${config}`];
    const run = async (work: (api: Awaited<ReturnType<typeof spawnApiServer>>) => Promise<void>): Promise<void> => {
      const api = await spawnApiServer(args, directory);
      try {
        await work(api);
      } finally {
        assert.equal(await api.stop(), 0);
      }
    };
    const read = async (api: Awaited<ReturnType<typeof spawnApiServer>>, name: string): Promise<string> => {
      const { data } = (await api.request('GET', `/api/v1/namespaces/default/secrets/${name}`)).json<{ readonly data: { readonly k: string } }>();
      return Buffer.from(data.k, 'base64').toString();
    };
    const write = async (api: Awaited<ReturnType<typeof spawnApiServer>>, name: string): Promise<void> => {
      assert.equal((await api.request('POST', '/api/v1/namespaces/default/secrets', { body: { metadata: { name }, stringData: { k: `value-of-${name}` } } })).code, 201);
      assert.equal(await read(api, name), `value-of-${name}`);
    };
    writeFileSync(config, configuration({ identity: {} }));
    await run((api) => write(api, 'plain'));
    assert.match(storedBytes(file, 'plain'), new RegExp(Buffer.from('value-of-plain').toString('base64')));
    writeFileSync(config, configuration({ aescbc: { keys: [{ name: 'key1', secret: key(1) }] } }, { identity: {} }));
    await run(async (api) => {
      assert.equal(await read(api, 'plain'), 'value-of-plain');
      await write(api, 'first');
      assert.match((await api.request('GET', '/metrics')).text, /apiserver_storage_transformation_operations_total\{status="OK",transformation_type="to_storage",transformer_prefix="k8s:enc:aescbc:v1:key1:"\} 1/);
      assert.match((await api.request('GET', '/livez?verbose')).text, /\[\+\]kms-providers ok/);
    });
    assert.match(storedBytes(file, 'secrets/default/first'), /k8s:enc:aescbc:v1:key1:/);
    assert.doesNotMatch(storedBytes(file, 'secrets/default/first'), new RegExp(Buffer.from('value-of-first').toString('base64')));
    writeFileSync(config, configuration({ secretbox: { keys: [{ name: 'key2', secret: key(2) }] } }, { aescbc: { keys: [{ name: 'key1', secret: key(1) }] } }, { identity: {} }));
    await run(async (api) => {
      assert.deepEqual([await read(api, 'plain'), await read(api, 'first')], ['value-of-plain', 'value-of-first']);
      await write(api, 'second');
      // Writing everything again moves it to the first key.
      const old = await api.request('GET', '/api/v1/namespaces/default/secrets/first');
      assert.equal((await api.request('PUT', '/api/v1/namespaces/default/secrets/first', { body: { ...old.json(), immutable: false } })).code, 200);
    });
    assert.match(storedBytes(file, 'secrets/default/second'), /k8s:enc:secretbox:v1:key2:/);
    writeFileSync(config, configuration({ aesgcm: { keys: [{ name: 'key3', secret: key(3) }] } }));
    await assert.rejects(spawnApiServer(args, directory), /unable to transform key \\?"\/registry\/secrets\/default\/[a-z]+\\?": no matching prefix found/);
  });
});

/** A plugin that encrypts with a key of its own; `keyId` may change. */
class FakeKms {
  keyId = 'key-1';
  decrypted = 0;
  readonly #server = new Server();
  readonly #key = randomBytes(32);

  async listen(socket: string): Promise<void> {
    const pass = (bytes: Buffer): Buffer => bytes;
    const method = (path: string): object => ({ path: `/v2.KeyManagementService/${path}`, requestStream: false, responseStream: false, requestSerialize: pass, requestDeserialize: pass, responseSerialize: pass, responseDeserialize: pass });
    const answer = (make: (fields: ReturnType<typeof decodeMessage>) => Buffer) => (call: { readonly request: Buffer }, callback: (error: null, answer: Buffer) => void) => callback(null, make(decodeMessage(call.request)));
    this.#server.addService({ Status: method('Status'), Encrypt: method('Encrypt'), Decrypt: method('Decrypt') } as never, {
      Status: answer(() => encodeMessage([[1, 'v2'], [2, 'ok'], [3, this.keyId]])),
      Encrypt: answer((fields) => encodeMessage([[1, this.#xor(bytesOf(fields, 1))], [2, this.keyId], ...annotationFields(3, new Map([['a.example.com', Buffer.from('b')]]))])),
      Decrypt: answer((fields) => {
        this.decrypted++;
        return encodeMessage([[1, this.#xor(bytesOf(fields, 1))]]);
      }),
    });
    await new Promise<void>((resolve, reject) => {
      this.#server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error)));
    });
  }

  #xor(bytes: Uint8Array): Buffer {
    const cipher = createCipheriv('aes-256-ctr', this.#key, Buffer.alloc(16));
    return Buffer.concat([cipher.update(bytes), cipher.final()]);
  }

  close(): void {
    this.#server.forceShutdown();
  }
}

describe('KMS v2', { timeout: 60_000 }, () => {
  it('encrypts with keys from a seed that the plugin keeps; another server asks the plugin once', async (t) => {
    const directory = scratch();
    const [socket, file] = [join(directory, 'kms.sock'), join(directory, 'encryption.json')];
    const kms = new FakeKms();
    await kms.listen(socket);
    const stopped = new AbortController();
    t.after(() => {
      stopped.abort();
      kms.close();
      rmSync(directory, { recursive: true });
    });
    writeFileSync(file, configuration({ kms: { apiVersion: 'v2', name: 'mine', endpoint: `unix://${socket}`, timeout: '3s' } }));
    const dependencies = { file, reloads: false, clock: systemClock, random: systemRandom, log: silentLog, signal: stopped.signal };
    const inner = openMemoryStore({ clock: systemClock, random: systemRandom });
    const store = (await openEncryption(dependencies)).over(inner);
    for (const name of ['a', 'b', 'c']) await store.put(`/registry/secrets/default/${name}`, Buffer.from(`value-${name}`), { absent: true });
    const stored = Buffer.from((await inner.get('/registry/secrets/default/a')).entry?.value ?? []);
    assert.ok(stored.toString('latin1').startsWith('k8s:enc:kms:v2:mine:'));
    assert.ok(!stored.includes('value-a'));
    assert.equal(kms.decrypted, 0);
    const other = (await openEncryption(dependencies)).over(await inner.fork());
    assert.deepEqual((await other.range('/registry/secrets/')).entries.map(({ value }) => Buffer.from(value).toString()), ['value-a', 'value-b', 'value-c']);
    assert.ok(kms.decrypted <= 3);
    assert.equal(Buffer.from((await other.get('/registry/secrets/default/b')).entry?.value ?? []).toString(), 'value-b');
    assert.ok(kms.decrypted <= 3, 'the seed is remembered');
    await inner.close();
  });

  it('says in one line that the plugin does not answer', async () => {
    const directory = scratch();
    const file = join(directory, 'encryption.json');
    writeFileSync(file, configuration({ kms: { apiVersion: 'v2', name: 'mine', endpoint: `unix://${directory}/no.sock`, timeout: '100ms' } }));
    await assert.rejects(
      openEncryption({ file, reloads: false, clock: systemClock, random: systemRandom, log: silentLog, signal: new AbortController().signal }),
      /encryption\.json: resources\[0\]\.providers\[0\]\.kms: the plugin at unix:.* gave no key/,
    );
  });
});

describe('a change of the configuration', { timeout: 60_000 }, () => {
  it('is followed when asked for; one that does not hold is not', async () => {
    const directory = scratch();
    const file = join(directory, 'encryption.json');
    const stopped = new AbortController();
    const messages: string[] = [];
    const note = (_fields: object, message: string): void => void messages.push(message);
    const log = { ...silentLog, info: note, error: note };
    writeFileSync(file, configuration({ aesgcm: { keys: [{ name: 'one', secret: key(1) }] } }, { identity: {} }));
    const inner = openMemoryStore({ clock: systemClock, random: systemRandom });
    const store = (await openEncryption({ file, reloads: true, clock: systemClock, random: systemRandom, log, signal: stopped.signal })).over(inner);
    const noted = async (): Promise<void> => {
      const count = messages.length;
      while (messages.length === count) await new Promise((resolve) => setImmediate(resolve));
    };
    writeFileSync(file, configuration({ aesgcm: { keys: [] } }));
    await noted();
    assert.match(messages.at(-1) ?? '', /does not hold; the old one stays/);
    writeFileSync(file, configuration({ secretbox: { keys: [{ name: 'two', secret: key(2) }] } }, { aesgcm: { keys: [{ name: 'one', secret: key(1) }] } }));
    await noted();
    await store.put('/registry/secrets/default/a', Buffer.from('x'), { absent: true });
    assert.match(Buffer.from((await inner.get('/registry/secrets/default/a')).entry?.value ?? []).toString('latin1'), /^k8s:enc:secretbox:v1:two:/);
    stopped.abort();
    await inner.close();
  });
});

