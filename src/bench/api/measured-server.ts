/**
 * The API server that is measured. Prints one line of JSON (`ServerAddress`) when it answers, and ends when its standard
 * input does, so that it cannot be left behind.
 */
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { silentLog } from '#base/log.ts';
import { systemRandom } from '#base/random.ts';
import { createApiServer } from '#apiserver/api-server.ts';
import { noNodes } from '#apiserver/request/node-gateway.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import { createServiceAccountKey } from '#pki/service-account-key.ts';
import { giveBackMemory } from '#serving/give-back-memory.ts';
import { openMemoryStore } from '#store/memory.ts';
import type { Store } from '#store/store.ts';
import type { HeldMemory, ServerAddress } from './server-process.ts';

const [storeName = 'sqlite', place = ''] = process.argv.slice(2);
const clock = systemClock;
const random = systemRandom;
const store = await openStore();

/** Errors are for the one who measures: something that fails must not look fast. */
const log: Logger = {
  ...silentLog,
  error: (fields, message) => process.stderr.write(`${message}: ${errorText(fields)}\n`),
  child: () => log,
};

const server = await createApiServer({ store, clock, random, log, serviceAccountKey: createServiceAccountKey(), nodes: noNodes });
const authority = createAuthority({ commonName: 'skiff-bench', clock, validDays: 1 });
const serving = issueCertificate(authority, { commonName: 'kube-apiserver', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], usages: ['server'], clock, validDays: 1 });
const admin = issueCertificate(authority, { commonName: 'bench', organizations: ['system:masters'], usages: ['client'], clock, validDays: 1 });
const { port } = await server.listen({ host: '127.0.0.1', port: 0, serving, clientCaPem: authority.certificatePem });
const address: ServerAddress = { port, caPem: authority.certificatePem, certificatePem: admin.certificatePem, privateKeyPem: admin.privateKeyPem };
process.stdout.write(`${JSON.stringify(address)}\n`);
// As `skiff apiserver` does when it has started.
giveBackMemory(clock);

/** A line on standard input asks what is held after all garbage is collected (with --expose-gc), as `HeldMemory`. */
process.stdin.on('data', () => {
  globalThis.gc?.();
  // What was found dead is released by tasks and by a thread; the next collection waits for both.
  setImmediate(() => {
    globalThis.gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    const held: HeldMemory = { heldBytes: heapUsed + external, residentBytes: rss };
    process.stdout.write(`${JSON.stringify(held)}\n`);
  });
});
process.stdin.on('end', () => {
  void end();
});

async function end(): Promise<void> {
  await server.close();
  await store.close();
  process.exit(0);
}

async function openStore(): Promise<Store> {
  switch (storeName) {
    case 'memory':
      return openMemoryStore({ clock, random });
    case 'sqlite': {
      const { openSqliteStore } = await import('#store/sqlite.ts');
      return openSqliteStore({ file: join(place, 'store.db'), clock, random });
    }
    case 'etcd': {
      const { openEtcdStore } = await import('#store/etcd.ts');
      return openEtcdStore({ endpoints: place.split(','), clock, random, log: silentLog });
    }
    default:
      throw new Error(`there is no store "${storeName}"`);
  }
}

function errorText(fields: Readonly<Record<string, unknown>>): string {
  const { error, ...rest } = fields;
  return `${error instanceof Error ? (error.stack ?? error.message) : ''} ${JSON.stringify(rest)}`;
}
