/** Where objects are kept, and in which form. */
import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Option } from 'commander';
import type { Encryption } from '#apiserver/encryption/open-encryption.ts';
import { systemClock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { systemRandom } from '#base/random.ts';
import { stateHome } from '#cluster/layout.ts';
import { openMemoryStore } from '#store/memory.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import type { Retention, Store } from '#store/store.ts';
import { UserError } from '../../fail.ts';
import type { EtcdFlags } from '../../store/location.ts';
import { defaultEtcdPrefix, openEtcd } from '../../store/location.ts';
import type { FlagGroup } from '../flags.ts';
import { alreadySo, durationOption, listOption, notBuilt, switchOption, textOption } from '../flags.ts';

export interface StorageFlags extends EtcdFlags {
  readonly storageFile: string;
  readonly etcdServers?: readonly string[];
  readonly etcdCompactionInterval?: number;
  readonly storageBackend?: string;
  readonly watchCache: boolean;
  readonly encryptionProviderConfig?: string;
  readonly encryptionProviderConfigAutomaticReload: boolean;
}

export const storageFlags: FlagGroup = {
  title: 'Storage:',
  options: [
    new Option('--storage-file <file>', 'where objects are kept, an SQLite file; ":memory:" forgets').default(join(stateHome(), 'apiserver/store.db')),
    listOption('--etcd-servers <urls>', 'members of an etcd (3.4 or later) to keep objects in, in place of a file'),
    textOption('--etcd-cafile <file>', 'authority of etcd\'s certificates'),
    textOption('--etcd-certfile <file>', 'the certificate that etcd knows this server by'),
    textOption('--etcd-keyfile <file>', 'its key'),
    new Option('--etcd-prefix <prefix>', 'what keys start with in etcd').default(defaultEtcdPrefix),
    durationOption('--etcd-compaction-interval <duration>', 'how long the past is kept, for resumed watches (default: 5m)'),
    textOption('--storage-backend <name>', 'etcd3 or nothing: which it is follows from --etcd-servers'),
    alreadySo('--storage-media-type <type>', 'objects are stored as JSON and read as JSON or protobuf'),
    switchOption('--watch-cache', 'reads are answered from memory; this cannot be switched off', true),
    alreadySo('--default-watch-cache-size <events>', 'the log of a resource grows and shrinks with what watchers need'),
    alreadySo('--watch-cache-sizes <resource#size,...>', 'the log of a resource grows and shrinks with what watchers need'),
    alreadySo('--delete-collection-workers <count>', 'the deletes of a collection run side by side anyway'),
    switchOption('--enable-garbage-collector', 'owners wait for their dependents where that is asked for; this cannot be switched off', true),
    alreadySo('--lease-reuse-duration-seconds <seconds>', 'events that expire together share a lease'),
    alreadySo('--etcd-count-metric-poll-period <duration>', 'objects are counted when the metrics are read'),
    alreadySo('--etcd-db-metric-poll-interval <duration>', 'the size is looked up when the metrics are read'),
    alreadySo('--etcd-healthcheck-timeout <duration>', 'health is whether the store answers'),
    alreadySo('--etcd-readycheck-timeout <duration>', 'readiness is whether the store answers'),
    notBuilt('--etcd-servers-overrides <overrides>', 'an etcd of its own for some resources'),
    textOption('--encryption-provider-config <file>', 'how resources are encrypted in the store: an EncryptionConfiguration'),
    switchOption('--encryption-provider-config-automatic-reload', 'follow changes of that file', false),
  ],
};

/** Throws a `UserError` for what cannot be. */
export function checkStorage({ storageBackend, watchCache }: StorageFlags): void {
  if (storageBackend !== undefined && storageBackend !== 'etcd3') throw new UserError('--storage-backend invalid, allowed values: etcd3. If not specified, it will default to \'etcd3\'');
  if (!watchCache) throw new UserError('--watch-cache=false is not built: every read is answered from memory');
}

/** The store that the flags name, with encryption where they ask for it. */
export async function openStore(flags: StorageFlags, log: Logger, signal: AbortSignal): Promise<{ readonly store: Store; readonly below?: Encryption }> {
  const { encryptionProviderConfig: file } = flags;
  const dependencies = { clock: systemClock, random: systemRandom };
  if (file === undefined) {
    if (flags.encryptionProviderConfigAutomaticReload) throw new UserError('--encryption-provider-config-automatic-reload must be set with --encryption-provider-config');
    return { store: await openPlainStore(flags, log) };
  }
  const { openEncryption } = await import('#apiserver/encryption/open-encryption.ts');
  const encryption = await openEncryption({ file, reloads: flags.encryptionProviderConfigAutomaticReload, log, signal, ...dependencies }).catch((error: unknown) => {
    throw error instanceof Error && error.name === 'EncryptionConfigError' ? new UserError(error.message, { cause: error.cause }) : error;
  });
  return { store: encryption.over(await openPlainStore(flags, log)), below: encryption };
}

async function openPlainStore(flags: StorageFlags, log: Logger): Promise<Store> {
  const retention = retentionOf(flags);
  if (flags.etcdServers !== undefined && flags.etcdServers.length > 0) return openEtcd(flags.etcdServers, flags, log, retention);
  const dependencies = { clock: systemClock, random: systemRandom, ...(retention !== undefined && { retention }) };
  if (flags.storageFile === ':memory:') return openMemoryStore(dependencies);
  mkdirSync(dirname(flags.storageFile), { recursive: true });
  return openSqliteStore({ file: flags.storageFile, ...dependencies });
}

/** Upstream's 0 means that somebody else compacts: then the past is kept as long as the other bounds allow. */
function retentionOf({ etcdCompactionInterval: ageMs }: StorageFlags): Partial<Retention> | undefined {
  if (ageMs === undefined) return undefined;
  return { ageMs: ageMs === 0 ? Number.MAX_SAFE_INTEGER : ageMs };
}
