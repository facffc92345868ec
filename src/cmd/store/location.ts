import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { systemClock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { systemRandom } from '#base/random.ts';
import type { Retention, Store } from '#store/store.ts';
import { StoreError } from '#store/store.ts';
import { readPemFile } from '../components/controller-manager.ts';
import { UserError } from '../fail.ts';

/** How an etcd is reached, as kube-apiserver's flags say it. */
export interface EtcdFlags {
  readonly etcdCafile?: string;
  readonly etcdCertfile?: string;
  readonly etcdKeyfile?: string;
  readonly etcdPrefix?: string;
}

export function withEtcdFlags(command: Command): Command {
  return command
    .option('--etcd-cafile <file>', 'authority of etcd\'s certificates')
    .option('--etcd-certfile <file>', 'the certificate that etcd knows this client by')
    .option('--etcd-keyfile <file>', 'its key')
    .option('--etcd-prefix <prefix>', 'what keys start with in etcd', defaultEtcdPrefix);
}

/** Kubernetes' own: keys are then where kube-apiserver has them. */
export const defaultEtcdPrefix = '/registry';

/** Where a store is: a file, or the members of an etcd. */
export type StoreLocation = { readonly kind: 'file'; readonly file: string } | { readonly kind: 'etcd'; readonly endpoints: readonly string[] };

/** `https://10.0.0.1:2379,https://10.0.0.2:2379` is an etcd, everything else a file. */
export function parseLocation(text: string): StoreLocation {
  if (!/^https?:\/\//.test(text)) return { kind: 'file', file: text };
  return { kind: 'etcd', endpoints: text.split(',').map((each) => each.trim()).filter((each) => each !== '') };
}

export function describeLocation(location: StoreLocation): string {
  return location.kind === 'file' ? location.file : location.endpoints.join(',');
}

/** Opens what is there. Throws a `UserError` that says what can be done. */
export async function openExisting(location: StoreLocation, flags: EtcdFlags): Promise<Store> {
  if (location.kind === 'file' && !existsSync(location.file)) throw new UserError(`there is no store ${location.file}`);
  return openLocation(location, flags);
}

/** Opens a store; a file is made when it is missing. */
export async function openLocation(location: StoreLocation, flags: EtcdFlags): Promise<Store> {
  try {
    if (location.kind === 'etcd') return await openEtcd(location.endpoints, flags);
    const { openSqliteStore } = await import('#store/sqlite.ts');
    return await openSqliteStore({ file: location.file, clock: systemClock, random: systemRandom });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    switch (error.code) {
      case 'locked':
        throw new UserError(`${describeLocation(location)} is in use; stop the cluster first ("skiff down"), or the "skiff apiserver" that has it`, { cause: error });
      case 'unavailable':
        throw new UserError(`${describeLocation(location)} cannot be reached`, { cause: error });
      default:
        throw new UserError(error.message);
    }
  }
}

/** An etcd as kube-apiserver's flags name it. */
export async function openEtcd(endpoints: readonly string[], flags: EtcdFlags, log?: Logger, retention?: Partial<Retention>): Promise<Store> {
  const { openEtcdStore } = await import('#store/etcd.ts');
  const { etcdCafile, etcdCertfile, etcdKeyfile, etcdPrefix = defaultEtcdPrefix } = flags;
  if ((etcdCertfile === undefined) !== (etcdKeyfile === undefined)) throw new UserError('--etcd-certfile and --etcd-keyfile are given together');
  const pem = (flag: string, file: string | undefined): string | undefined => (file === undefined ? undefined : readPemFile(flag, file));
  return openEtcdStore({
    endpoints,
    tls: { caPem: pem('--etcd-cafile', etcdCafile), certificatePem: pem('--etcd-certfile', etcdCertfile), privateKeyPem: pem('--etcd-keyfile', etcdKeyfile) },
    // The store's keys start with Kubernetes' usual prefix already.
    keyPrefix: etcdPrefix === defaultEtcdPrefix ? '' : etcdPrefix,
    clock: systemClock,
    random: systemRandom,
    ...(log !== undefined && { log }),
    ...(retention !== undefined && { retention }),
  });
}
