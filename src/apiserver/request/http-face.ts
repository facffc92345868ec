/** The HTTP side of the API server: from a request on the wire to a call, and from its result to bytes. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { StatusError, internalError, notAcceptable, tooLarge } from '#apimachinery/status-error.ts';
import type { ResponseHeaders, ServerRequest, ServerResponse } from '#serving/exchange.ts';
import { readBody } from '#serving/read-body.ts';
import type { Authenticator } from '../authn/authenticate.ts';
import { anonymousUser, authenticate } from '../authn/authenticate.ts';
import { impersonated } from '../authn/impersonate.ts';
import type { Attributes, Authorizer } from '../authz/authorizer.ts';
import { attributesOf } from '../authz/authorizer.ts';
import type { ApiCall, ApiResult, CallBody, CallOrigin, JsonResult, Query, RawResult, UserInfo, WatchResult } from './api-call.ts';
import { isTrue } from './api-call.ts';
import { compressPieces, gzipLevel } from './compress-pieces.ts';
import type { EncodeContext } from './encode.ts';
import { encodeDocument, encodeObject } from './encode.ts';
import { encodeList } from './encode-list.ts';
import { encodeBatch, encodeErrorEvent } from './encode-watch.ts';
import type { CallHandler } from './in-process.ts';
import type { Piece } from './list-pieces.ts';
import type { Offer } from './negotiate.ts';
import { acceptableTypes, contentTypes, negotiate, streamTypes } from './negotiate.ts';
import type { KindOf } from './read-call-body.ts';
import { readCallBody } from './read-call-body.ts';
import type { RequestInfo } from './request-info.ts';
import { requestInfo } from './request-info.ts';

/** As upstream: what etcd takes at most, doubled. */
const maxBodyBytes = 3 * 1024 * 1024;
const largeBytes = 128 * 1024;
/** Answers below this size are not worth compressing. Source: KEP-156. */
const minGzipBytes = 128 * 1024;
const gzipAsync = promisify(gzip);

export interface HttpFaceOptions {
  readonly authenticators: readonly Authenticator[];
  /** They say who may act as somebody else. */
  readonly authorizers: readonly Authorizer[];
  /** Everything behind authentication. */
  readonly handle: CallHandler;
  /** For bodies in protobuf. */
  readonly kindOf: KindOf;
  /** Whether a request is handed on to another server, which reads the body. */
  readonly passesOn: (info: RequestInfo) => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Whether large answers are compressed for those who take that. Default: they are. */
  readonly compresses?: boolean | undefined;
  /** Whoever records requests wants to know where they come from, and of those whose sender could not be told. Default: nobody. */
  readonly audit?: { refused(info: RequestInfo, origin: CallOrigin, error: unknown): Promise<void> } | undefined;
}

/** Answers one request. Never rejects: what goes wrong becomes a Status. */
export function httpFace(options: HttpFaceOptions): (request: ServerRequest, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const warnings: string[] = [];
    const auditId = auditIdOf(request, options.random);
    response.addHeaders({ 'audit-id': auditId });
    let call: AnsweredCall | undefined;
    try {
      const sender = await senderOf(request, auditId, options);
      const found = impersonated(options.authorizers, sender, request.headers, () => askedFor(request, sender));
      const { user, constraint } = found instanceof Promise ? await found : found;
      const origin = options.audit === undefined ? undefined : { ...originOf(request, auditId, sender), ...(constraint !== undefined && { impersonationConstraint: constraint }) };
      call = await callOf(request, response, user, warnings, origin, options);
      checkAcceptable(call);
      const result = await options.handle(call);
      await answer(options, request, response, call, result, warnings);
    } catch (error) {
      answerError(options.log, request, response, error, warnings);
    } finally {
      if (call !== undefined) {
        call.isAnswered = true;
        call.notes?.onSent?.(response.bodyBytes);
        call.onAnswered?.();
      }
    }
  };
}

/** A call that may want to know when its answer is out. */
interface AnsweredCall extends ApiCall {
  isAnswered?: true;
  onAnswered?: () => void;
}

function afterBoth(first: (() => void) | undefined, second: () => void): () => void {
  if (first === undefined) return second;
  return () => {
    first();
    second();
  };
}

/** Source: header Audit-Id of the Kubernetes API. */
function auditIdOf({ headers }: ServerRequest, random: Random): string {
  const given = headers['audit-id'];
  return typeof given === 'string' && given !== '' ? given.slice(0, 64) : random.uuid();
}

/** What a request wants, as the sender's own wish. */
function askedFor({ method, path, query }: ServerRequest, sender: UserInfo): Attributes {
  const values = queryOf(query);
  return attributesOf(requestInfo(method, path, isTrue(values['watch'])), sender, values);
}

async function senderOf(request: ServerRequest, auditId: string, { authenticators, audit }: HttpFaceOptions): Promise<UserInfo> {
  try {
    return await authenticate(authenticators, request);
  } catch (error) {
    if (audit !== undefined) {
      const watches = isTrue(queryOf(request.query)['watch']);
      await audit.refused(requestInfo(request.method, request.path, watches), originOf(request, auditId, anonymousUser), error);
    }
    throw error;
  }
}

function originOf({ target, headers, remoteAddress }: ServerRequest, auditId: string, sender: UserInfo): CallOrigin {
  const forwarded = headerText(headers['x-forwarded-for']).split(',').map((each) => each.trim()).filter((each) => each !== '');
  const real = headerText(headers['x-real-ip']);
  const address = remoteAddress.replace(/^::ffff:/, '');
  return { auditId, sender, requestUri: target, sourceIps: [...new Set([...forwarded, ...(real === '' ? [] : [real]), address])], userAgent: headerText(headers['user-agent']) };
}

async function callOf(request: ServerRequest, response: ServerResponse, user: UserInfo, warnings: string[], origin: CallOrigin | undefined, { kindOf, passesOn }: Pick<HttpFaceOptions, 'kindOf' | 'passesOn'>): Promise<AnsweredCall> {
  const query = queryOf(request.query);
  const contentType = mediaType(request.headers['content-type']);
  const info = requestInfo(request.method, request.path, isTrue(query['watch']));
  // What is handed on is not read here.
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD' && request.upgrade === undefined && info.subresource !== 'proxy' && !passesOn(info);
  const bytes = hasBody ? await readBody(request, { limitBytes: maxBodyBytes, tooLarge: () => tooLarge(maxBodyBytes) }) : undefined;
  let body: CallBody | undefined;
  let isRead = false;
  const call: AnsweredCall = {
    info,
    user,
    query,
    body() {
      if (!isRead && bytes !== undefined) body = readCallBody(bytes, contentType, kindOf);
      isRead = true;
      return body;
    },
    contentType,
    notes: { outsideMs: 0, isTerminated: false, onSent: undefined },
    userAgent: headerText(request.headers['user-agent']),
    accept: headerText(request.headers['accept']),
    ...(origin !== undefined && { origin }),
    get signal() {
      return request.signal;
    },
    addHeaders: (headers) => response.addHeaders(headers),
    ...(bytes !== undefined && bytes.length > largeBytes && { isLarge: true }),
    whenAnswered: (callback) => {
      // It may be that nobody wanted to wait for the result.
      if (call.isAnswered === true) callback();
      else call.onAnswered = afterBoth(call.onAnswered, callback);
    },
    warn: (text) => {
      if (!warnings.includes(text)) warnings.push(text);
    },
  };
  return call;
}

/** What is written has to be shown, and whoever cannot be shown it must not have written. */
function checkAcceptable({ accept, info }: ApiCall): void {
  if (!info.isResource || info.verb === 'get' || connections.has(info.subresource)) return;
  if (negotiate(accept, { streams: info.verb === 'watch' }) === undefined) throw notAcceptable(acceptableTypes({ streams: info.verb === 'watch' }));
}

/** Their answers are not ours to shape. */
const connections = new Set(['proxy', 'exec', 'attach', 'portforward']);

async function answer(
  options: HttpFaceOptions, request: ServerRequest, response: ServerResponse, call: ApiCall, result: ApiResult, warnings: readonly string[],
): Promise<void> {
  switch (result.is) {
    case 'upgrade':
      return result.take(request, response);
    case 'raw':
      if (request.upgrade?.protocol === 'websocket' && call.info.subresource === 'log') return sendLogOverWebSocket(request, result);
      return sendRaw(response, result);
    case 'json':
      return sendDocument(options, request, response, call, result, warnings);
    case 'object':
    case 'list':
    case 'watch':
  }
  const offer: Offer = { streams: result.is === 'watch', isCustom: result.kind.isCustom === true, isReview: isReview(result.kind) };
  const form = negotiate(call.accept, offer);
  if (form === undefined) throw notAcceptable(acceptableTypes(offer));
  const context: EncodeContext = { form, nowMs: options.clock.nowMs(), includeObject: includeObjectOf(call.query), isPretty: form.media === 'json' && wantsPretty(call) };
  if (result.is === 'watch') return sendWatch(options, response, result, context);
  const headers = { 'content-type': contentTypes[form.media], 'cache-control': 'no-cache, private', ...warningHeaders(warnings) };
  if (result.is === 'object') {
    response.writeHead(result.code, headers);
    response.end(encodeObject(result, context));
    return undefined;
  }
  return sendPieces(acceptsGzip(options, request), options.clock, response, { code: 200, headers, pieces: await encodeList(result, context) });
}

/** Discovery brings its media type along; a Status or a review comes in the one asked for. */
async function sendDocument(
  options: HttpFaceOptions, request: ServerRequest, response: ServerResponse, call: ApiCall, result: JsonResult, warnings: readonly string[],
): Promise<void> {
  const fixed = result.headers?.['content-type'];
  const form = fixed === undefined ? negotiate(call.accept) : undefined;
  const { media, bytes } = encodeDocument(result.body, form?.media ?? (fixed?.startsWith(contentTypes.protobuf) === true ? 'protobuf' : 'json'), options.kindOf, result.isPretty === true || wantsPretty(call));
  if (isKnown(request, result.headers)) {
    response.writeHead(304, result.headers);
    return response.end();
  }
  return sendCompressible(acceptsGzip(options, request), response, { code: result.code, headers: { 'content-type': contentTypes[media], ...result.headers, ...warningHeaders(warnings) }, bytes });
}

interface Answer {
  readonly code: number;
  readonly headers: ResponseHeaders;
  readonly bytes: Buffer;
}

function acceptsGzip({ compresses = true }: HttpFaceOptions, request: ServerRequest): boolean {
  return compresses && headerText(request.headers['accept-encoding']).includes('gzip');
}

async function sendCompressible(isCompressed: boolean, response: ServerResponse, { code, headers, bytes }: Answer): Promise<void> {
  if (bytes.length < minGzipBytes || !isCompressed) {
    response.writeHead(code, headers);
    return response.end(bytes);
  }
  const compressed = await gzipAsync(bytes, { level: gzipLevel });
  response.writeHead(code, compressedHeaders(headers));
  return response.end(compressed);
}

function compressedHeaders(headers: ResponseHeaders): ResponseHeaders {
  return { ...headers, 'content-encoding': 'gzip', vary: [headers['vary'], 'Accept-Encoding'].filter((each) => each !== undefined).join(', ') };
}

/** The same for what is made while it is sent; what comes in one piece is sent as such. */
async function sendPieces(isCompressed: boolean, clock: Clock, response: ServerResponse, { code, headers, pieces }: Omit<Answer, 'bytes'> & { readonly pieces: Iterable<Piece> }): Promise<void> {
  const iterator = pieces[Symbol.iterator]();
  const first = iterator.next();
  if (first.done === true) throw new Error('a document of no pieces');
  if (first.value.isLast) return sendCompressible(isCompressed, response, { code, headers, bytes: first.value.bytes });
  const all = startingWith(first.value, iterator);
  response.writeHead(code, isCompressed ? compressedHeaders(headers) : headers);
  for await (const bytes of isCompressed ? compressPieces(all) : bytesOf(all)) {
    await waitOrCut(response.writeThrough(bytes), clock, response);
    if (response.isOver) return;
  }
  response.end();
}

function* startingWith<T>(first: T, rest: Iterator<T>): Generator<T> {
  yield first;
  for (let next = rest.next(); next.done !== true; next = rest.next()) yield next.value;
}

function* bytesOf(pieces: Iterable<Piece>): Generator<Buffer> {
  for (const { bytes } of pieces) yield bytes;
}

async function* piecesOf(body: RawResult['body']): AsyncIterable<Uint8Array> {
  if (typeof body === 'string') yield Buffer.from(body);
  else if (body instanceof Uint8Array) yield body;
  else yield* body;
}

async function sendLogOverWebSocket(request: ServerRequest, { body }: RawResult): Promise<void> {
  const { sendOverWebSocket } = await import('#wire/upgrade/websocket-reader.ts');
  return sendOverWebSocket(request, piecesOf(body));
}

async function sendRaw(response: ServerResponse, result: Extract<ApiResult, { is: 'raw' }>): Promise<void> {
  response.writeHead(result.code, { 'content-type': result.contentType, ...result.headers });
  const { body } = result;
  if (typeof body === 'string') return response.end(Buffer.from(body));
  if (body instanceof Uint8Array) return response.end(body);
  response.flush();
  try {
    for await (const piece of body) {
      const waits = response.write(piece);
      if (waits !== undefined) await waits;
      if (response.isOver) return;
    }
  } catch {
    response.abort();
    return;
  }
  response.end();
}

async function sendWatch(options: HttpFaceOptions, response: ServerResponse, result: WatchResult, context: EncodeContext): Promise<void> {
  const { media } = context.form;
  response.writeHead(200, { 'content-type': streamTypes[media === 'yaml' ? 'json' : media], 'cache-control': 'no-cache, private' });
  response.flush();
  try {
    for await (const items of result.batches) {
      const waits = response.write(encodeBatch(result.kind, items, { ...context, nowMs: options.clock.nowMs() }));
      if (waits !== undefined) await waitOrCut(waits, options.clock, response);
      if (response.isOver) return;
    }
  } catch (error) {
    const status = error instanceof StatusError ? error : internalError(error);
    if (!(error instanceof StatusError)) options.log.error({ error }, 'watch failed');
    if (!response.isOver) void response.write(encodeErrorEvent(status.toStatus(), media));
  }
  response.end();
}

/** Whoever takes nothing for so long does not read. */
const maxStallMs = 60_000;

/** Waits until there is room for more. Nothing else would end the watch of a client that has ceased to read, or give back the seats of its list. */
async function waitOrCut(waits: Promise<void>, clock: Clock, response: ServerResponse): Promise<void> {
  const timer = clock.after(maxStallMs, () => response.abort());
  await waits;
  timer.cancel();
}

function answerError(log: Logger, request: ServerRequest, response: ServerResponse, error: unknown, warnings: readonly string[]): void {
  const status = error instanceof StatusError ? error : internalError(error);
  if (!(error instanceof StatusError)) log.error({ error, path: request.path, method: request.method }, 'request failed');
  if (response.isHeadSent) return response.abort();
  const form = negotiate(headerText(request.headers['accept']));
  const isPretty = wantsPretty({ query: queryOf(request.query), userAgent: headerText(request.headers['user-agent']) });
  const { media, bytes } = encodeDocument(withContinue(status), form?.media ?? 'json', () => undefined, isPretty);
  const retryAfter = status.details?.retryAfterSeconds;
  response.writeHead(status.code, {
    'content-type': contentTypes[media],
    'cache-control': 'no-cache, private',
    ...(retryAfter !== undefined && retryAfter > 0 && { 'retry-after': String(retryAfter) }),
    ...warningHeaders(warnings),
  });
  response.end(bytes);
}

/** An expired list may say how to go on: the token travels in the Status' metadata. */
function withContinue(status: StatusError): object {
  const cause = status.cause as { readonly continue?: string } | undefined;
  const body = status.toStatus();
  return typeof cause?.continue === 'string' ? { ...body, metadata: { continue: cause.continue } } : body;
}

/** Source: RFC 7234 5.5, KEP-1693. */
function warningHeaders(warnings: readonly string[]): { readonly warning?: readonly string[] } {
  if (warnings.length === 0) return {};
  return { warning: warnings.map((text) => `299 - "${headerQuoted(text)}"`) };
}

/** Node writes header values as Latin-1; this makes the bytes on the wire UTF-8, and control characters blanks. */
function headerQuoted(text: string): string {
  const quoted = text.replaceAll(/[\\"]/g, (char) => `\\${char}`).replaceAll(/\p{Cc}+/gu, ' ');
  return Buffer.from(quoted).toString('latin1');
}

function queryOf(text: string): Query {
  if (text === '') return {};
  const query: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [key, value] of new URLSearchParams(text)) query[key] ??= value;
  return query;
}

function mediaType(header: string | string[] | undefined): string {
  const text = headerText(header);
  const end = text.indexOf(';');
  const media = (end < 0 ? text : text.slice(0, end)).trim().toLowerCase();
  return media === '' || media === '*/*' ? 'application/json' : media;
}

function headerText(header: string | string[] | undefined): string {
  return header === undefined ? '' : typeof header === 'string' ? header : header.join(',');
}

/** Whether JSON is laid out for people: where they ask for it, or use a tool for people and do not refuse it. */
function wantsPretty({ query, userAgent }: Pick<ApiCall, 'query' | 'userAgent'>): boolean {
  const asked = query['pretty'] ?? '';
  return asked === '' ? /^(?:curl|Wget|Mozilla\/5\.0)/.test(userAgent) : /^(?:1|[tT]|true|TRUE|True)$/.test(asked);
}

/** Whether the client has the document already. Source: RFC 9110 13.1.2. */
function isKnown({ headers }: ServerRequest, answered: JsonResult['headers'] = {}): boolean {
  const known = headerText(headers['if-none-match']);
  return known !== '' && answered['etag'] !== undefined && known.split(',').some((each) => each.trim() === answered['etag']);
}

function includeObjectOf(query: Query): EncodeContext['includeObject'] {
  const value = query['includeObject'];
  return value === 'None' || value === 'Object' ? value : 'Metadata';
}

/** Kinds that are questions can be created and nothing else. */
function isReview({ verbs }: ResourceKind): boolean {
  return verbs.length === 1 && verbs[0] === 'create';
}
