import type { Registry } from 'prom-client';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { PemPair } from '#pki/authority.ts';
import type { Pages } from '#serving/diagnostics.ts';
import { answerDiagnostics } from '#serving/diagnostics.ts';
import type { Handler, ServerRequest, ServerResponse } from '#serving/exchange.ts';
import { pingCheck } from '#serving/health.ts';
import { createSecureServer } from '#serving/secure-server.ts';
import type { SecureServer } from '#serving/secure-server.ts';
import { UpgradeError } from '#wire/upgrade/upgrade-request.ts';
import type { KubeletHandle } from '../kubelet-handle.ts';
import type { LogQuery } from '../logs/log-query.ts';
import { createKubeletMetrics, formatResourceMetrics } from '../stats/kubelet-metrics.ts';
import type { NodeSummary } from '../stats/summary.ts';
import { acceptCommand, acceptPorts } from './streams.ts';

export interface KubeletServerOptions {
  readonly kubelet: KubeletHandle;
  readonly clock: Clock;
  readonly log: Logger;
  /** Who may ask what; see `delegatedAccess`. */
  readonly access: Access;
  readonly serving?: PemPair;
  /** Authority of the API server's client certificate. */
  readonly clientCaPem?: string;
  /** Default: the kubelet's own. */
  readonly metrics?: Registry;
  readonly summary?: () => Promise<NodeSummary>;
  /** What is shown of the process. Default: nothing. */
  readonly pages?: Pages | undefined;
  /** A directory whose files are shown at /logs/. Default: none are. */
  readonly logFolder?: string | undefined;
}

/** Decides about one request; throws a `StatusError` (401, 403) when it must not be answered. */
export type Access = (request: ServerRequest, wanted: { readonly verb: string; readonly subresource: string }) => Promise<void>;

/**
 * The kubelet's HTTPS server (port 10250): the same paths as the original's, so that any API server can use it, and any
 * tool that asks kubelets directly. Nobody is answered whom `access` does not let in.
 */
export function createKubeletServer(options: KubeletServerOptions): SecureServer {
  const { clock, log, serving, clientCaPem, metrics = createKubeletMetrics(options.kubelet) } = options;
  const handler: Handler = async (request, response) => {
    try {
      await answer({ ...options, metrics }, request, response);
    } catch (error) {
      if (response.isHeadSent) return response.abort();
      const status = error instanceof StatusError ? error.code : error instanceof UpgradeError ? error.status : 500;
      if (status === 500) log.warn({ error, path: request.path }, 'a request failed');
      sendText(response, status, error instanceof Error ? error.message : String(error));
    }
    return undefined;
  };
  return createSecureServer({ handler, clock, log, ...(serving === undefined ? {} : { serving }), ...(clientCaPem === undefined ? {} : { clientCaPem }) });
}

/** Source: Kubernetes documentation, "Kubelet authorization": what each path counts as. */
function subresourceOf(path: string): string {
  if (path.startsWith('/stats')) return 'stats';
  if (path.startsWith('/metrics')) return 'metrics';
  if (path.startsWith('/logs')) return 'log';
  if (path.startsWith('/healthz')) return 'healthz';
  if (path === '/pods' || path === '/runningpods') return 'pods';
  return path === '/configz' || path === '/statusz' || path === '/flagz' ? path.slice(1) : 'proxy';
}

const verbs: Readonly<Record<string, string>> = { GET: 'get', HEAD: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

async function answer(options: KubeletServerOptions & { readonly metrics: Registry }, request: ServerRequest, response: ServerResponse): Promise<void> {
  const { kubelet, clock, metrics, summary, access, pages, logFolder } = options;
  await access(request, { verb: verbs[request.method] ?? 'get', subresource: subresourceOf(request.path) });
  const [, what = '', namespace = '', pod = '', container] = request.path.split('/').map(decodeURIComponent);
  const query = new URLSearchParams(request.query);
  const target = { namespace, pod, ...(container === undefined || container === '' ? {} : { container }) };
  switch (what) {
    case 'pods':
      return sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: kubelet.pods() });
    case 'containerLogs':
      return sendLog(response, await kubelet.containerLogs(target, logQuery(query, clock), request.signal));
    case 'exec':
    case 'attach':
    case 'run':
      return acceptCommand(kubelet, what === 'attach' ? 'attach' : 'exec', target, query, request, clock);
    case 'portForward':
      return acceptPorts(kubelet, target, request, clock);
    case 'logs':
      if (logFolder === undefined || request.method !== 'GET') break;
      return (await import('#serving/serve-files.ts')).serveFiles({ root: logFolder, below: request.path.slice('/logs'.length) }, request, response);
    case 'stats':
      if (summary !== undefined) return sendJson(response, await summary());
      break;
    default:
      if (request.path === '/metrics/resource' && summary !== undefined) return sendText(response, 200, formatResourceMetrics(await summary()));
      if (await answerDiagnostics({ ...pages, metrics, healthz: [pingCheck] }, request, response)) return undefined;
  }
  return sendText(response, 404, '404 page not found\n');
}

/** What the query of a log request asks for. */
export function logQuery(query: URLSearchParams, clock: Clock): LogQuery {
  const number = (name: string): number | undefined => (query.has(name) ? Number(query.get(name)) : undefined);
  const is = (name: string): boolean => query.get(name) === 'true' || query.get(name) === '1';
  const sinceSeconds = number('sinceSeconds');
  const sinceTime = query.get('sinceTime');
  const sinceMs = sinceSeconds === undefined ? (sinceTime === null ? undefined : Date.parse(sinceTime)) : clock.nowMs() - sinceSeconds * 1000;
  const tailLines = number('tailLines');
  const limitBytes = number('limitBytes');
  return {
    follow: is('follow'), previous: is('previous'), timestamps: is('timestamps'),
    ...(tailLines === undefined ? {} : { tailLines }), ...(limitBytes === undefined ? {} : { limitBytes }), ...(sinceMs === undefined ? {} : { sinceMs }),
  };
}

async function sendLog(response: ServerResponse, log: AsyncIterable<Uint8Array>): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flush();
  for await (const chunk of log) {
    await response.write(chunk);
    if (response.isOver) return;
  }
  response.end();
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(Buffer.from(JSON.stringify(body)));
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(Buffer.from(text));
}
