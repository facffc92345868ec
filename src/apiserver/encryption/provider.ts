/** What makes stored bytes of an object's bytes, and back. */
export interface Provider {
  /** What its stored bytes start with; '' for the one that changes nothing. */
  readonly prefix: Uint8Array;
  /** Without the prefix. `context` is the key in the store, to which the bytes are bound where the provider can do that. */
  encrypt(plain: Uint8Array, context: string): Uint8Array;
  /** Without the prefix. Throws when the bytes are not what it made, or not for this key. */
  decrypt(stored: Uint8Array, context: string): Uint8Array | Promise<Uint8Array>;
  /** What is wrong with what it depends on; undefined: nothing. */
  trouble?(): string | undefined;
}

/** What every encrypted value starts with. */
export const encryptedPrefix = Buffer.from('k8s:enc:');

/** Writes as it is; reads what nobody has encrypted. */
export const identity: Provider = {
  prefix: new Uint8Array(),
  encrypt: (plain) => plain,
  decrypt(stored) {
    if (startsWith(stored, encryptedPrefix)) throw new Error('identity transformer tried to read encrypted data');
    return stored;
  },
};

export function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  if (bytes.length < start.length) return false;
  for (let index = 0; index < start.length; index++) if (bytes[index] !== start[index]) return false;
  return true;
}
