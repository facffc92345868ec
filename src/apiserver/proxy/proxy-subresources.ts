/**
 * `proxy` of pods, services and nodes: any request is handed on to what they name, with the rest of the path.
 *
 * Source: API reference, "connect GET requests to proxy of Pod" and its kin.
 */
import { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { methodNotAllowed, notFound, unavailable } from '#apimachinery/status-error.ts';
import type { ServerRequest, ServerResponse } from '#serving/exchange.ts';
import { UnreachableError, forwardRequest } from '#serving/reverse-proxy.ts';
import { admitConnect } from '../admission/admit-connect.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import type { SubresourceHandler } from '../registry/subresources/subresource-handler.ts';
import type { ApiCall, ApiResult } from '../request/api-call.ts';
import type { NodeGateway } from '../request/node-gateway.ts';
import type { Egress } from './egress.ts';
import { hostPort } from './egress.ts';
import type { ProxyTarget } from './proxy-target.ts';
import { rewriteLinks, throughProxy } from './rewrite-links.ts';
import { parseProxyName, podTarget, serviceTarget } from './proxy-target.ts';

const serviceLabel = 'kubernetes.io/service-name';

export interface ProxyDependencies {
  readonly registry: RegistryContext;
  readonly nodes: NodeGateway;
  readonly egress: Egress;
}

export function proxySubresources({ registry, nodes, egress }: ProxyDependencies): readonly SubresourceHandler[] {
  const { objects, cache, random } = registry;
  return [
    proxyOf(registry, 'pods', async (call) => {
      const name = parseProxyName(call.info.name, 'pod');
      await cache.catchUp();
      return podTarget(found(Pod, objects.get(Pod, name.name, call.info.namespace), name.name), name);
    }, egress),
    proxyOf(registry, 'services', async (call) => {
      const name = parseProxyName(call.info.name, 'service');
      await cache.catchUp();
      const { namespace } = call.info;
      const service = found(Service, objects.get(Service, name.name, namespace), name.name);
      const slices = [...objects.list(EndpointSlice, namespace)].filter((each) => each.metadata.labels?.[serviceLabel] === name.name);
      return serviceTarget(service, slices, name, (count) => Math.floor(random.next() * count));
    }, egress),
    {
      group: '', resource: 'nodes', subresource: 'proxy',
      async handle(call, kind): Promise<ApiResult> {
        const { name } = parseProxyName(call.info.name, 'node');
        await cache.catchUp();
        found(Node, objects.get(Node, name), name);
        return {
          is: 'upgrade',
          async take(request, response) {
            await admitConnect(registry, call, kind, request.query);
            await proxyNode(nodes, name, call, request, response);
          },
        };
      },
    },
  ];
}

function found<T>(kind: ResourceKind, object: T | undefined, name: string): T {
  if (object === undefined) throw notFound(kind, name);
  return object;
}

function proxyOf(registry: RegistryContext, resource: string, targetOf: (call: ApiCall) => Promise<ProxyTarget>, egress: Egress): SubresourceHandler {
  return {
    group: '', resource, subresource: 'proxy',
    async handle(call, kind): Promise<ApiResult> {
      const target = await targetOf(call);
      return {
        is: 'upgrade',
        async take(request, response) {
          await admitConnect(registry, call, kind, request.query);
          await proxy(target, egress, request, response);
        },
      };
    },
  };
}

async function proxy(target: ProxyTarget, egress: Egress, request: ServerRequest, response: ServerResponse): Promise<void> {
  const { base, path } = splitPath(request.path);
  if (path === '' && request.upgrade === undefined && (request.method === 'GET' || request.method === 'HEAD')) {
    // Relative links of a page only work below a path that ends so.
    response.writeHead(301, { location: `${base}/${request.query === '' ? '' : `?${request.query}`}` });
    response.end();
    return;
  }
  const query = request.query === '' ? '' : `?${request.query}`;
  const address = egress(target);
  const place = { base, host: hostPort(target) };
  try {
    await forwardRequest(request, response, {
      url: new URL(`${target.scheme}://${hostPort(address)}${path === '' ? '/' : path}${query}`),
      hostName: hostPort(target),
      headers: { 'x-forwarded-uri': `${base}${path}` },
      without: isOurs,
      // Whoever is proxied to has no certificate that anybody could check.
      tls: { rejectUnauthorized: false },
      returned(headers) {
        const { location } = headers;
        if (typeof location === 'string') headers['location'] = throughProxy(location, place);
      },
      rewrite: (headers) => (String(headers['content-type'] ?? '').startsWith('text/html') && headers['content-encoding'] === undefined ? (text) => rewriteLinks(text, place) : undefined),
    });
  } catch (error) {
    if (error instanceof UnreachableError) throw unavailable(`error trying to reach service: ${error.message}`);
    throw error;
  }
}

async function proxyNode(nodes: NodeGateway, name: string, call: ApiCall, request: ServerRequest, response: ServerResponse): Promise<void> {
  const { path } = splitPath(request.path);
  const target = `${path === '' ? '/' : path}${request.query === '' ? '' : `?${request.query}`}`;
  if (request.upgrade !== undefined) return nodes.upgrade(name, target, request, response);
  if (nodes.forward !== undefined) return nodes.forward(name, target, request, response);
  if (call.info.verb !== 'get') throw methodNotAllowed();
  const answer = await nodes.get(name, target, call.signal);
  response.writeHead(200, { 'content-type': answer.contentType });
  for await (const piece of answer.body) {
    const waits = response.write(piece);
    if (waits !== undefined) await waits;
    if (response.isOver) return;
  }
  response.end();
}

/** Credentials are for the API server alone. */
export function isOurs(name: string): boolean {
  return name === 'authorization' || name.startsWith('impersonate-');
}

/** The path up to and with `/proxy`, and what follows, still percent-encoded. */
function splitPath(path: string): { readonly base: string; readonly path: string } {
  const match = /^(\/api\/[^/]+\/(?:namespaces\/[^/]+\/)?[^/]+\/[^/]+\/proxy)(\/.*)?$/.exec(path);
  return { base: match?.[1] ?? path, path: match?.[2] ?? '' };
}
