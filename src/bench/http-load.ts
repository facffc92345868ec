/** The load: requests over TLS on loopback, so many at a time, and what they took. */
import { Agent, request as httpsRequest } from 'node:https';
import { systemClock } from '#base/clock.ts';

export interface Target {
  readonly port: number;
  readonly caPem: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface LoadRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: object | string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LoadAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Of the body as it came over the wire. */
  readonly bytes: number;
  /** Kept when it was asked for, or when the status says that something went wrong. */
  readonly body: Buffer;
}

export interface LoadClient {
  send(request: LoadRequest, options?: { readonly keepBody?: boolean }): Promise<LoadAnswer>;
  close(): void;
}

/** A client of HTTP/1.1 connections that are kept open. */
export function createLoadClient(target: Target, connections: number): LoadClient {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca: target.caPem, cert: target.certificatePem, key: target.privateKeyPem });
  return {
    send: ({ method, path, body, headers }, { keepBody = false } = {}) => new Promise((resolve, reject) => {
      const bytes = body === undefined ? undefined : body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      const outgoing = httpsRequest({
        host: '127.0.0.1', port: target.port, method, path, agent,
        headers: { ...(bytes !== undefined && { 'content-type': 'application/json', 'content-length': bytes.length }), ...headers },
      }, (incoming) => {
        const status = incoming.statusCode ?? 0;
        const pieces: Buffer[] = [];
        let length = 0;
        incoming.on('data', (piece: Buffer) => {
          length += piece.length;
          if (keepBody || status >= 400) pieces.push(piece);
        });
        incoming.on('error', reject);
        incoming.on('end', () => resolve({ status, headers: incoming.headers, bytes: length, body: Buffer.concat(pieces) }));
      });
      outgoing.on('error', reject);
      outgoing.end(bytes);
    }),
    close: () => agent.destroy(),
  };
}

export interface LoadPlan {
  readonly count: number;
  /** Requests under way at a time. */
  readonly clients: number;
  /** Ends the row early, so that a slow machine does not take all day. */
  readonly maxMs: number;
}

export interface LoadResult {
  /** How many were sent; less than planned when time was up. */
  readonly count: number;
  readonly tookMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Calls `send` for 0, 1, 2 ... with so many under way at a time. Rejects with the first failure. */
export async function runLoad({ count, clients, maxMs }: LoadPlan, send: (index: number) => Promise<void>): Promise<LoadResult> {
  const took: number[] = [];
  const startMs = systemClock.monotonicMs();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count && systemClock.monotonicMs() - startMs < maxMs) {
      const index = next++;
      const sentMs = systemClock.monotonicMs();
      await send(index);
      took.push(systemClock.monotonicMs() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: clients }, worker));
  return { count: took.length, tookMs: systemClock.monotonicMs() - startMs, ...percentiles(took) };
}

export function percentiles(samples: readonly number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = samples.toSorted((left, right) => left - right);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
