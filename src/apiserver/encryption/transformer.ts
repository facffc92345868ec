import type { Provider } from './provider.ts';
import { encryptedPrefix, identity, startsWith } from './provider.ts';

/** The providers of one list of resources: the first one writes, all read. */
export class Transformer {
  readonly #providers: readonly Provider[];

  constructor(providers: readonly Provider[]) {
    this.#providers = providers;
  }

  encrypt(plain: Uint8Array, key: string): Uint8Array {
    const [writer = identity] = this.#providers;
    const made = writer.encrypt(plain, key);
    return writer.prefix.length === 0 ? made : Buffer.concat([writer.prefix, made]);
  }

  /** Throws, or rejects, with the key in the message. */
  decrypt(stored: Uint8Array, key: string): Uint8Array | Promise<Uint8Array> {
    const reader = this.#providers.find(({ prefix }) => (prefix.length === 0 ? !startsWith(stored, encryptedPrefix) : startsWith(stored, prefix)));
    if (reader === undefined) throw unreadable(key, new Error('no matching prefix found'));
    try {
      const plain = reader.decrypt(stored.subarray(reader.prefix.length), key);
      return plain instanceof Promise ? plain.catch((error: unknown) => Promise.reject(unreadable(key, error))) : plain;
    } catch (error) {
      throw unreadable(key, error);
    }
  }
}

function unreadable(key: string, error: unknown): Error {
  return new Error(`unable to transform key ${JSON.stringify(key)}: ${(error as Error).message}`, { cause: error });
}
