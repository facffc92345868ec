/** The program. See README.md. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import { parseArgs } from 'node:util';
import { Delegated } from './delegated.ts';
import type { Question } from './delegated.ts';
import { discovery, openApiV2, openApiV3 } from './documents.ts';
import type { Event, Given } from './flunders.ts';
import { Flunders, Refusal, groupVersion } from './flunders.ts';

const account = '/var/run/secrets/kubernetes.io/serviceaccount';
const { values } = parseArgs({
  options: {
    'secure-port': { type: 'string', default: '443' },
    'bind-address': { type: 'string', default: '0.0.0.0' },
    'tls-cert-file': { type: 'string', default: '' },
    'tls-private-key-file': { type: 'string', default: '' },
    'api-server': { type: 'string', default: `https://${process.env['KUBERNETES_SERVICE_HOST'] ?? ''}:${process.env['KUBERNETES_SERVICE_PORT'] ?? ''}` },
    'ca-file': { type: 'string', default: `${account}/ca.crt` },
    'token-file': { type: 'string', default: `${account}/token` },
    'openapi-v3': { type: 'string', default: 'true' },
    'aggregated-discovery': { type: 'boolean', default: false },
  },
});
const flunders = new Flunders();
const delegated = new Delegated({ server: values['api-server'], caFile: values['ca-file'], tokenFile: values['token-file'] });
const proxyCa = await delegated.start();
const server = https.createServer({
  cert: readFileSync(values['tls-cert-file']), key: readFileSync(values['tls-private-key-file']), requestCert: true, rejectUnauthorized: false, ca: proxyCa,
}, (request, response) => {
  handle(request, response).catch((error: unknown) => {
    const refusal = error instanceof Refusal ? error : new Refusal(500, 'InternalError', String(error));
    if (!(error instanceof Refusal)) console.error(error);
    if (!response.headersSent) send(response, refusal.code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: refusal.message, reason: refusal.reason, code: refusal.code });
  });
});
server.listen(Number(values['secure-port']), values['bind-address'], () => {
  const address = server.address();
  console.log(`serving on port ${typeof address === 'object' ? (address?.port ?? 0) : 0}`);
});
process.on('SIGTERM', () => process.exit(0));

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://sample');
  const question = questionOf(request.method ?? 'GET', url);
  // For probes, which nobody knows.
  if (['/livez', '/readyz', '/healthz'].includes(url.pathname)) return void response.writeHead(200).end('ok');
  const user = await delegated.userOf(request);
  if (user === undefined) throw new Refusal(401, 'Unauthorized', 'Unauthorized');
  if (!await delegated.isAllowed(user, question)) throw new Refusal(403, 'Forbidden', `flunders.wardle.example.com is forbidden: User ${JSON.stringify(user.name)} cannot ${question.verb} ${url.pathname}`);
  const { resource } = question;
  if (resource === undefined) return sendDocument(request, response, url.pathname);
  if (resource.resource !== 'flunders') throw new Refusal(404, 'NotFound', 'the server could not find the requested resource');
  const { namespace, name } = resource;
  switch (question.verb) {
    case 'create':
      return send(response, 201, flunders.create(namespace, await bodyOf(request) as Given));
    case 'get':
      return send(response, 200, flunders.get(namespace, name));
    case 'update':
      return send(response, 200, flunders.update(namespace, name, await bodyOf(request) as Given));
    case 'patch':
      if (request.headers['content-type']?.startsWith('application/merge-patch+json') !== true) throw new Refusal(415, 'UnsupportedMediaType', 'only merge patches are understood');
      return send(response, 200, flunders.patch(namespace, name, await bodyOf(request)));
    case 'delete':
      flunders.delete(namespace, name);
      return send(response, 200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
    case 'deletecollection':
      for (const each of selected()) flunders.delete(each.metadata.namespace, each.metadata.name);
      return send(response, 200, listOf([]));
    case 'watch':
      return watch(response, namespace, url.searchParams.get('resourceVersion') ?? '');
    default:
      return send(response, 200, listOf(selected()));
  }

  function selected(): ReturnType<Flunders['list']> {
    return flunders.list(namespace, url.searchParams.get('labelSelector') ?? '');
  }
}

function questionOf(method: string, url: URL): Question {
  const verbs: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
  const parts = url.pathname.split('/').filter((part) => part !== '');
  if (parts[0] !== 'apis' || parts.length < 4 || `${parts[1]}/${parts[2]}` !== groupVersion) return { verb: method.toLowerCase(), path: url.pathname };
  const isNamespaced = parts[3] === 'namespaces' && parts.length > 5;
  const [resource = '', name = '', subresource = ''] = parts.slice(isNamespaced ? 5 : 3);
  let verb = verbs[method] ?? 'get';
  if (name === '' && verb === 'get') verb = url.searchParams.get('watch') === 'true' || url.searchParams.get('watch') === '1' ? 'watch' : 'list';
  if (name === '' && verb === 'delete') verb = 'deletecollection';
  return { verb, path: url.pathname, resource: { group: parts[1] ?? '', version: parts[2] ?? '', resource, subresource, namespace: isNamespaced ? (parts[4] ?? '') : '', name } };
}

function sendDocument(request: IncomingMessage, response: ServerResponse, path: string): void {
  const isAggregated = values['aggregated-discovery'] && request.headers.accept?.includes('as=APIGroupDiscoveryList') === true;
  let document = discovery(path, isAggregated);
  if (path === '/openapi/v2') document = openApiV2();
  if (values['openapi-v3'] === 'true' && /^\/openapi\/v3(\/|$)/.test(path)) document = openApiV3(path.replace(/^\/openapi\/v3\/?/, ''));
  if (document === undefined) throw new Refusal(404, 'NotFound', 'the server could not find the requested resource');
  response.setHeader('content-type', `application/json${isAggregated && path === '/apis' ? ';g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' : ''}`);
  response.end(JSON.stringify(document));
}

function watch(response: ServerResponse, namespace: string, version: string): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const tell = ({ type, object }: Event): void => void (namespace === '' || object.metadata.namespace === namespace ? response.write(`${JSON.stringify({ type, object })}\n`) : undefined);
  response.flushHeaders();
  response.on('close', flunders.watch(version, tell));
}

function listOf(items: readonly object[]): object {
  return { apiVersion: groupVersion, kind: 'FlunderList', metadata: { resourceVersion: flunders.revision }, items };
}

function send(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  return JSON.parse(Buffer.concat(await request.toArray() as Buffer[]).toString());
}
