/** One API server behind this one: reaching it as the front proxy. */
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { APIService } from '#api/apiregistration/api-service.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { unavailable } from '#apimachinery/status-error.ts';
import type { PemPair } from '#pki/authority.ts';
import type { ServerRequest, ServerResponse } from '#serving/exchange.ts';
import { UnreachableError, forwardRequest } from '#serving/reverse-proxy.ts';
import type { ObjectReader } from '../admission/admission.ts';
import type { Egress } from '../proxy/egress.ts';
import { hostPort } from '../proxy/egress.ts';
import { isOurs } from '../proxy/proxy-subresources.ts';
import type { Address } from '../proxy/service-address.ts';
import { serviceAddress } from '../proxy/service-address.ts';
import type { UserInfo } from '../request/api-call.ts';

export interface RemoteDependencies {
  readonly objects: ObjectReader;
  readonly egress: Egress;
  /** `--proxy-client-cert-file` and its key: by it the other server knows who may speak for users. */
  readonly client: PemPair | undefined;
}

/** Who the aggregator is when it asks for itself. */
export const aggregator: UserInfo = { name: 'system:kube-aggregator', groups: ['system:masters'] };
const maxAnswerBytes = 16 * 1024 * 1024;

export class RemoteServer {
  readonly service: APIService;
  readonly #dependencies: RemoteDependencies;
  readonly #agent: https.Agent;
  readonly #hostName: string;

  constructor(service: APIService, dependencies: RemoteDependencies) {
    this.service = service;
    this.#dependencies = dependencies;
    const { name = '', namespace = '', port = 443 } = service.spec.service ?? {};
    this.#hostName = hostPort({ host: `${name}.${namespace}.svc`, port });
    this.#agent = new https.Agent({ keepAlive: true, servername: `${name}.${namespace}.svc`, ...this.#tls() });
  }

  /** Where it is now; else why it is nowhere. */
  address(): Address | 'none-ready' | undefined {
    const { objects } = this.#dependencies;
    const { name = '', namespace = '', port = 443 } = this.service.spec.service ?? {};
    return serviceAddress(objects.get(Service, name, namespace), [...objects.list(EndpointSlice, namespace)], port);
  }

  /** Hands a request on, in the name of `user`. Throws a 503 when the server cannot be reached. */
  async forward(request: ServerRequest, response: ServerResponse, user: UserInfo): Promise<void> {
    const target = request.target;
    try {
      await forwardRequest(request, response, {
        url: new URL(target, `https://${hostPort(this.#reachable())}`), hostName: this.#hostName, agent: this.#agent, tls: { servername: this.#hostName.split(':')[0] ?? '', ...this.#tls() },
        headers: identityHeaders(user), without: (name) => isOurs(name) || name.startsWith('x-remote-'),
      });
    } catch (error) {
      if (error instanceof UnreachableError) throw unavailable(`error trying to reach service: ${error.message}`);
      throw error;
    }
  }

  /** Asks for a document. Throws when there is no answer with a 2xx. */
  async fetch(path: string, { user = aggregator, method = 'GET', body, accept = 'application/json', contentType = 'application/json', signal }: {
    readonly user?: UserInfo; readonly method?: string; readonly body?: string; readonly accept?: string; readonly contentType?: string; readonly signal?: AbortSignal;
  } = {}): Promise<{ readonly code: number; readonly text: string; readonly contentType: string }> {
    const { host, port } = this.#reachable();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = https.request({
        host, port, path, method, agent: this.#agent, ...(signal !== undefined && { signal }),
        headers: { host: this.#hostName, accept, ...(body !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }), ...identityHeaders(user) },
      }, resolve);
      request.on('error', reject);
      request.end(body);
    });
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of response) {
      length += (piece as Buffer).length;
      if (length > maxAnswerBytes) throw new Error('the answer is too large');
      pieces.push(piece as Buffer);
    }
    return { code: response.statusCode ?? 0, text: Buffer.concat(pieces).toString(), contentType: response.headers['content-type'] ?? '' };
  }

  close(): void {
    this.#agent.destroy();
  }

  #reachable(): Address {
    const found = this.address();
    if (found === undefined || found === 'none-ready') throw unavailable('service unavailable');
    return this.#dependencies.egress(found);
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

/** Source: Kubernetes documentation, "Configure the Aggregation Layer". */
function identityHeaders({ name, uid, groups, extra }: UserInfo): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'x-remote-user': name };
  if (uid !== undefined && uid !== '') headers['x-remote-uid'] = uid;
  if (groups.length > 0) headers['x-remote-group'] = [...groups];
  for (const [key, values] of Object.entries(extra ?? {})) headers[`x-remote-extra-${encodeURIComponent(key).toLowerCase()}`] = [...values];
  return headers;
}
