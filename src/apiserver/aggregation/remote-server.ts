/** One API server behind this one: reaching it as the front proxy. */
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { APIService } from '#api/apiregistration/api-service.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { unavailable } from '#apimachinery/status-error.ts';
import type { Random } from '#base/random.ts';
import type { PemPair } from '#pki/authority.ts';
import type { ServerRequest, ServerResponse } from '#serving/exchange.ts';
import { connectionFailure } from '#client/connection-failure.ts';
import { UnreachableError, forwardRequest } from '#serving/reverse-proxy.ts';
import type { ObjectReader } from '../admission/admission.ts';
import type { Egress } from '../proxy/egress.ts';
import { hostPort } from '../proxy/egress.ts';
import { isOurs } from '../proxy/proxy-subresources.ts';
import type { Address } from '../proxy/service-address.ts';
import { serviceAddresses } from '../proxy/service-address.ts';
import type { RawResult, UserInfo } from '../request/api-call.ts';

export interface RemoteDependencies {
  readonly objects: ObjectReader;
  readonly egress: Egress;
  /** Picks one of several endpoints. */
  readonly random: Random;
  /** `--proxy-client-cert-file` and its key: by it the other server knows who may speak for users. */
  readonly client: PemPair | undefined;
}

/** Who the aggregator is when it asks for itself. */
export const aggregator: UserInfo = { name: 'system:kube-aggregator', groups: ['system:masters'] };
const maxAnswerBytes = 16 * 1024 * 1024;

export interface RemoteQuestion {
  readonly user?: UserInfo;
  readonly method?: string;
  readonly body?: string;
  readonly accept?: string;
  readonly contentType?: string;
  readonly ifNoneMatch?: string | undefined;
  /** Whether the server need not prove who it is: for what nobody else gets to see. */
  readonly isUnverified?: boolean;
  readonly signal?: AbortSignal;
}
export interface RemoteAnswer {
  readonly code: number;
  readonly text: string;
  readonly contentType: string;
  readonly etag: string | undefined;
}

export class RemoteServer {
  readonly service: APIService;
  readonly #dependencies: RemoteDependencies;
  readonly #agent: https.Agent;
  readonly #unverified: https.Agent;
  readonly #hostName: string;

  constructor(service: APIService, dependencies: RemoteDependencies) {
    this.service = service;
    this.#dependencies = dependencies;
    const { name = '', namespace = '', port = 443 } = service.spec.service ?? {};
    this.#hostName = hostPort({ host: `${name}.${namespace}.svc`, port });
    const shared = { keepAlive: true, servername: `${name}.${namespace}.svc` };
    this.#agent = new https.Agent({ ...shared, ...this.#tls() });
    this.#unverified = new https.Agent({ ...shared, ...this.#tls(), rejectUnauthorized: false });
  }

  /** The Service and the slices of its namespace as they are now. */
  backing(): { readonly service: Service | undefined; readonly slices: readonly EndpointSlice[] } {
    const { objects } = this.#dependencies;
    const { name = '', namespace = '' } = this.service.spec.service ?? {};
    return { service: objects.get(Service, name, namespace), slices: [...objects.list(EndpointSlice, namespace)] };
  }

  /** Where it is now; nowhere, once or several times. */
  addresses(): readonly Address[] {
    const { service, slices } = this.backing();
    return serviceAddresses(service, slices, this.service.spec.service?.port ?? 443) ?? [];
  }

  /** One of them at random. */
  address(): Address | undefined {
    const found = this.addresses();
    return found[Math.floor(this.#dependencies.random.next() * found.length)];
  }

  /** Hands a request on, in the name of `user`. Where that fails the client is told, as long as nothing has been sent. */
  async forward(request: ServerRequest, response: ServerResponse, user: UserInfo): Promise<void> {
    const address = this.address();
    if (address === undefined) return answerPlainly(response, serviceUnavailable);
    try {
      await forwardRequest(request, response, {
        url: new URL(request.target, `https://${hostPort(this.#dependencies.egress(address))}`), hostName: this.#hostName, agent: this.#agent,
        tls: { servername: this.#hostName.split(':')[0] ?? '', ...this.#tls() }, headers: identityHeaders(user), without: (name) => isOurs(name) || name.startsWith('x-remote-'),
      });
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      answerPlainly(response, plainly(`error trying to reach service: ${failureText(error)}`));
    }
    return undefined;
  }

  /** Asks, whatever the answer's code; its body is the caller's to read. Throws when there is no answer, a 503 when there is nobody to ask. */
  open(path: string, { user = aggregator, method = 'GET', body, accept = 'application/json', contentType = 'application/json', ifNoneMatch, isUnverified = false, signal }: RemoteQuestion = {}): Promise<IncomingMessage> {
    const address = this.address();
    if (address === undefined) return Promise.reject(unavailable('service unavailable'));
    const { host, port } = this.#dependencies.egress(address);
    return new Promise<IncomingMessage>((resolve, reject) => {
      const request = https.request({
        host, port, path, method, agent: isUnverified ? this.#unverified : this.#agent, ...(signal !== undefined && { signal }),
        headers: {
          host: this.#hostName, accept, ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
          ...(body !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }), ...identityHeaders(user),
        },
      }, resolve);
      request.on('error', reject);
      request.end(body);
    });
  }

  /** Asks for a document, as `open`. */
  async fetch(path: string, question: RemoteQuestion = {}): Promise<RemoteAnswer> {
    const response = await this.open(path, question);
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of response) {
      length += (piece as Buffer).length;
      if (length > maxAnswerBytes) throw new Error('the answer is too large');
      pieces.push(piece as Buffer);
    }
    return { code: response.statusCode ?? 0, text: Buffer.concat(pieces).toString(), contentType: response.headers['content-type'] ?? '', etag: response.headers.etag };
  }

  close(): void {
    this.#agent.destroy();
    this.#unverified.destroy();
  }

  #tls(): https.AgentOptions {
    const { caBundle, insecureSkipTLSVerify } = this.service.spec;
    const { client } = this.#dependencies;
    return {
      ...(caBundle !== undefined && { ca: Buffer.from(caBundle, 'base64').toString() }),
      ...(insecureSkipTLSVerify === true && { rejectUnauthorized: false }),
      ...(client !== undefined && { cert: client.certificatePem, key: client.privateKeyPem }),
    };
  }
}

/** An error of the aggregator itself, which upstream answers as text, not as a Status. */
function plainly(text: string): RawResult {
  return { is: 'raw', code: 503, contentType: 'text/plain; charset=utf-8', headers: { 'x-content-type-options': 'nosniff' }, body: `${text}\n` };
}

export const serviceUnavailable = plainly('service unavailable');

/** Why a server could not be reached, in the words that operators know from Kubernetes. */
export function failureText(error: unknown): string {
  return connectionFailure(error instanceof UnreachableError ? error.cause ?? error : error);
}

function answerPlainly(response: ServerResponse, { code, contentType, headers, body }: RawResult): void {
  response.writeHead(code, { 'content-type': contentType, ...headers });
  response.end(typeof body === 'string' ? Buffer.from(body) : undefined);
}

/** Source: Kubernetes documentation, "Configure the Aggregation Layer". */
function identityHeaders({ name, uid, groups, extra }: UserInfo): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'x-remote-user': name };
  if (uid !== undefined && uid !== '') headers['x-remote-uid'] = uid;
  if (groups.length > 0) headers['x-remote-group'] = [...groups];
  for (const [key, values] of Object.entries(extra ?? {})) headers[`x-remote-extra-${encodeURIComponent(key).toLowerCase()}`] = [...values];
  return headers;
}
