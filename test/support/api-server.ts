import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { systemClock } from '#base/clock.ts';
import type { Clock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { seededRandom } from '#base/random.ts';
import type { ApiServerOptions, ListenOptions } from '#apiserver/api-server-options.ts';
import type { ApiServer } from '#apiserver/api-server.ts';
import { createApiServer, inProcessAdmin } from '#apiserver/api-server.ts';
import { noNodes } from '#apiserver/request/node-gateway.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import type { Client } from '#client/client.ts';
import { createClient } from '#client/create-client.ts';
import { createAuthority, issueCertificate } from '#pki/authority.ts';
import { createServiceAccountKey } from '#pki/service-account-key.ts';
import { openMemoryStore } from '#store/memory.ts';
import type { Store } from '#store/store.ts';

export interface TestApiServer {
  readonly server: ApiServer;
  /** Speaks as the cluster's administrator, in process. */
  readonly client: Client;
  readonly store: Store;
  /** For other programs: the administrator's certificate and the server's address. */
  readonly kubeconfig: string;
  /** How the administrator connects, for requests that `request` cannot make. */
  readonly connection: { readonly host: string; readonly port: number; readonly agent: https.Agent };
  /** One request over HTTPS, by default with the administrator's certificate. */
  request(method: string, path: string, options?: RawRequest): Promise<RawAnswer>;
  /** A GET whose answer goes on: its lines as JSON, until the server or the reader ends it. Throws what a refused request is answered. */
  watch<T = WatchLine>(path: string, options?: RawRequest): AsyncGenerator<T, void>;
  close(): Promise<void>;
}

/** A line of a watch. */
export interface WatchLine {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: {
    readonly kind: string;
    readonly code?: number;
    readonly reason?: string;
    readonly message?: string;
    readonly metadata: { readonly name: string; readonly resourceVersion: string; readonly annotations?: Readonly<Record<string, string>>; readonly labels?: Readonly<Record<string, string>> };
  };
}

export interface RawRequest {
  /** Sent as it is; objects as JSON. */
  readonly body?: string | Buffer | object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Without a client certificate. */
  readonly anonymous?: boolean;
}
export interface RawAnswer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  readonly bytes: Buffer;
  /** The body as JSON. Throws when it is none. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what shape the JSON has
  json<T = Record<string, unknown>>(): T;
}

/** An API server alone (no controllers, no nodes) on a memory store, in process and over HTTPS. */
export async function startApiServer({ clock = systemClock, advertiseAddress, maxConnections, ...options }: { readonly clock?: Clock } & Partial<Pick<ListenOptions, 'advertiseAddress' | 'maxConnections'>> & Partial<Pick<ApiServerOptions, 'egress' | 'frontProxy' | 'audit' | 'authenticators' | 'authorizers' | 'admission' | 'anonymous' | 'bootstrapTokens' | 'logFolder' | 'watchLimits' | 'requestTimeoutMs' | 'inFlightLimits' | 'tokens'>> = {}): Promise<TestApiServer> {
  const random = seededRandom(1);
  const store = openMemoryStore({ clock, random });
  const server = await createApiServer({ store, clock, random, log: silentLog, serviceAccountKey: createServiceAccountKey(), nodes: noNodes, ...options });
  const authority = createAuthority({ commonName: 'test', clock: systemClock, validDays: 1 });
  const serving = issueCertificate(authority, { commonName: 'kube-apiserver', ipAddresses: ['127.0.0.1'], usages: ['server'], clock: systemClock, validDays: 1 });
  const admin = issueCertificate(authority, { commonName: 'admin', organizations: ['system:masters'], usages: ['client'], clock: systemClock, validDays: 1 });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0, serving, clientCaPem: authority.certificatePem, ...(advertiseAddress !== undefined && { advertiseAddress }), maxConnections });
  const client = createClient(server.transport(inProcessAdmin, 'test'));
  await client.create(ServiceAccount, { metadata: { namespace: 'default', name: 'default' } });
  const agents = {
    admin: new https.Agent({ ca: authority.certificatePem, cert: admin.certificatePem, key: admin.privateKeyPem }),
    anonymous: new https.Agent({ ca: authority.certificatePem }),
  };
  return {
    server,
    client,
    store,
    kubeconfig: kubeconfigText(port, { ca: authority.certificatePem, ...admin }),
    connection: { host: '127.0.0.1', port, agent: agents.admin },
    request(method, path, { body, headers = {}, anonymous = false } = {}) {
      const bytes = body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      return new Promise((resolve, reject) => {
        const request = https.request(
          { host: '127.0.0.1', port, method, path, agent: anonymous ? agents.anonymous : agents.admin, headers: { ...(bytes !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }), ...headers } },
          (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.on('end', () => {
              const received = Buffer.concat(chunks);
              const text = received.toString();
              resolve({ code: response.statusCode ?? 0, headers: response.headers, text, bytes: received, json: () => JSON.parse(text) as never });
            });
            response.on('error', reject);
          },
        );
        request.on('error', reject);
        request.end(bytes);
      });
    },
    async *watch<T>(path: string, { headers = {}, anonymous = false }: RawRequest = {}) {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        https.get({ host: '127.0.0.1', port, path, agent: anonymous ? agents.anonymous : agents.admin, headers }, resolve).on('error', reject);
      });
      if (response.statusCode !== 200) throw new Error(`watch answered ${response.statusCode}: ${Buffer.concat(await response.toArray() as Buffer[]).toString()}`);
      try {
        let rest = '';
        for await (const chunk of response) {
          const lines = (rest + String(chunk)).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) yield JSON.parse(line) as T;
        }
      } finally {
        response.destroy();
      }
    },
    async close() {
      for (const agent of Object.values(agents)) agent.destroy();
      await server.close();
      await store.close();
    },
  };
}

function kubeconfigText(port: number, { ca, certificatePem, privateKeyPem }: { readonly ca: string; readonly certificatePem: string; readonly privateKeyPem: string }): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'admin', user: { 'client-certificate-data': base64(certificatePem), 'client-key-data': base64(privateKeyPem) } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
  });
}
