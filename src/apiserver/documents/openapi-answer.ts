/**
 * How OpenAPI documents are made and sent: in JSON or protobuf, with an ETag, compressed, and for ever where the client
 * names the document's hash. Loaded with the first such request.
 *
 * Source: behaviour of kube-openapi's handlers; KEP-2896.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '#base/clock.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import type { Steps } from '#apimachinery/openapi.ts';
import { openApiV2, openApiV2Origin, openApiV3, openApiV3Address, openApiV3Index, openApiV3Origin } from '#apimachinery/openapi.ts';
import { notAcceptable } from '#apimachinery/status-error.ts';
import type { ResponseHeaders, ServerRequest, ServerResponse } from '#serving/exchange.ts';
import type { ApiCall, ApiResult } from '../request/api-call.ts';
import { acceptedTypes } from '#serving/accepted-types.ts';
import type { ServedKinds } from '../request/served-kinds.ts';
import { bodyKinds } from '../request/served-kinds.ts';
import { withDescriptions } from './descriptions.ts';
import { jsonPieces } from './json-pieces.ts';
import { parameterWording } from './parameter-wording.ts';
import { descriptionsVersion } from './text-packages.ts';

/** As upstream's compression of these documents; less would not pay. */
const minGzipBytes = 1400;
const yearMs = 365 * 24 * 60 * 60 * 1000;

export class OpenApiDocuments {
  readonly #kinds: ServedKinds;
  readonly #clock: Clock;
  #generation = -1;
  /** When the kinds last changed, in whole seconds: what Last-Modified says. */
  #modifiedMs = 0;
  #index: JsonObject | undefined;
  /** By path, of the kinds as they are. */
  #hashes = new Map<string, string>();
  /** Of the documents made here: of the kinds as they were then. Clients keep a document for ever under its hash. */
  readonly #hashOf = new WeakMap<JsonObject, string>();
  /** Who asks while a document is being made gets the same: after a restart many ask at once, and each is megabytes. */
  #making = new Map<string, Promise<JsonObject | undefined>>();
  /** The same for its bytes, by media type. */
  readonly #bytes = new WeakMap<JsonObject, Map<string, Promise<readonly Uint8Array[]>>>();

  constructor({ kinds, clock }: { readonly kinds: ServedKinds; readonly clock: Clock }) {
    this.#kinds = kinds;
    this.#clock = clock;
  }

  /** The document at a path; undefined when there is none. */
  async find(path: string): Promise<JsonObject | undefined> {
    this.#refresh();
    if (path === '/openapi/v3') return (this.#index ??= openApiV3Index(this.#kinds.all(), hashOf));
    const making = this.#making;
    let document = making.get(path);
    if (document === undefined) {
      document = this.#make(path).finally(() => making.delete(path));
      making.set(path, document);
    }
    return document;
  }

  async #make(path: string): Promise<JsonObject | undefined> {
    const kinds = this.#kinds.all();
    const key = path.slice('/openapi/v3/'.length);
    const settings = { parts: bodyKinds, wording: await parameterWording() };
    await nextTurn();
    const steps = path === '/openapi/v2' ? openApiV2(kinds, shortHash, settings) : openApiV3(kinds, key, settings);
    if (steps === undefined) return undefined;
    let hash = this.#hashes.get(path);
    if (hash === undefined) this.#hashes.set(path, (hash = hashOf(path === '/openapi/v2' ? openApiV2Origin(kinds) : openApiV3Origin(kinds, key))));
    const document = await withDescriptions(await inTurns(steps));
    this.#hashOf.set(document, hash);
    return document;
  }

  /** The answer to a call for a document: one that `find` made, or another. */
  answer(call: ApiCall, path: string, document: JsonObject): ApiResult {
    // Who is in this process reads no bytes.
    if (call.isInProcess === true) return { is: 'json', code: 200, body: document };
    const type = mediaType(call.accept, path);
    return {
      is: 'upgrade',
      code: 200,
      take: async (request, response) => {
        const hash = this.#hashOf.get(document) ?? (await contentHash(document));
        const named = path.startsWith('/openapi/v3/') ? (call.query['hash'] ?? '') : '';
        if (named !== '' && named !== hash) {
          response.writeHead(301, { location: openApiV3Address(path.slice('/openapi/v3/'.length), hash), vary: 'Accept' });
          return response.end();
        }
        const headers: ResponseHeaders = {
          ...(path !== '/openapi/v3' && { vary: 'Accept' }), 'content-type': type.sent, etag: `"${hash}"`, 'last-modified': new Date(this.#modifiedMs).toUTCString(),
          ...(named !== '' && { 'cache-control': 'public, immutable', expires: new Date(this.#clock.nowMs() + yearMs).toUTCString() }),
        };
        if (isUnchanged(request, hash, this.#modifiedMs)) {
          response.writeHead(304, headers);
          return response.end();
        }
        return send(request, response, headers, await this.#bytesOf(path, document, type));
      },
    };
  }

  #bytesOf(path: string, document: JsonObject, type: MediaType): Promise<readonly Uint8Array[]> {
    let forms = this.#bytes.get(document);
    if (forms === undefined) this.#bytes.set(document, (forms = new Map()));
    let bytes = forms.get(type.sent);
    if (bytes === undefined) {
      bytes = type.isProtobuf ? protobufOf(path, document) : jsonOf(document);
      forms.set(type.sent, bytes);
    }
    return bytes;
  }

  #refresh(): void {
    if (this.#generation === this.#kinds.generation) return;
    this.#generation = this.#kinds.generation;
    this.#modifiedMs = Math.floor(this.#clock.nowMs() / 1000) * 1000;
    this.#index = undefined;
    this.#making = new Map();
    this.#hashes = new Map();
  }
}

function hashOf(origin: unknown): string {
  return createHash('sha512').update(JSON.stringify([origin, descriptionsVersion()])).digest('hex').toUpperCase();
}

/** Six bytes in eight letters. */
export function shortHash(text: string): string {
  return createHash('sha224').update(text).digest().subarray(0, 6).toString('base64url');
}

/** Of a document that is not only ours: it changes with what it says. */
async function contentHash(document: JsonObject): Promise<string> {
  const hash = createHash('sha512');
  for (const piece of jsonPieces(document)) {
    hash.update(piece);
    await nextTurn();
  }
  return hash.digest('hex').toUpperCase();
}

async function inTurns<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    await nextTurn();
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

async function jsonOf(document: JsonObject): Promise<readonly Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for (const piece of jsonPieces(document)) {
    pieces.push(Buffer.from(piece));
    await nextTurn();
  }
  return pieces;
}

/** About this many entries of a document are a millisecond's work. */
const entriesPerTurn = 32;

async function protobufOf(path: string, document: JsonObject): Promise<readonly Uint8Array[]> {
  const { protobufPieces } = await import('./openapi-protobuf.ts');
  const message = path === '/openapi/v2' ? (await import('./openapi-v2-messages.ts')).documentV2 : (await import('./openapi-v3-messages.ts')).documentV3;
  const steps = protobufPieces(message, document);
  for (let count = 1; ; count++) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (count % entriesPerTurn === 0) await nextTurn();
  }
}

interface MediaType {
  readonly sent: string;
  readonly isProtobuf: boolean;
}

/** Throws a 406 when the client takes none of ours. The index comes in JSON, whatever is asked for. */
function mediaType(accept: string, path: string): MediaType {
  const json = { sent: 'application/json', isProtobuf: false };
  if (path === '/openapi/v3') return json;
  const version = path === '/openapi/v2' ? 'v2' : 'v3';
  const sent = `application/com.github.proto-openapi.spec.${version}.v1.0+protobuf`;
  for (const { type } of acceptedTypes(accept === '' ? '*/*' : accept)) {
    if (type === '*/*' || type === 'application/*' || type === 'application/json') return json;
    if (type === sent || type === `application/com.github.proto-openapi.spec.${version}@v1.0+protobuf`) return { sent, isProtobuf: true };
  }
  throw notAcceptable(['application/json', sent]);
}

/** Source: RFC 9110 13.1. */
function isUnchanged({ headers }: ServerRequest, hash: string, modifiedMs: number): boolean {
  const known = headerText(headers['if-none-match']);
  if (known !== '') return known.split(',').some((each) => each.trim().replace(/^W\//, '') === `"${hash}"` || each.trim() === '*');
  const since = Date.parse(headerText(headers['if-modified-since']));
  return !Number.isNaN(since) && modifiedMs <= since;
}

function headerText(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : (header?.join(',') ?? '');
}

async function send(request: ServerRequest, response: ServerResponse, headers: ResponseHeaders, pieces: readonly Uint8Array[]): Promise<void> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const isCompressed = length >= minGzipBytes && headerText(request.headers['accept-encoding']).includes('gzip');
  const vary = [headers['vary'], 'Accept-Encoding'].filter((each) => each !== undefined).join(', ');
  response.writeHead(200, isCompressed ? { ...headers, 'content-encoding': 'gzip', vary } : { ...headers, 'content-length': length });
  const sent: Iterable<Uint8Array> | AsyncIterable<Uint8Array> = isCompressed ? Readable.from(pieces).pipe(createGzip({ level: 1 })) : pieces;
  for await (const piece of sent) {
    const waits = response.write(piece);
    if (waits !== undefined) await waits;
    if (response.isOver) return;
  }
  response.end();
}
