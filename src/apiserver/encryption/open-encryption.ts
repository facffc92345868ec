/** Encryption as the configuration file says, followed when asked for. */
import { readFileSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { kinds } from '#api/kinds.ts';
import { followFile } from '#serving/follow-file.ts';
import type { HealthCheck } from '#serving/health.ts';
import type { Store } from '#store/store.ts';
import { aesCbc, aesGcm } from './aes.ts';
import type { GroupResource, NamedKey, ProviderSettings, ResourceSettings } from './configuration.ts';
import { EncryptionConfigError, groupResource, means, parseEncryptionConfiguration } from './configuration.ts';
import { encryptedStore } from './encrypted-store.ts';
import { EncryptionMetrics } from './encryption-metrics.ts';
import type { Provider } from './provider.ts';
import { identity } from './provider.ts';
import { resourceOfKey } from './resource-of-key.ts';
import { secretbox } from './secretbox.ts';
import { Transformer } from './transformer.ts';

export interface EncryptionOptions {
  readonly file: string;
  readonly reloads: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Ends what runs beside: the watch of the file, connections to plugins. */
  readonly signal: AbortSignal;
}

export interface Encryption {
  /** The same store, encrypted. */
  over(store: Store): Store;
  /** Whether the plugins that keep keys are well. */
  readonly healthCheck: HealthCheck;
  metricsText(): string;
}

interface Rule {
  readonly resources: readonly GroupResource[];
  readonly transformer: Transformer;
}

const defaultTimeoutMs = 3000;

/** Throws an `EncryptionConfigError` that names the file and the field. */
export async function openEncryption(options: EncryptionOptions): Promise<Encryption> {
  const { file, reloads, clock, log, signal } = options;
  const metrics = new EncryptionMetrics();
  let active = new AbortController();
  let current = await load(options, metrics, AbortSignal.any([signal, active.signal]));
  const reload = async (): Promise<void> => {
    const next = new AbortController();
    try {
      current = await load(options, metrics, AbortSignal.any([signal, next.signal]));
      active.abort();
      active = next;
      metrics.reloaded(true);
      log.info({ file }, 'the encryption configuration has changed');
    } catch (error) {
      metrics.reloaded(false);
      log.error({ error, file }, 'the new encryption configuration does not hold; the old one stays');
    }
  };
  if (reloads) followFile(file, { clock, signal, changed: () => void reload(), failed: (error) => log.error({ error, file }, 'the encryption configuration can no longer be followed') });
  const resourceOf = resourceOfKey(kinds);
  return {
    over: (store) => encryptedStore(store, (key) => {
      const resource = resourceOf(key);
      return resource === undefined ? undefined : current.find((rule) => rule.resources.some((each) => means(each, resource)))?.transformer;
    }),
    healthCheck: { name: 'kms-providers', check: () => current.flatMap(({ transformer }) => transformer.troubles())[0] },
    metricsText: () => metrics.text(),
  };
}

async function load(options: EncryptionOptions, metrics: EncryptionMetrics, signal: AbortSignal): Promise<readonly Rule[]> {
  const { file } = options;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new EncryptionConfigError(`--encryption-provider-config: ${file} cannot be read`, { cause: error });
  }
  try {
    const settings = parseEncryptionConfiguration(text);
    const made = new Map<ProviderSettings, readonly Provider[]>();
    for (const [index, { providers }] of settings.entries()) {
      for (const [at, provider] of providers.entries()) made.set(provider, await providersOf(provider, { ...options, signal }, `resources[${index}].providers[${at}]`));
    }
    return settings.map(({ resources, providers }: ResourceSettings) => ({ resources: resources.map(groupResource), transformer: new Transformer(providers.flatMap((each) => made.get(each) ?? []), metrics) }));
  } catch (error) {
    throw error instanceof EncryptionConfigError ? new EncryptionConfigError(`--encryption-provider-config: ${file}: ${error.message}`, { cause: error.cause }) : error;
  }
}

/** A provider for each of the keys. */
async function providersOf({ aescbc, aesgcm, secretbox: box, kms }: ProviderSettings, options: EncryptionOptions, path: string): Promise<readonly Provider[]> {
  const each = (keys: readonly NamedKey[], make: (name: string, key: Uint8Array) => Provider): readonly Provider[] => keys.map(({ name, secret }) => make(name, Buffer.from(secret, 'base64')));
  if (aescbc !== undefined) return each(aescbc.keys, aesCbc);
  if (aesgcm !== undefined) return each(aesgcm.keys, aesGcm);
  if (box !== undefined) return each(box.keys, secretbox);
  if (kms === undefined) return [identity];
  const { openKms } = await import('./kms-client.ts');
  const { kmsProvider } = await import('./kms.ts');
  const client = openKms({ endpoint: kms.endpoint, timeoutMs: millisecondsOf(kms.timeout), nowMs: () => options.clock.nowMs() });
  try {
    return [await kmsProvider(kms.name, client, options)];
  } catch (error) {
    client.close();
    throw new EncryptionConfigError(`${path}.kms: the plugin at ${kms.endpoint} gave no key: ${(error as Error).message}`, { cause: error });
  }
}

function millisecondsOf(duration: string | undefined): number {
  if (duration === undefined) return defaultTimeoutMs;
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  return [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce((sum, [, number = '', unit = '']) => sum + Number(number) * (units[unit] ?? 0), 0);
}
