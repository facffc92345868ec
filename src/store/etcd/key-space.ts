/** Where the store's keys are in etcd: below a prefix, which their readers never see. */
export class KeySpace {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  bytesOf(key: string): Buffer {
    return Buffer.from(this.#prefix + key);
  }

  /** The store's key of etcd's; undefined when it is somebody else's. */
  keyOf(bytes: Uint8Array): string | undefined {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
    return text.startsWith(this.#prefix) ? text.slice(this.#prefix.length) : undefined;
  }

  /** Key and range end of all keys that start with `prefix`, from `from` on. Undefined: there can be none. */
  spanOf(prefix: string, from: string): { readonly key: Buffer; readonly rangeEnd: Buffer } | undefined {
    const first = this.bytesOf(prefix);
    const start = this.bytesOf(from);
    const rangeEnd = endOf(first);
    const key = Buffer.compare(start, first) < 0 ? first : start;
    if (!rangeEnd.equals(allKeys) && Buffer.compare(key, rangeEnd) >= 0) return undefined;
    return { key: key.length === 0 ? allKeys : key, rangeEnd };
  }
}

/** As key: from the first one on. As range end: to the last one. */
export const allKeys = Buffer.from([0]);

/** The first key behind all that start with `prefix`. */
function endOf(prefix: Buffer): Buffer {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const byte = prefix[at] ?? 0;
    if (byte < 0xff) return Buffer.concat([prefix.subarray(0, at), Buffer.from([byte + 1])]);
  }
  return allKeys;
}
