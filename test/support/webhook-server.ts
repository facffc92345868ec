import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { systemClock } from '#base/clock.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';

/** What a webhook is asked; only what tests look at. */
export interface ReviewRequest {
  readonly uid: string;
  readonly operation: string;
  readonly kind: { readonly kind: string; readonly version: string };
  readonly requestKind: { readonly version: string };
  readonly subResource?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly dryRun: boolean;
  readonly object: { readonly metadata: { readonly name?: string; readonly labels?: Readonly<Record<string, string>> }; readonly data?: Readonly<Record<string, string>> } | null;
  readonly oldObject: object | null;
  readonly userInfo: { readonly username: string };
}
/** `delayMs`: agrees, but only then. */
export type ReviewAnswer = Readonly<Record<string, unknown>> | { readonly delayMs: number } | 'hang' | 'garbage';

export interface WebhookServer {
  readonly port: number;
  /** `clientConfig` of a webhook at this path. */
  at(path: string): { readonly url: string; readonly caBundle: string };
  readonly caBundle: string;
  /** What was asked so far, by path. */
  readonly asked: readonly { readonly path: string; readonly query: string; readonly request: ReviewRequest }[];
  /** How the webhook at a path answers from now on. */
  answer(path: string, respond: (request: ReviewRequest) => ReviewAnswer): void;
  connections(): number;
  close(): Promise<void>;
}

/** A server of admission webhooks, for 127.0.0.1 and the Service `hooks` in the namespace default. */
export async function startWebhookServer(): Promise<WebhookServer> {
  const authority = createAuthority({ commonName: 'webhooks', clock: systemClock, validDays: 1 });
  const pair = issueCertificate(authority, { commonName: 'hooks', ipAddresses: ['127.0.0.1'], dnsNames: ['hooks.default.svc'], usages: ['server'], clock: systemClock, validDays: 1 });
  const asked: { path: string; query: string; request: ReviewRequest }[] = [];
  const answers = new Map<string, (request: ReviewRequest) => ReviewAnswer>();
  let connections = 0;
  const server = https.createServer({ cert: pair.certificatePem, key: pair.privateKeyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { pathname, search } = new URL(request.url ?? '/', 'https://hooks');
      const review = JSON.parse(Buffer.concat(chunks).toString()) as { apiVersion: string; kind: string; request: ReviewRequest };
      asked.push({ path: pathname, query: search, request: review.request });
      const answer = answers.get(pathname)?.(review.request) ?? { allowed: true };
      if (answer === 'hang') return;
      response.setHeader('content-type', 'application/json');
      const send = (verdict: object): unknown => response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: { uid: review.request.uid, ...verdict } }));
      if (answer === 'garbage') response.end('not json');
      else if (typeof answer['delayMs'] === 'number') setTimeout(() => send({ allowed: true }), answer['delayMs']);
      else send(answer);
    });
  });
  server.on('secureConnection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const caBundle = Buffer.from(authority.certificatePem).toString('base64');
  return {
    port,
    caBundle,
    asked,
    at: (path) => ({ url: `https://127.0.0.1:${port}${path}`, caBundle }),
    answer: (path, respond) => void answers.set(path, respond),
    connections: () => connections,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The answer of a webhook that changes the object. */
export function patching(...operations: readonly object[]): ReviewAnswer {
  return { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') };
}
