import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { systemClock } from '#base/clock.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';

type Json = Record<string, unknown>;

export interface ConversionWebhook {
  readonly url: string;
  /** As a definition's clientConfig has it. */
  readonly caBundle: string;
  /** How many objects it was asked to convert. */
  readonly converted: () => number;
  /** Makes every further answer a refusal; undefined: no longer. */
  fail(message: string | undefined): void;
  close(): Promise<void>;
}

/** A webhook that converts objects with `convert`, over HTTPS. */
export async function startConversionWebhook(convert: (object: Json, apiVersion: string) => Json): Promise<ConversionWebhook> {
  const authority = createAuthority({ commonName: 'webhook', clock: systemClock, validDays: 1 });
  const serving = issueCertificate(authority, { commonName: 'webhook', ipAddresses: ['127.0.0.1'], usages: ['server'], clock: systemClock, validDays: 1 });
  let count = 0;
  let failure: string | undefined;
  const server = https.createServer({ cert: serving.certificatePem, key: serving.privateKeyPem }, (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(pieces).toString()) as { request: { uid: string; desiredAPIVersion: string; objects: Json[] } };
      const { uid, desiredAPIVersion, objects } = review.request;
      count += objects.length;
      const answer = failure === undefined
        ? { uid, convertedObjects: objects.map((object) => ({ ...convert(object, desiredAPIVersion), apiVersion: desiredAPIVersion })), result: { status: 'Success' } }
        : { uid, convertedObjects: [], result: { status: 'Failed', message: failure } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', response: answer }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}/convert`,
    caBundle: Buffer.from(authority.certificatePem).toString('base64'),
    converted: () => count,
    fail(message) {
      failure = message;
    },
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
}
