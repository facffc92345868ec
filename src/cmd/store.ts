import { Command, Option } from 'commander';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Store } from '#store/store.ts';
import type { ClusterFlags } from './cluster-flags.ts';
import { layoutOf, withClusterFlags } from './cluster-flags.ts';
import { UserError } from './fail.ts';
import type { EtcdFlags, StoreLocation } from './store/location.ts';
import { describeLocation, openExisting, openLocation, parseLocation, withEtcdFlags } from './store/location.ts';

interface StoreFlags extends ClusterFlags, EtcdFlags {
  readonly store?: string;
}

/** `skiff store`. */
export function command(): Command {
  return new Command()
    .description('What a cluster keeps on disk or in etcd. The cluster must be down, unless it runs on etcd.\nA store is an SQLite file, or an etcd by its members: https://10.0.0.1:2379,https://10.0.0.2:2379')
    .addCommand(about('snapshot', 'Write a complete copy, as of one moment, to a new file.').argument('<file>', 'the copy').action(snapshot))
    .addCommand(about('restore', 'Put the content of a snapshot into a store that is empty.').argument('<file>', 'the snapshot')
      .option('--force', 'throw away what the store has').action(restore))
    .addCommand(about('check', 'Read everything and say what is there and what is wrong with it. Status 1 when something is.')
      .addOption(new Option('-o, --output <format>', 'for machines').choices(['json'])).action(check))
    .addCommand(withEtcdFlags(new Command('migrate')).description('Copy everything from one store to another, which must be empty.')
      .requiredOption('--from <store>', 'an SQLite file or an etcd').requiredOption('--to <store>', 'an SQLite file or an etcd')
      .option('--force', 'throw away what the target has')
      .addHelpText('after', '\nObjects get new resourceVersions. The --etcd- flags hold for every etcd that is named.').action(migrate));
}

function about(name: string, description: string): Command {
  return withEtcdFlags(withClusterFlags(new Command(name))).description(description)
    .option('--store <store>', 'an SQLite file or an etcd (default: the file of the cluster --name)');
}

async function locationOf(flags: StoreFlags): Promise<StoreLocation> {
  return flags.store === undefined ? { kind: 'file', file: (await layoutOf(flags)).storeFile } : parseLocation(flags.store);
}

async function snapshot(file: string, flags: StoreFlags): Promise<void> {
  if (existsSync(file)) throw new UserError(`${file} exists already; name a new file`);
  await using(await openExisting(await locationOf(flags), flags), async (store) => {
    const { revision } = await store.snapshot(file);
    process.stdout.write(`${file} has everything up to revision ${revision}\n`);
  });
}

async function restore(file: string, flags: StoreFlags & { readonly force?: boolean }): Promise<void> {
  await copy({ kind: 'file', file }, await locationOf(flags), flags);
}

async function migrate(flags: EtcdFlags & { readonly from: string; readonly to: string; readonly force?: boolean }): Promise<void> {
  await copy(parseLocation(flags.from), parseLocation(flags.to), flags);
}

async function copy(from: StoreLocation, to: StoreLocation, flags: EtcdFlags & { readonly force?: boolean }): Promise<void> {
  if (describeLocation(from) === describeLocation(to)) throw new UserError('the store would be copied to itself');
  const { copyStore, emptyStore } = await import('./store/copy-store.ts');
  await using(await openExisting(from, flags), async (source) => {
    // A file that this command has made does not stay when the copy fails.
    const isNew = to.kind === 'file' && !existsSync(to.file);
    try {
      await using(await openLocation(to, flags), async (target) => {
        const isEmpty = (await target.range('', { limit: 1 })).entries.length === 0;
        if (!isEmpty && flags.force !== true) throw new UserError(`${describeLocation(to)} is not empty; --force throws away what it has`);
        if (!isEmpty) await emptyStore(target);
        const copied = await copyStore(source, target);
        process.stdout.write(`${copied} objects copied to ${describeLocation(to)}\n`);
      });
    } catch (error) {
      if (isNew) for (const end of ['', '-wal']) await rm(`${to.file}${end}`, { force: true });
      throw error;
    }
  });
}

async function check(flags: StoreFlags & { readonly output?: 'json' }): Promise<void> {
  const { checkStore } = await import('./store/check-store.ts');
  const location = await locationOf(flags);
  await using(await openExisting(location, flags), async (store) => {
    const report = await checkStore(store);
    if (flags.output === 'json') process.stdout.write(`${JSON.stringify({ ...report, byResource: Object.fromEntries(report.byResource) })}\n`);
    else {
      const { revision, compactedRevision, objects, bytes, byResource, problems } = report;
      process.stdout.write(`${describeLocation(location)}: ${objects} objects, ${(bytes / 1024).toFixed(0)} KiB, revision ${revision}, history from revision ${compactedRevision + 1}\n`);
      for (const [resource, count] of [...byResource].toSorted(([left], [right]) => (left < right ? -1 : 1))) process.stdout.write(`  ${String(count).padStart(7)} ${resource}\n`);
      for (const problem of problems) process.stdout.write(`wrong: ${problem}\n`);
    }
    process.exitCode = report.problems.length === 0 ? 0 : 1;
  });
}

async function using(store: Store, work: (store: Store) => Promise<void>): Promise<void> {
  try {
    await work(store);
  } finally {
    await store.close();
  }
}
