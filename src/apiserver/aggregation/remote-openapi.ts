/**
 * The OpenAPI documents of one APIService's server: asked for when somebody here asks, and remembered for a minute, so
 * that nobody is asked while nobody wants to know. Where it does not answer, what it said last stays.
 */
import { createHash } from 'node:crypto';
import type { JsonObject } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import type { Clock } from '#base/clock.ts';
import { toVersion3 } from './convert-openapi.ts';
import { partOf, partUnder } from './merge-openapi.ts';
import type { RemoteServer } from './remote-server.ts';

/** As often as kube-aggregator looks for new documents. */
const freshMs = 60_000;
const timeoutMs = 5_000;

/** Where a document of version 3 comes from. */
interface Version3 {
  /** Entries of the index. */
  readonly paths: JsonObject;
  /** Made here of version 2, by their paths in the index; a server that speaks version 3 is asked for them itself. */
  readonly converted?: ReadonlyMap<string, JsonObject>;
}

export class RemoteOpenApi {
  readonly #server: RemoteServer;
  readonly #version2: Refreshed<{ readonly document: JsonObject; readonly etag: string | undefined }>;
  readonly #version3: Refreshed<Version3>;

  /** `isAvailable`: whether asking is any use. */
  constructor({ server, clock, isAvailable }: { readonly server: RemoteServer; readonly clock: Clock; readonly isAvailable: () => boolean }) {
    this.#server = server;
    this.#version2 = new Refreshed(clock, isAvailable, (before, signal) => this.#fetchVersion2(before, signal));
    this.#version3 = new Refreshed(clock, isAvailable, (_, signal) => this.#fetchVersion3(signal));
  }

  /** Of version 2, only what belongs to the APIService's group version. */
  async version2(): Promise<JsonObject | undefined> {
    return (await this.#version2.get())?.document;
  }

  /** Entries of the index of version 3. */
  async index(): Promise<JsonObject> {
    return (await this.#version3.get())?.paths ?? {};
  }

  /** A document of version 3 that had to be made here; `remote` where the server has it, undefined where there is none. */
  async document(path: string): Promise<JsonObject | 'remote' | undefined> {
    const found = await this.#version3.get();
    if (found === undefined || !(path in found.paths)) return undefined;
    return found.converted === undefined ? 'remote' : found.converted.get(path);
  }

  get #path(): string {
    const { group = '', version = '' } = this.#server.service.spec;
    return group === '' ? `api/${version}` : `apis/${group}/${version}`;
  }

  async #fetchVersion2(before: { readonly document: JsonObject; readonly etag: string | undefined } | undefined, signal: AbortSignal): Promise<{ readonly document: JsonObject; readonly etag: string | undefined }> {
    const { code, text, etag } = await this.#server.fetch('/openapi/v2', { signal, ifNoneMatch: before?.etag });
    if (code === 304 && before !== undefined) return before;
    return { document: code === 200 ? partUnder(documentIn(text), `/${this.#path}/`) : noDocument(code), etag };
  }

  async #fetchVersion3(signal: AbortSignal): Promise<Version3> {
    const { code, text } = await this.#server.fetch('/openapi/v3', { signal });
    if (code === 200) {
      const all = partOf(documentIn(text), 'paths');
      return { paths: Object.fromEntries(Object.entries(all).filter(([path]) => path === this.#path || path === this.#path.slice(0, this.#path.lastIndexOf('/')))) };
    }
    if (code !== 404) throw new Error(`failed to download openapi v3: ${code}`);
    const version2 = await this.version2();
    if (version2 === undefined || Object.keys(partOf(version2, 'paths')).length === 0) return { paths: {} };
    const document = toVersion3(version2);
    const hash = createHash('sha512').update(JSON.stringify(document)).digest('hex').toUpperCase();
    return { paths: { [this.#path]: { serverRelativeURL: `/openapi/v3/${this.#path}?hash=${hash}` } }, converted: new Map([[this.#path, document]]) };
  }
}

/** A server without such documents is no fault. */
function noDocument(code: number): JsonObject {
  if (code !== 404) throw new Error(`failed to download openapi v2: ${code}`);
  return {};
}

function documentIn(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw new Error('the document is no JSON object');
  return value;
}

/** A value that is fetched when it is wanted and older than `freshMs`; several who want it wait for the same answer. */
class Refreshed<T> {
  readonly #clock: Clock;
  readonly #isAvailable: () => boolean;
  readonly #fetch: (before: T | undefined, signal: AbortSignal) => Promise<T>;
  #value: T | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  constructor(clock: Clock, isAvailable: () => boolean, fetch: (before: T | undefined, signal: AbortSignal) => Promise<T>) {
    this.#clock = clock;
    this.#isAvailable = isAvailable;
    this.#fetch = fetch;
  }

  async get(): Promise<T | undefined> {
    if (this.#isAvailable() && this.#clock.monotonicMs() - this.#askedMs >= freshMs) await (this.#asking ??= this.#ask());
    return this.#value;
  }

  async #ask(): Promise<void> {
    const deadline = new AbortController();
    const timer = this.#clock.after(timeoutMs, () => deadline.abort());
    try {
      this.#value = await this.#fetch(this.#value, deadline.signal);
      this.#askedMs = this.#clock.monotonicMs();
    } catch {
      // Asked again at the next turn: whoever cannot be reached now may be so the next second.
    } finally {
      timer.cancel();
      this.#asking = undefined;
    }
  }
}
