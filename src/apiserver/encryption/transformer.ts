import type { EncryptionMetrics } from './encryption-metrics.ts';
import type { Provider } from './provider.ts';
import { encryptedPrefix, identity, startsWith } from './provider.ts';

/** The providers of one list of resources: the first one writes, all read. */
export class Transformer {
  readonly #providers: readonly Provider[];
  readonly #metrics: EncryptionMetrics | undefined;

  constructor(providers: readonly Provider[], metrics?: EncryptionMetrics) {
    this.#providers = providers;
    this.#metrics = metrics;
  }

  /** What is wrong with what providers depend on. */
  troubles(): readonly string[] {
    return this.#providers.flatMap((each) => each.trouble?.() ?? []);
  }

  encrypt(plain: Uint8Array, key: string): Uint8Array {
    const [writer = identity] = this.#providers;
    const made = writer.encrypt(plain, key);
    this.#metrics?.transformed('to_storage', nameOf(writer), 'OK');
    return writer.prefix.length === 0 ? made : Buffer.concat([writer.prefix, made]);
  }

  /** Throws, or rejects, with the key in the message. */
  decrypt(stored: Uint8Array, key: string): Uint8Array | Promise<Uint8Array> {
    const reader = this.#providers.find(({ prefix }) => (prefix.length === 0 ? !startsWith(stored, encryptedPrefix) : startsWith(stored, prefix)));
    if (reader === undefined) throw this.#unreadable(key, new Error('no matching prefix found'));
    const done = <T>(plain: T): T => {
      this.#metrics?.transformed('from_storage', nameOf(reader), 'OK');
      return plain;
    };
    try {
      const plain = reader.decrypt(stored.subarray(reader.prefix.length), key);
      return plain instanceof Promise ? plain.then(done, (error: unknown) => Promise.reject(this.#unreadable(key, error))) : done(plain);
    } catch (error) {
      throw this.#unreadable(key, error);
    }
  }

  #unreadable(key: string, error: unknown): Error {
    this.#metrics?.transformed('from_storage', 'unknown', 'Unknown');
    return unreadable(key, error);
  }
}

function nameOf({ prefix }: Provider): string {
  return prefix.length === 0 ? 'identity' : Buffer.from(prefix).toString();
}

function unreadable(key: string, error: unknown): Error {
  return new Error(`unable to transform key ${JSON.stringify(key)}: ${(error as Error).message}`, { cause: error });
}
