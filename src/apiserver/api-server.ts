/**
 * The API server: the only door to the store. `createApiServer` puts it together; the way of a request through it is
 * `request/` (HTTP or in process) -> authenticators -> authorizers -> `request/dispatch` -> `registry/` -> store.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { kinds as builtInKinds } from '#api/kinds.ts';
import { noSuchPath } from '#apimachinery/status-error.ts';
import { createClient } from '#client/create-client.ts';
import type { Transport } from '#client/transport.ts';
import type { PemPair } from '#pki/authority.ts';
import type { ServiceAccountKey } from '#pki/service-account-key.ts';
import type { HealthCheck } from '#serving/health.ts';
import { answerHealth, pingCheck } from '#serving/health.ts';
import type { SecureServer } from '#serving/secure-server.ts';
import { createSecureServer } from '#serving/secure-server.ts';
import type { Store } from '#store/store.ts';
import type { FrontProxy } from './aggregation/aggregation.ts';
import { Aggregation, authenticationData } from './aggregation/aggregation.ts';
import { builtInServices } from './aggregation/local-services.ts';
import { dynamicAdmission } from './admission/dynamic.ts';
import { admissionPlugins } from './admission/plugins.ts';
import { PolicyStatus } from './admission/policies/policy-status.ts';
import { resourceQuota } from './admission/plugins/resource-quota.ts';
import type { Authenticator } from './authn/authenticate.ts';
import { clientCertificates, serviceAccountTokens } from './authn/authenticate.ts';
import { trustOf } from './authn/certificate-trust.ts';
import { requestHeaders, usualRequestHeaders } from './authn/request-headers.ts';
import { createTokenIssuer } from './authn/service-account-tokens.ts';
import type { Authorizer } from './authz/authorizer.ts';
import { attributesOf, decide, refusal } from './authz/authorizer.ts';
import { certificateSigners } from './authz/certificate-signers.ts';
import { escalationCheck } from './authz/escalation.ts';
import { nodeAuthorizer } from './authz/node-authorizer.ts';
import { NodeGraph } from './authz/node-graph.ts';
import { masters, rbacAuthorizer, rbacRules } from './authz/rbac.ts';
import { bootstrap } from './bootstrap/bootstrap.ts';
import { CustomResources } from './custom-resources/custom-resources.ts';
import { definitionValidation } from './custom-resources/definition/admission.ts';
import { publishClientCa } from './bootstrap/client-ca.ts';
import { defaultObjects } from './bootstrap/default-objects.ts';
import { publishApiService } from './bootstrap/kubernetes-service.ts';
import { nodeRules } from './bootstrap/roles/component-roles.ts';
import { Documents } from './documents/documents.ts';
import { FlowControl } from './flow-control/flow-control.ts';
import { ApiMetrics, metricsContentType } from './metrics/api-metrics.ts';
import type { RegistryContext } from './registry/registry-context.ts';
import { nowText, objectReader } from './registry/registry-context.ts';
import { directly } from './proxy/egress.ts';
import type { Egress } from './proxy/egress.ts';
import { proxySubresources } from './proxy/proxy-subresources.ts';
import { namespaceFinalize } from './registry/subresources/namespace-finalize.ts';
import { narrowParts } from './registry/subresources/narrow-parts.ts';
import { bindings, podBinding } from './registry/subresources/pod-binding.ts';
import { podEviction } from './registry/subresources/pod-eviction.ts';
import { podStreams } from './registry/subresources/pod-streams.ts';
import { serviceAccountToken } from './registry/subresources/service-account-token.ts';
import type { ApiCall, ApiResult, UserInfo } from './request/api-call.ts';
import type { DispatchContext } from './request/dispatch.ts';
import { dispatch } from './request/dispatch.ts';
import { httpFace } from './request/http-face.ts';
import { inProcessTransport } from './request/in-process.ts';
import type { NodeGateway } from './request/node-gateway.ts';
import { ServedKinds } from './request/served-kinds.ts';
import { reviews } from './reviews/reviews.ts';
import { ServiceAllocation } from './service-allocation/service-allocation.ts';
import { WatchCache } from './watch-cache/watch-cache.ts';

export interface ApiServerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly serviceAccountKey: ServiceAccountKey;
  /** `iss` of tokens. Default: https://kubernetes.default.svc.cluster.local. */
  readonly serviceAccountIssuer?: string;
  /** Service addresses, one range per family. Default: 10.96.0.0/16. */
  readonly serviceClusterIpRanges?: readonly string[];
  /** Default: 30000 to 32767. */
  readonly serviceNodePortRange?: { readonly from: number; readonly to: number };
  /** How to reach kubelets. */
  readonly nodes: NodeGateway;
  /** The way to what runs in the cluster (webhooks, proxied pods). Default: directly. */
  readonly egress?: Egress;
  /** How API servers behind this one know it, and the authority that they check this by. Default: they get no certificate. */
  readonly frontProxy?: FrontProxy | undefined;
  /** How many requests run at once, all priority levels together. Default: 600, the sum of upstream's two limits. */
  readonly maxRequestsInflight?: number;
  /** Asked before the built-in authenticators. */
  readonly authenticators?: readonly Authenticator[];
  /** Default: system:masters, nodes, RBAC. */
  readonly authorizers?: readonly Authorizer[];
}

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly serving: PemPair;
  readonly clientCaPem: string;
  /** Published as the endpoint of the `kubernetes` Service. Default: not published. */
  readonly advertiseAddress?: string;
}

export interface ApiServer {
  /** A transport for components in this process that speaks as `user`. */
  transport(user: UserInfo, userAgent: string): Transport;
  /** Opens the HTTPS port. Resolves with the port when requests are answered. */
  listen(options: ListenOptions): Promise<{ readonly port: number }>;
  /** Ends watches, drains requests, closes the port. The store stays open: it is the caller's. */
  close(): Promise<void>;
}

const bookmarkTickMs = 60_000;
/** How long requests under way may take when the server stops. */
const drainMs = 10_000;

/** Starts an API server on a store. Resolves when it is ready: caches filled, default objects there. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { clock, random, log } = options;
  const stopping = new AbortController();
  const metrics = new ApiMetrics({ clock, signal: stopping.signal });
  const store = metrics.store.measured(options.store, clock);
  const egress = options.egress ?? directly;
  const cache = new WatchCache({ store, clock, log });
  const objects = objectReader(cache);
  const allocation = new ServiceAllocation({ cache, cidrs: options.serviceClusterIpRanges ?? ['10.96.0.0/16'], ports: options.serviceNodePortRange ?? { from: 30_000, to: 32_768 }, clock, random });
  const rbac = rbacRules({ objects, caches: cache });
  const graph = new NodeGraph({ objects, caches: cache });
  const authorizers = options.authorizers ?? [masters, nodeAuthorizer({ graph, nodeRules }), rbacAuthorizer(rbac)];
  const kinds = new ServedKinds(builtInKinds);
  const dynamic = dynamicAdmission({ objects, authorizers, kinds, egress, clock, random, log, metrics: metrics.webhooks });
  const admission = [definitionValidation, ...admissionPlugins, ...dynamic.plugins, escalationCheck({ authorizers, rbac }), certificateSigners(authorizers), resourceQuota(() => registry)];
  const registry: RegistryContext = { store, cache, clock, random, log, objects, admission, admissionMetrics: metrics.admission, allocator: allocation.allocator };
  await cache.start(builtInKinds.filter((kind) => kind.convertedFrom === undefined));
  await bootstrap(registry, [...defaultObjects({ serviceRanges: allocation.cidrs, nowIso: nowText(clock) }), ...builtInServices(builtInKinds, nowText(clock))]);
  await allocation.start(registry);
  const flowControl = new FlowControl({ caches: cache, clock, totalSeats: options.maxRequestsInflight ?? 600 });
  flowControl.start();
  await rbac.start(clock);
  await graph.start(clock);
  const customResources = new CustomResources({ registry, kinds, webhooks: dynamic.client });
  await customResources.start();

  const issuerName = options.serviceAccountIssuer ?? 'https://kubernetes.default.svc.cluster.local';
  const issuer = createTokenIssuer({ issuer: issuerName, audiences: [issuerName], key: options.serviceAccountKey, clock, random, objects: () => objects });
  const context: DispatchContext = {
    registry,
    kinds,
    subresources: [podBinding(registry), podEviction(registry), namespaceFinalize(registry), serviceAccountToken(registry, issuer), ...podStreams(registry, options.nodes), ...proxySubresources({ registry, nodes: options.nodes, egress }), ...narrowParts(registry)],
    reviews: [bindings(registry), ...reviews({ authorizers, issuer, rbac })],
  };
  const documents = new Documents({ kinds, issuer, serviceAccountKey: options.serviceAccountKey, address: () => address, clock });
  let address = '127.0.0.1:6443';

  const handle = async (call: ApiCall): Promise<ApiResult> => {
    const attributes = attributesOf(call.info, call.user, call.query);
    const decision = decide(authorizers, attributes);
    if (decision.verdict !== 'allow') throw refusal(attributes, decision);
    if (aggregation.isRemote(call.info)) return aggregation.pass(call);
    if (call.info.isResource) return dispatch(context, call);
    if (call.info.path === '/metrics') return { is: 'raw', code: 200, contentType: metricsContentType, body: `${await metrics.text({ kinds, cache, store })}${flowControl.text()}${aggregation.metricsText()}${allocation.metricsText()}` };
    const found = await documents.find(call);
    const document = await documents.finish(call, found, await aggregation.extend(call, found));
    if (document === undefined) throw noSuchPath();
    return document;
  };
  const measured = metrics.requests.measured(flowControl.limited(handle));
  // Components' requests pass the same pipeline as everybody's.
  const handleUntilStopped = (call: ApiCall): Promise<ApiResult> =>
    call.info.verb === 'watch' ? measured({ ...call, signal: AbortSignal.any([call.signal, stopping.signal]) }) : measured(call);

  const transport = (user: UserInfo, userAgent: string): Transport => inProcessTransport(handleUntilStopped, user, userAgent);
  const admin = createClient(transport(inProcessAdmin, 'kube-apiserver'));
  const aggregation = new Aggregation({ registry, admin, objects, egress, client: options.frontProxy?.client });
  aggregation.start();
  allocation.watchOver(admin);
  const policyStatus = new PolicyStatus({ registry, kinds, admin });
  policyStatus.start();

  const bookmarks = (): void => {
    if (stopping.signal.aborted) return;
    cache.wakeAll();
    timer = clock.after(bookmarkTickMs, bookmarks);
  };
  let timer = clock.after(bookmarkTickMs, bookmarks);
  let server: SecureServer | undefined;

  return {
    transport,
    async listen({ host, port, serving, clientCaPem, advertiseAddress }) {
      const headers = options.frontProxy && (options.frontProxy.requestHeaders ?? usualRequestHeaders(options.frontProxy.caPem));
      const ofProxies = headers === undefined ? [] : [requestHeaders(headers, trustOf(headers.caPem))];
      const certificates = clientCertificates(headers === undefined ? undefined : trustOf(clientCaPem));
      const face = httpFace({ authenticators: [...ofProxies, ...(options.authenticators ?? []), certificates, serviceAccountTokens(issuer)], authorizers, handle: handleUntilStopped, kindOf: (apiVersion, kind) => kinds.bodyStruct(apiVersion, kind), passesOn: (info) => aggregation.isRemote(info), clock, log });
      const checks: readonly HealthCheck[] = [pingCheck, { name: 'etcd', check: async () => void (await store.revision()) }];
      server = createSecureServer({
        clock, log, serving, clientCaPem: headers === undefined ? clientCaPem : `${clientCaPem}\n${headers.caPem}`,
        handler: async (request, response) => {
          if (request.path.endsWith('z') || request.path.includes('z/')) {
            for (const name of ['livez', 'readyz', 'healthz']) if (await answerHealth(name, checks, request, response)) return;
          }
          await face(request, response);
        },
      });
      const listening = await server.listen({ host, port });
      address = `${advertiseAddress ?? host}:${listening.port}`;
      await publishClientCa(admin, authenticationData({ clientCaPem, requestHeaders: headers }));
      if (advertiseAddress !== undefined) await publishApiService(admin, { address: advertiseAddress, port: listening.port, serviceIp: allocation.apiServerAddress });
      return listening;
    },
    async close() {
      if (stopping.signal.aborted) return;
      stopping.abort();
      timer.cancel();
      await server?.close({ drainMs });
      allocation.close();
      await aggregation.close();
      await policyStatus.close();
      await customResources.close();
      dynamic.close();
      await cache.close();
    },
  };
}

/** The user that the cluster's own components in this process act as. */
export const inProcessAdmin: UserInfo = { name: 'system:admin', groups: ['system:masters', 'system:authenticated'] };
