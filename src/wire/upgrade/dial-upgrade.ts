import { request as requestHttp } from 'node:http';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { RequestOptions as SecureRequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { UpgradeError } from './upgrade-request.ts';

/** Where to upgrade, and as whom. */
export interface UpgradeTarget {
  /** `http:` or `https:`. */
  readonly url: URL;
  /** Kubernetes' clients send POST for exec, attach and port-forward; WebSockets need GET. */
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly tls?: Pick<SecureRequestOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>;
  readonly signal?: AbortSignal;
}

export interface DialedUpgrade {
  /** The 101 answer's headers, names in lower case. */
  readonly headers: IncomingMessage['headers'];
  /** The same headers as they came: name, value, name, value. */
  readonly rawHeaders: readonly string[];
  readonly socket: Duplex;
  /** What came right after the answer. */
  readonly head: Buffer;
}

/** Longer refusals are cut. */
const maxRefusalBytes = 64 * 1024;

/**
 * Asks a server to leave HTTP/1.1 for another protocol. Rejects with `UpgradeError` when it answers anything but 101
 * (status and text are the server's), and with the connection's error when there is no answer.
 */
export function dialUpgrade(target: UpgradeTarget, upgradeHeaders: OutgoingHttpHeaders): Promise<DialedUpgrade> {
  const { promise, resolve, reject } = Promise.withResolvers<DialedUpgrade>();
  const request = startRequest(target, upgradeHeaders);
  request.once('error', reject);
  request.once('upgrade', (response, socket, head) => {
    socket.on('error', () => {}); // whoever takes the socket over sees it close
    resolve({ headers: response.headers, rawHeaders: response.rawHeaders, socket, head });
  });
  request.once('response', (response) => {
    readRefusal(response).then(
      (text) => reject(new UpgradeError(response.statusCode ?? 502, text)),
      reject,
    );
  });
  request.end();
  return promise;
}

function startRequest(target: UpgradeTarget, upgradeHeaders: OutgoingHttpHeaders): ClientRequest {
  const options: RequestOptions = {
    method: target.method,
    headers: { ...target.headers, ...upgradeHeaders },
    agent: false,
    ...(target.signal === undefined ? {} : { signal: target.signal }),
  };
  return target.url.protocol === 'https:'
    ? requestHttps(target.url, { ...options, ...target.tls })
    : requestHttp(target.url, options);
}

/** The text of an answer that was not 101. */
export async function readRefusal(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response) {
    parts.push(part as Buffer);
    length += (part as Buffer).length;
    if (length > maxRefusalBytes) break;
  }
  return Buffer.concat(parts).toString('utf8', 0, maxRefusalBytes);
}
