/** One HTTP request and its answer, over HTTP/2 (https) or HTTP/1.1 (http: a local proxy). */
import { Agent, request as httpRequest } from 'node:http';
import type { Readable } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { TlsMaterial } from './credentials.ts';
import { createHttp2Pool } from './http2-pool.ts';

export interface HttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}
export interface HttpAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly contentType: string;
  /** Must be read to its end or destroyed. */
  readonly body: Readable;
}
export interface Exchange {
  /** Rejects when there is no answer at all, with the connection's error or the signal's reason. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

export function createHttp2Exchange(origin: string, tls: () => Promise<TlsMaterial>, clock: Clock): Exchange {
  const pool = createHttp2Pool(origin, tls, clock);
  return {
    async send({ method, path, headers, body, signal }) {
      signal?.throwIfAborted();
      const stream = await pool.open({ ':method': method, ':path': path, ...headers });
      return new Promise<HttpAnswer>((resolve, reject) => {
        const onAbort = (): void => {
          const reason = signal?.reason as Error;
          reject(reason);
          stream.destroy(reason);
        };
        if (signal?.aborted === true) return onAbort();
        signal?.addEventListener('abort', onAbort, { once: true });
        stream.once('close', () => {
          signal?.removeEventListener('abort', onAbort);
          reject(new Error('the connection was closed before an answer came'));
        });
        stream.on('error', reject);
        stream.once('response', (answer) => {
          resolve({
            status: answer[':status'] ?? 0,
            retryAfter: answer['retry-after'],
            contentType: answer['content-type'] ?? '',
            body: stream,
          });
        });
        stream.end(body);
      });
    },
    close: () => pool.close(),
  };
}

export function createHttp1Exchange(origin: string): Exchange {
  const agent = new Agent({ keepAlive: true });
  return {
    send: ({ method, path, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        const sent = httpRequest(new URL(path, origin), { method, headers, agent, ...(signal !== undefined && { signal }) }, (answer) => {
          resolve({
            status: answer.statusCode ?? 0,
            retryAfter: answer.headers['retry-after'],
            contentType: answer.headers['content-type'] ?? '',
            body: answer,
          });
        });
        sent.on('error', reject);
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
}
