import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import type { JSONWebKeySet } from 'jose';
import { createLocalJWKSet } from 'jose';
import type { Clock } from '#base/clock.ts';
import { connectionFailure } from '#client/connection-failure.ts';

export type GetKey = ReturnType<typeof createLocalJWKSet>;

const timeoutMs = 30_000;
const maxBytes = 1 << 20;
/** Keys that are not known make the set be fetched again, but not more often. */
const cooldownMs = 10_000;

/**
 * The keys of an issuer, found by its discovery document, fetched when first needed and again when a token names one
 * that is not known. Source: OpenID Connect Discovery 1.0.
 */
export class KeySource {
  readonly #issuer: { readonly url: string; readonly discoveryUrl: string; readonly caPem: string | undefined };
  readonly #clock: Clock;
  #keys: Promise<GetKey> | undefined;
  #fetchedAtMs = -Infinity;

  constructor(issuer: { readonly url: string; readonly discoveryUrl?: string | undefined; readonly caPem?: string | undefined }, clock: Clock) {
    this.#issuer = { url: issuer.url, discoveryUrl: issuer.discoveryUrl ?? `${issuer.url.replace(/\/+$/, '')}/.well-known/openid-configuration`, caPem: issuer.caPem };
    this.#clock = clock;
  }

  /** Rejects when the issuer cannot be asked; the next call asks again. */
  keys(): Promise<GetKey> {
    if (this.#keys === undefined) {
      this.#fetchedAtMs = this.#clock.monotonicMs();
      this.#keys = this.#fetch();
      this.#keys.catch(() => {
        this.#keys = undefined;
      });
    }
    return this.#keys;
  }

  /** The keys as they are by now; undefined when they were fetched a moment ago. */
  newKeys(): Promise<GetKey> | undefined {
    if (this.#clock.monotonicMs() - this.#fetchedAtMs < cooldownMs) return undefined;
    this.#keys = undefined;
    return this.keys();
  }

  async #fetch(): Promise<GetKey> {
    const { url, discoveryUrl, caPem } = this.#issuer;
    const document = (await getJson(discoveryUrl, caPem, this.#clock)) as { readonly issuer?: string; readonly jwks_uri?: string };
    if (document.issuer !== url) throw new Error(`oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(url)} got ${JSON.stringify(document.issuer)}`);
    return createLocalJWKSet((await getJson(document.jwks_uri ?? '', caPem, this.#clock)) as JSONWebKeySet);
  }
}

async function getJson(url: string, caPem: string | undefined, clock: Clock): Promise<unknown> {
  const deadline = new AbortController();
  const timer = clock.after(timeoutMs, () => deadline.abort(new Error('no answer in time')));
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      https.get(url, { signal: deadline.signal, ...(caPem !== undefined && { ca: caPem }), headers: { accept: 'application/json' } }, resolve).on('error', reject);
    });
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of response) {
      length += (piece as Buffer).length;
      if (length > maxBytes) throw new Error('the answer is too large');
      pieces.push(piece as Buffer);
    }
    if (response.statusCode !== 200) throw new Error(`the server answered ${response.statusCode}`);
    return JSON.parse(Buffer.concat(pieces).toString()) as unknown;
  } catch (error) {
    throw new Error(`Get ${JSON.stringify(url)}: ${connectionFailure(error)}`, { cause: error });
  } finally {
    timer.cancel();
  }
}
