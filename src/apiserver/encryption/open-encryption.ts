/** Encryption as the configuration file says, followed when asked for. */
import { readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock, Timer } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { kinds } from '#api/kinds.ts';
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

/** Files change in several steps; they are read when they have been quiet for so long. */
const settleMs = 200;
const defaultTimeoutMs = 3000;

/** Throws an `EncryptionConfigError` that names the file and the field. */
export async function openEncryption(options: EncryptionOptions): Promise<Encryption> {
  const { file, reloads, log, signal } = options;
  const metrics = new EncryptionMetrics();
  let active = new AbortController();
  let current = await load(options, metrics, AbortSignal.any([signal, active.signal]));
  if (reloads) follow(options, metrics, async () => {
    const next = new AbortController();
    current = await load(options, metrics, AbortSignal.any([signal, next.signal]));
    active.abort();
    active = next;
    metrics.reloaded(true);
    log.info({ file }, 'the encryption configuration has changed');
  });
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

/** Reads the file again when it has changed. A configuration that does not hold leaves the old one. */
function follow({ file, clock, log, signal }: EncryptionOptions, metrics: EncryptionMetrics, read: () => Promise<void>): void {
  let timer: Timer | undefined;
  let last = readText(file);
  const look = (): void => {
    timer = undefined;
    const text = readText(file);
    if (text === last || text === undefined) return;
    last = text;
    read().catch((error: unknown) => {
      metrics.reloaded(false);
      log.error({ error, file }, 'the new encryption configuration does not hold; the old one stays');
    });
  };
  // The directory, because mounted files are changed by putting another in their place.
  const watcher = watch(dirname(file), { signal, persistent: false }, (_event, name) => {
    if (name === null || name === basename(file) || name.startsWith('..')) timer ??= clock.after(settleMs, look);
  });
  watcher.on('error', (error) => log.error({ error, file }, 'the encryption configuration can no longer be followed'));
  signal.addEventListener('abort', () => timer?.cancel(), { once: true });
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
