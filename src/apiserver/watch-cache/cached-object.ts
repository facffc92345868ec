import { parseExactJson } from '#apimachinery/exact-json.ts';
import { decodeObject } from '#apimachinery/decode.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { deepFreeze } from '#apimachinery/decode.ts';

/**
 * One object at one revision: its stored bytes and, decoded at most once, the object itself.
 *
 * What is stored is the object's JSON without `metadata.resourceVersion`, which is only known when it is written. The
 * JSON starts with kind, apiVersion and metadata, so the version is put in at a known place when it is sent.
 */
export class CachedObject<T extends KubeObject = KubeObject> {
  readonly kind: ResourceKind<T>;
  /** The store's key. */
  readonly key: string;
  readonly revision: number;
  /** As it lies in the store. */
  readonly stored: Uint8Array;
  /** What clients get; of custom objects it may differ from what is stored. */
  #bytes: Uint8Array | undefined;
  #object: T | undefined;
  /** What was written and nobody has asked for since: most kinds of events. */
  readonly #written: WeakRef<T> | undefined;
  #foundMetadataEnd: number | undefined;

  constructor(kind: ResourceKind<T>, key: string, revision: number, bytes: Uint8Array, object?: T) {
    this.kind = kind;
    this.key = key;
    this.revision = revision;
    this.stored = bytes;
    if (object !== undefined) this.#written = new WeakRef(object);
    if (kind.isCustom !== true || (object !== undefined && isWrittenAs(kind, bytes))) this.#bytes = bytes;
  }

  /** The object's JSON in the stored version, without resourceVersion. */
  get bytes(): Uint8Array {
    return (this.#bytes ??= encodeAnew(this.kind, this.object));
  }

  /** The decoded, frozen object. */
  get object(): T {
    return (this.#object ??= this.#written?.deref() ?? decodeStored(this.kind, this.stored, this.revision));
  }

  /**
   * Lets go of the decoded object, of which nobody is likely to ask again: the past in a watch log is then as large as its
   * bytes. Whoever does ask gets it decoded anew.
   */
  forget(): void {
    this.#object = undefined;
  }

  /** The JSON as clients get it, in one buffer. Made anew on every call: it costs one copy. */
  json(): Buffer {
    const version = versionField(this.revision);
    const at = metadataOffset(this.kind);
    const output = Buffer.allocUnsafe(this.bytes.length + version.length);
    output.set(this.bytes.subarray(0, at), 0);
    output.write(version, at, 'latin1');
    output.set(this.bytes.subarray(at), at + version.length);
    return output;
  }

  /** How many bytes `json` and `writeJson` make. */
  get jsonLength(): number {
    return this.bytes.length + versionField(this.revision).length;
  }

  /** Writes the JSON into `target`; returns where it ends. */
  writeJson(target: Buffer, offset: number): number {
    const version = versionField(this.revision);
    const at = metadataOffset(this.kind);
    target.set(this.bytes.subarray(0, at), offset);
    target.write(version, offset + at, 'latin1');
    target.set(this.bytes.subarray(at), offset + at + version.length);
    return offset + this.bytes.length + version.length;
  }

  /** How many bytes `writeMetadata` makes. */
  get metadataLength(): number {
    return 1 + versionField(this.revision).length + this.#metadataEnd - metadataOffset(this.kind);
  }

  /** Writes the JSON of the metadata alone into `target`; returns where it ends. */
  writeMetadata(target: Buffer, offset: number): number {
    const start = offset + target.write(`{${versionField(this.revision)}`, offset, 'latin1');
    const metadata = this.bytes.subarray(metadataOffset(this.kind), this.#metadataEnd);
    target.set(metadata, start);
    return start + metadata.length;
  }

  /** Behind the brace that closes the metadata; looked for once. */
  get #metadataEnd(): number {
    return (this.#foundMetadataEnd ??= endOfObject(this.bytes, metadataOffset(this.kind)));
  }
}

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** The index behind the brace that closes the object which is open at `from`. `bytes` are valid JSON. */
function endOfObject(bytes: Uint8Array, from: number): number {
  let depth = 1;
  for (let at = from; at < bytes.length; at++) {
    switch (bytes[at]) {
      case quote:
        at = endOfText(bytes, at);
        break;
      case openBrace:
        depth++;
        break;
      case closeBrace:
        if (--depth === 0) return at + 1;
        break;
      default:
    }
  }
  return bytes.length;
}

/** The index of the quote that ends the text which starts at `start`. */
function endOfText(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(quote, start + 1); at > 0; at = bytes.indexOf(quote, at + 1)) {
    let backslashes = 0;
    while (bytes[at - 1 - backslashes] === backslash) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return bytes.length;
}

function versionField(revision: number): string {
  return `"resourceVersion":"${revision}",`;
}

const offsets = new WeakMap<ResourceKind, number>();

/** Where in an object's JSON the first field of its metadata stands. */
function metadataOffset(kind: ResourceKind): number {
  let offset = offsets.get(kind);
  if (offset === undefined) {
    offset = headOf(kind).length;
    offsets.set(kind, offset);
  }
  return offset;
}

function headOf(kind: ResourceKind): string {
  return `{"kind":${JSON.stringify(kind.kind)},"apiVersion":${JSON.stringify(kind.apiVersion)},"metadata":{`;
}

/** The bytes to store. `draft.metadata.resourceVersion` must not be set. */
export function encodeStored<T extends KubeObject>(kind: ResourceKind<T>, draft: Draft<T>): Uint8Array {
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = draft as Draft<KubeObject>;
  return ownBytes(JSON.stringify({ kind: kind.kind, apiVersion: kind.apiVersion, metadata, ...rest }));
}

/**
 * For what is kept: `Buffer.from` cuts small buffers out of pieces of 64 KiB, and one that lives long keeps the whole piece.
 */
function ownBytes(text: string): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** Completes what was written with its revision and freezes it. */
export function sealDraft<T extends KubeObject>(draft: Draft<T>, revision: number): T {
  // The writer and the cache both seal what was written; whoever comes second finds it done.
  if (Object.isFrozen(draft)) return draft as unknown as T;
  const writable = draft as Draft<KubeObject>;
  // A copy, for V8 keeps an object that fields were deleted from as a hash table, five times as large.
  writable.metadata = { ...writable.metadata, resourceVersion: String(revision) };
  return deepFreeze(draft) as unknown as T;
}

/** Whether the bytes are those of this version of the kind. */
function isWrittenAs(kind: ResourceKind, bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', 0, metadataOffset(kind)) === headOf(kind);
}

/** What was stored under another definition of its kind, as the one of today has it: pruned and completed. */
function encodeAnew<T extends KubeObject>(kind: ResourceKind<T>, object: T): Uint8Array {
  const { resourceVersion: _version, ...metadata } = object.metadata;
  return encodeStored(kind, { ...(object as KubeObject), metadata } as unknown as Draft<T>);
}

function decodeStored<T extends KubeObject>(kind: ResourceKind<T>, bytes: Uint8Array, revision: number): T {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const json = (kind.isCustom === true ? parseExactJson(text) : JSON.parse(text)) as { metadata: { resourceVersion?: string } };
  json.metadata.resourceVersion = String(revision);
  return decodeObject(kind, json);
}
