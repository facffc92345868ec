/** The `Transport` that speaks HTTPS and JSON to an API server somewhere. */
import type { Readable } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { systemClock } from '#base/clock.ts';
import { decodeObject } from '#apimachinery/decode.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { ConnectionConfig } from './connection.ts';
import type { Credentials } from './credentials.ts';
import { createCredentials } from './credentials.ts';
import type { Exchange, HttpAnswer } from './exchange.ts';
import { createHttp1Exchange, createHttp2Exchange } from './exchange.ts';
import { lines } from './lines.ts';
import type { ApiRequest, Transport, WatchEvent } from './transport.ts';

export interface HttpsTransportOptions {
  readonly clock?: Clock;
  readonly userAgent?: string;
}

/** A server that says "later" is asked this many times in all. */
const maxAttempts = 10;
/** The largest body taken in whole. */
const maxBodyBytes = 256 << 20;

/**
 * Connects on first use. A failure to connect is thrown as a 503 `StatusError` whose `cause` is the system's error.
 * Requests that the server answers with 429 or 5xx and `Retry-After` are repeated after that time.
 */
export function createHttpsTransport(config: ConnectionConfig, options: HttpsTransportOptions = {}): Transport {
  const { clock = systemClock, userAgent = 'skiff/v1.36.0' } = options;
  const base = new URL(config.server);
  const prefix = base.pathname.replace(/\/+$/, '');
  const credentials = createCredentials(config, clock);
  const exchange = base.protocol === 'http:' ? createHttp1Exchange(base.origin) : createHttp2Exchange(base.origin, () => credentials.tls(), clock);

  const send = async (request: ApiRequest, accept: string): Promise<HttpAnswer> => {
    for (let attempt = 1; ; attempt++) {
      const answer = await sendOnce(exchange, credentials, request, { accept, prefix, userAgent });
      if (answer.status < 300) return answer;
      const isLastAttempt = attempt >= maxAttempts;
      if (answer.status === 401 && attempt === 1 && credentials.refused()) {
        answer.body.resume();
        continue;
      }
      const isForLater = answer.retryAfter !== undefined && (answer.status === 429 || answer.status >= 500);
      if (!isForLater || isLastAttempt) throw await failure(answer);
      answer.body.resume();
      await clock.sleep(Math.max(0, Number(answer.retryAfter) || 1) * 1000, request.signal);
    }
  };

  return {
    async request(request) {
      const answer = await send(request, 'application/json');
      const text = await readAll(answer.body);
      return decodeAnswer(request.kind, answer.contentType.startsWith('application/json') ? JSON.parse(text) : text);
    },
    async *watch<T extends KubeObject>(request: ApiRequest): AsyncIterable<readonly WatchEvent<T>[]> {
      const answer = await send(request, 'application/json');
      try {
        for await (const batch of lines(answer.body)) yield batch.map((line) => decodeEvent<T>(request.kind, line));
      } catch (error) {
        if (request.signal?.aborted === true) return;
        throw error instanceof StatusError ? error : connectionLost(error);
      } finally {
        answer.body.destroy();
      }
    },
    async stream(request) {
      const answer = await send(request, '*/*');
      return answer.body;
    },
    async close() {
      exchange.close();
    },
  };
}

interface Manner {
  readonly accept: string;
  readonly prefix: string;
  readonly userAgent: string;
}

async function sendOnce(exchange: Exchange, credentials: Credentials, request: ApiRequest, manner: Manner): Promise<HttpAnswer> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) query.append(name, value);
  const search = query.size === 0 ? '' : `?${query.toString()}`;
  try {
    return await exchange.send({
      method: request.method,
      path: `${manner.prefix}${request.path}${search}`,
      headers: {
        accept: manner.accept,
        'user-agent': manner.userAgent,
        ...(request.body !== undefined && { 'content-type': request.contentType ?? 'application/json' }),
        ...(await credentials.headers()),
      },
      body: request.body === undefined ? undefined : JSON.stringify(request.body),
      signal: request.signal,
    });
  } catch (error) {
    if (request.signal?.aborted === true) throw request.signal.reason;
    throw connectionLost(error);
  }
}

function connectionLost(error: unknown): StatusError {
  const message = error instanceof Error ? error.message : String(error);
  return new StatusError(503, 'ServiceUnavailable', `the server could not be reached: ${message}`, undefined, { cause: error });
}

async function failure(answer: HttpAnswer): Promise<StatusError> {
  const text = await readAll(answer.body).catch(() => '');
  try {
    const body: unknown = JSON.parse(text);
    if (isJsonObject(body) && body['kind'] === 'Status') return StatusError.fromStatus(body);
  } catch {
    // Not JSON: something between us and the server answered.
  }
  return new StatusError(answer.status, '', text === '' ? `the server answered ${answer.status}` : text.trim());
}

function decodeEvent<T extends KubeObject>(kind: ResourceKind | undefined, line: string): WatchEvent<T> {
  const event = JSON.parse(line) as { readonly type: WatchEvent['type'] | 'ERROR'; readonly object: JsonObject };
  if (event.type === 'ERROR') throw StatusError.fromStatus(event.object);
  return { type: event.type, object: decodeAnswer(kind, event.object) as T };
}

function decodeAnswer(kind: ResourceKind | undefined, answer: unknown): unknown {
  if (kind === undefined || !isJsonObject(answer) || answer['kind'] === 'Status') return answer;
  const items = answer['items'];
  if (answer['kind'] === kind.listKind || (Array.isArray(items) && answer['kind'] !== kind.kind)) {
    const objects = Array.isArray(items) ? (items as readonly unknown[]) : [];
    return { metadata: answer['metadata'], items: objects.map((item) => decodeObject(kind, item)) };
  }
  return decodeObject(kind, answer);
}

async function readAll(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new Error(`the answer is larger than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
