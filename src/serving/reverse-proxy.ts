/**
 * Hands a request on to another server and its answer back, as it is: any method, any body, upgrades included.
 */
import { request as requestHttp } from 'node:http';
import type { Agent, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { RequestOptions } from 'node:https';
import { proxyUpgrade } from '#wire/upgrade/proxy-upgrade.ts';
import { UpgradeError } from '#wire/upgrade/upgrade-request.ts';
import type { ServerRequest, ServerResponse } from './exchange.ts';
import { piecesOf } from './read-body.ts';

export interface Backend {
  /** Where to connect, and the path to ask for, with its query. */
  readonly url: URL;
  /** The `host` header and the name that is asked for in TLS, where they differ from the address. */
  readonly hostName?: string;
  /** Headers set besides those of the client. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Headers of the client that are not handed on, besides those of one connection; lower case. */
  readonly without?: (name: string) => boolean;
  readonly tls?: Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>;
  /** Keeps connections; without it each request has its own. */
  readonly agent?: Agent;
  /** How the answer's headers are to be changed. */
  readonly returned?: (headers: Record<string, string | readonly string[]>, status: number) => void;
  /** How an answer's text is to be changed, where it is; up to `maxRewrittenBytes`. */
  readonly rewrite?: (headers: Readonly<Record<string, string | readonly string[]>>) => ((text: string) => string) | undefined;
  readonly signal?: AbortSignal;
}

/** What is larger passes as it is. */
const maxRewrittenBytes = 4 * 1024 * 1024;

/** The backend did not answer. Nothing has been sent to the client. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** Of one connection only. Source: RFC 9110 7.6.1. */
const hopByHop = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings']);

/**
 * Resolves when the answer is over. Throws `UnreachableError` while nothing has been sent; what breaks later breaks the
 * client's answer off.
 */
export async function forwardRequest(request: ServerRequest, response: ServerResponse, backend: Backend): Promise<void> {
  if (request.upgrade !== undefined) return forwardUpgrade(request, response, backend);
  const answer = await send(request, backend);
  const headers = answerHeaders(answer);
  backend.returned?.(headers, answer.statusCode ?? 502);
  const rewrite = request.method === 'HEAD' || Number(headers['content-length'] ?? 0) > maxRewrittenBytes ? undefined : backend.rewrite?.(headers);
  if (rewrite !== undefined) return sendRewritten(answer, response, headers, rewrite);
  response.writeHead(answer.statusCode ?? 502, headers);
  if (request.method === 'HEAD') {
    answer.resume();
    response.end();
    return;
  }
  response.onClose((isComplete) => {
    if (!isComplete) answer.destroy();
  });
  try {
    for await (const piece of answer) {
      const waits = response.write(piece as Buffer);
      if (waits !== undefined) await waits;
      if (response.isOver) return;
    }
  } catch {
    response.abort();
    return;
  }
  response.end();
}

async function sendRewritten(answer: IncomingMessage, response: ServerResponse, headers: Record<string, string | readonly string[]>, rewrite: (text: string) => string): Promise<void> {
  const pieces: Buffer[] = [];
  let length = 0;
  delete headers['content-length'];
  response.writeHead(answer.statusCode ?? 502, headers);
  try {
    for await (const piece of answer) {
      pieces.push(piece as Buffer);
      length += (piece as Buffer).length;
      if (length <= maxRewrittenBytes) continue;
      const waits = response.write(pieces.splice(0));
      if (waits !== undefined) await waits;
    }
  } catch {
    response.abort();
    return;
  }
  response.end(length > maxRewrittenBytes ? pieces : Buffer.from(rewrite(Buffer.concat(pieces).toString())));
}

async function forwardUpgrade(request: ServerRequest, response: ServerResponse, backend: Backend): Promise<void> {
  const { tls, url, signal } = backend;
  const headers = { ...requestHeaders(request, backend), ...backend.headers };
  delete headers['content-length'];
  try {
    await proxyUpgrade(request, { url, method: request.method === 'GET' ? 'GET' : 'POST', headers, ...(tls !== undefined && { tls }), ...(signal !== undefined && { signal }) });
  } catch (error) {
    if (!(error instanceof UpgradeError)) throw unreachable(error);
    response.writeHead(error.status, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(Buffer.from(error.message));
  }
}

function send(request: ServerRequest, backend: Backend): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { url, agent, signal, tls } = backend;
  const options: RequestOptions = {
    method: request.method, headers: { ...requestHeaders(request, backend), ...backend.headers }, agent: agent ?? false, ...(signal !== undefined && { signal }),
  };
  const outgoing = url.protocol === 'https:' ? requestHttps(url, { ...options, ...tls }, resolve) : requestHttp(url, options, resolve);
  outgoing.on('error', (error) => reject(unreachable(error)));
  // A client that goes away takes its request along.
  request.signal.addEventListener('abort', () => outgoing.destroy(), { once: true });
  void copyBody(request, outgoing);
  return promise;
}

async function copyBody(request: ServerRequest, outgoing: ReturnType<typeof requestHttp>): Promise<void> {
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      for await (const piece of piecesOf(request.body())) {
        if (!outgoing.write(piece)) await new Promise<void>((resolve) => {
          outgoing.once('drain', resolve);
          outgoing.once('close', resolve);
        });
        if (outgoing.destroyed) return;
      }
    }
    outgoing.end();
  } catch (error) {
    outgoing.destroy(error as Error);
  }
}

function requestHeaders(request: ServerRequest, { hostName, url, without }: Backend): OutgoingHttpHeaders & Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !hopByHop.has(name) && without?.(name) !== true) headers[name] = value;
  }
  const host = request.headers['host'];
  headers['host'] = hostName ?? url.host;
  headers['x-forwarded-for'] = [request.headers['x-forwarded-for'] ?? [], request.remoteAddress].flat().join(', ');
  if (typeof host === 'string') headers['x-forwarded-host'] = host;
  headers['x-forwarded-proto'] = request.isSecure ? 'https' : 'http';
  return headers;
}

function answerHeaders(answer: IncomingMessage): Record<string, string | readonly string[]> {
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined && !hopByHop.has(name)) headers[name] = value;
  return headers;
}

function unreachable(error: unknown): UnreachableError {
  return new UnreachableError(error instanceof Error ? error.message : String(error), { cause: error });
}
