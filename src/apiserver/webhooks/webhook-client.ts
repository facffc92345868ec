/**
 * Asks webhooks (admission, conversion): one JSON document each way, over HTTPS, on connections that are kept.
 *
 * Source: API reference, admissionregistration.k8s.io/v1 WebhookClientConfig.
 */
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '#base/clock.ts';
import type { WebhookClientConfig } from '#api/admissionregistration/matching.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import { parseExactJson } from '#apimachinery/exact-json.ts';
import { connectionFailure } from '#client/connection-failure.ts';
import type { ObjectReader } from '../admission/admission.ts';
import type { Egress } from '../proxy/egress.ts';
import { hostPort } from '../proxy/egress.ts';
import { serviceAddress } from '../proxy/service-address.ts';
import { answerText } from './answer-text.ts';
import type { WebhookIdentity } from './webhook-identity.ts';

/** The webhook did not answer, or not with a document. */
export class WebhookCallError extends Error {
  override readonly name = 'WebhookCallError';
}

export interface WebhookCall {
  readonly client: WebhookClientConfig;
  readonly body: object;
  readonly timeoutMs: number;
  /** Put into the query, as admission webhooks are told how long the server will wait. */
  readonly query?: string;
  readonly signal?: AbortSignal;
  /** Who this server is to the webhook. Default: nobody. */
  readonly identity?: WebhookIdentity | undefined;
}

export interface WebhookClientDependencies {
  readonly objects: ObjectReader;
  readonly egress: Egress;
  readonly clock: Clock;
}

/** Webhooks with a certificate authority of their own each have a pool of connections. */
const maxAgents = 64;
const defaultPort = 443;

export class WebhookClient {
  readonly #dependencies: WebhookClientDependencies;
  readonly #agents = new Map<string, https.Agent>();

  constructor(dependencies: WebhookClientDependencies) {
    this.#dependencies = dependencies;
  }

  /** The answer's document. Throws `WebhookCallError`. */
  async call({ client, body, timeoutMs, query = '', signal, identity }: WebhookCall): Promise<unknown> {
    const target = this.#targetOf(client);
    const url = `https://${target.hostName}${target.path}${query === '' ? '' : `?${query}`}`;
    const deadline = new AbortController();
    const timer = this.#dependencies.clock.after(timeoutMs, () => deadline.abort());
    try {
      const response = await this.#post(target, client, { body, query, shown: await shownTo(identity, target), signal: signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]) });
      const text = await answerText(response);
      const code = response.statusCode ?? 0;
      if (code < 200 || code >= 300) throw new WebhookCallError(refusalText(code, text));
      // Conversion webhooks answer with objects.
      return parseExactJson(text);
    } catch (error) {
      const why = deadline.signal.aborted ? 'context deadline exceeded' : connectionFailure(error);
      throw new WebhookCallError(error instanceof WebhookCallError ? why : `Post ${JSON.stringify(url)}: ${why}`, { cause: error });
    } finally {
      timer.cancel();
    }
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #post(target: Target, client: WebhookClientConfig, { body, query, shown, signal }: { readonly body: object; readonly query: string; readonly shown: Shown | undefined; readonly signal: AbortSignal }): Promise<IncomingMessage> {
    const bytes = Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const request = https.request({
        host: target.host, port: target.port, path: `${target.path}${query === '' ? '' : `?${query}`}`, method: 'POST', signal,
        agent: this.#agentFor(client, target, shown),
        headers: { ...shown?.headers, host: target.hostName, 'content-type': 'application/json', accept: 'application/json', 'content-length': bytes.length, 'user-agent': 'kube-apiserver-admission' },
      }, resolve);
      request.on('error', reject);
      request.end(bytes);
    });
  }

  /** TLS is checked against the name that the configuration gives, wherever the connection leads. */
  #agentFor(client: WebhookClientConfig, { serverName }: Target, shown: Shown | undefined): https.Agent {
    const key = `${serverName} ${client.caBundle ?? ''} ${shown?.name ?? ''}`;
    let agent = this.#agents.get(key);
    if (agent !== undefined) return agent;
    const ca = client.caBundle === undefined ? undefined : Buffer.from(client.caBundle, 'base64').toString();
    const isAddress = /^[\d.]+$|:/.test(serverName);
    agent = new https.Agent({ keepAlive: true, maxSockets: 100, ...shown?.tls, ...(ca !== undefined && { ca }), ...(!isAddress && { servername: serverName }) });
    if (this.#agents.size >= maxAgents) for (const [oldest, old] of this.#agents) {
      old.destroy();
      this.#agents.delete(oldest);
      break;
    }
    this.#agents.set(key, agent);
    return agent;
  }

  #targetOf({ url, service }: WebhookClientConfig): Target {
    const { egress, objects } = this.#dependencies;
    if (service === undefined) {
      const parsed = new URL(url ?? '');
      const host = parsed.hostname.replace(/^\[|\]$/g, '');
      const target = { host, port: parsed.port === '' ? defaultPort : Number(parsed.port) };
      return { ...egress(target), hostName: parsed.host, serverName: host, path: `${parsed.pathname}${parsed.search}` };
    }
    const port = service.port ?? defaultPort;
    const name = `${service.name}.${service.namespace}.svc`;
    const slices = [...objects.list(EndpointSlice, service.namespace)];
    const found = serviceAddress(objects.get(Service, service.name, service.namespace), slices, port);
    if (found === undefined) throw new WebhookCallError(`Post ${JSON.stringify(`https://${name}:${port}${service.path ?? '/'}`)}: service ${JSON.stringify(service.name)} not found`);
    if (found === 'none-ready') throw new WebhookCallError(`Post ${JSON.stringify(`https://${name}:${port}${service.path ?? '/'}`)}: no endpoints available for service ${JSON.stringify(service.name)}`);
    return { ...egress(found), hostName: hostPort({ host: name, port }), serverName: name, path: service.path ?? '/' };
  }
}

/** What is shown of an identity. */
interface Shown {
  readonly name: string;
  readonly tls: { readonly cert?: string; readonly key?: string };
  readonly headers: Readonly<Record<string, string | string[]>>;
}

async function shownTo(identity: WebhookIdentity | undefined, { hostName }: Target): Promise<Shown | undefined> {
  const found = identity?.(hostName.replace(/:443$/, ''));
  if (found === undefined) return undefined;
  const { cert, key } = await found.credentials.tls();
  return { name: found.name, tls: { ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) }, headers: await found.credentials.headers() };
}

interface Target {
  readonly host: string;
  readonly port: number;
  /** As the `host` header has it. */
  readonly hostName: string;
  readonly serverName: string;
  readonly path: string;
}

const refusals: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
};

/** What an answer that is none says, as client-go puts it: the message of a Status, or a sentence on the code. */
function refusalText(code: number, text: string): string {
  const said = text.trim().slice(0, 1000);
  try {
    const status = JSON.parse(text) as { readonly kind?: unknown; readonly message?: unknown } | null;
    if (status?.kind === 'Status' && typeof status.message === 'string' && status.message !== '') return status.message;
  } catch {
    // No Status.
  }
  if (code >= 500 && refusals[code] === undefined) return `an error on the server (${JSON.stringify(said === '' ? 'unknown' : said)}) has prevented the request from succeeding`;
  return refusals[code] ?? (said === '' ? `the server responded with the status code ${code} but did not return more information` : said);
}
