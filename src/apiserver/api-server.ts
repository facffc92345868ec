/**
 * The API server: the only door to the store. `createApiServer` puts it together; the way of a request through it is
 * `request/` (HTTP or in process) -> authenticators -> authorizers -> `request/dispatch` -> `registry/` -> store.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { kinds as builtInKinds } from '#api/kinds.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { hasReason, noSuchPath } from '#apimachinery/status-error.ts';
import { createClient } from '#client/create-client.ts';
import type { Transport } from '#client/transport.ts';
import type { PemPair } from '#pki/authority.ts';
import type { ServiceAccountKey } from '#pki/service-account-key.ts';
import type { HealthCheck } from '#serving/health.ts';
import type { TlsSettings } from '#serving/tls-settings.ts';
import { pingCheck } from '#serving/health.ts';
import type { SecureServer } from '#serving/secure-server.ts';
import { connectionLimit } from '#serving/connection-limit.ts';
import { createSecureServer } from '#serving/secure-server.ts';
import type { Store } from '#store/store.ts';
import type { FrontProxy } from './aggregation/aggregation.ts';
import { Aggregation, authenticationData } from './aggregation/aggregation.ts';
import { builtInServices } from './aggregation/local-services.ts';
import { dynamicAdmission } from './admission/dynamic.ts';
import { admissionPlugins } from './admission/plugins.ts';
import { privilegedContainers } from './admission/plugins/privileged-containers.ts';
import { writtenByServer } from './admission/plugins/written-by-server.ts';
import type { AdmissionSettings } from './admission/settings.ts';
import type { Audit } from './audit/audit.ts';
import { PolicyStatus } from './admission/policies/policy-status.ts';
import type { Authenticator } from './authn/authenticate.ts';
import { clientCertificates, serviceAccountTokens } from './authn/authenticate.ts';
import type { AnonymousRule } from './authn/anonymous.ts';
import { anonymousWhere } from './authn/anonymous.ts';
import { trustOf } from './authn/certificate-trust.ts';
import { requestHeaders, usualRequestHeaders } from './authn/request-headers.ts';
import type { TokenSettings } from './authn/service-account-tokens.ts';
import { createTokenIssuer } from './authn/service-account-tokens.ts';
import type { Authorizer } from './authz/authorizer.ts';
import { annotateDecision, attributesOf, decideFully, refusal } from './authz/authorizer.ts';
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
import { pageAt } from './documents/pages.ts';
import type { VersionInfo } from './documents/version.ts';
import { versionInfo } from './documents/version.ts';
import type { FeatureGates } from './features/feature-gates.ts';
import { flowControlObjects } from './bootstrap/flow-control.ts';
import { dumpAt } from './flow-control/dumps.ts';
import { FlowControl } from './flow-control/flow-control.ts';
import { defaultConfiguration, keepConfiguration } from './flow-control/keep-configuration.ts';
import { resourceLoad } from './flow-control/resource-load.ts';
import { ApiMetrics, metricsContentType } from './metrics/api-metrics.ts';
import type { RegistryContext } from './registry/registry-context.ts';
import { nowText, objectReader } from './registry/registry-context.ts';
import { withExpiringEvents } from './registry/expiring-events.ts';
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
import { connectionText, tooManyConnections } from './request/connection-bound.ts';
import { withDeadline } from './request/deadlines.ts';
import { answerEarly, asksForHealth } from './request/early-answer.ts';
import type { InFlightLimits } from './request/max-in-flight.ts';
import { withMaxInFlight } from './request/max-in-flight.ts';
import type { NodeGateway } from './request/node-gateway.ts';
import { answerStopping } from './request/stopping.ts';
import type { WatchLimits } from './request/watch-limits.ts';
import { WatchLimiter, usualWatchLimits } from './request/watch-limits.ts';
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
  /** In place of priority levels: so many requests of either sort run at once. */
  readonly inFlightLimits?: InFlightLimits | undefined;
  /** How many watches clients may have open. Default: 40,000, of which one user may have 10,000. */
  readonly watchLimits?: WatchLimits | undefined;
  /** Requests other than watches are ended after so long. Default: never. */
  readonly requestTimeoutMs?: number | undefined;
  /** How long a watch lasts at least that does not say. Default: half an hour. */
  readonly minWatchSeconds?: number | undefined;
  /** How long events are kept. Default: for ever. */
  readonly eventTtlMs?: number | undefined;
  /** Asked before the built-in authenticators. */
  readonly authenticators?: readonly Authenticator[];
  /** Whether tokens of Secrets of type bootstrap.kubernetes.io/token are taken. Default: they are not. */
  readonly bootstrapTokens?: boolean | undefined;
  /** Who may come without credentials. Default: everybody. */
  readonly anonymous?: AnonymousRule | undefined;
  /** What service-account tokens are believed beside those that are issued, and how long they live. */
  readonly tokens?: TokenSettings | undefined;
  /** In order, after system:masters; names stand for the server's own, which a function is handed. Default: Node and RBAC. */
  readonly authorizers?: readonly (Authorizer | OwnAuthorizer)[] | ((own: Readonly<Record<OwnAuthorizer, Authorizer>>) => readonly Authorizer[]);
  /** Which admission plugins run, and how. Default: the usual ones. */
  readonly admission?: AdmissionSettings | undefined;
  /** Which of the built-in kinds are served. Default: all. */
  readonly serves?: ((kind: ResourceKind) => boolean) | undefined;
  /** Names that are on or off, for the metrics. */
  readonly features?: FeatureGates | undefined;
  /** How it was started, for /flagz. Default: nobody says. */
  readonly flags?: Readonly<Record<string, string>> | undefined;
  /** A directory whose files are shown at /logs/. Default: none are. */
  readonly logFolder?: string | undefined;
  /** What the server calls itself at /version. Default: its own version. */
  readonly version?: VersionInfo | undefined;
  /** What is below the server and has health and metrics of its own. Default: nothing. */
  readonly below?: { readonly healthCheck: HealthCheck; metricsText(): string } | undefined;
  /** Records requests; the server closes it. Default: nobody does. */
  readonly audit?: Audit | undefined;
}

/** Authorizers that the server makes itself. */
export type OwnAuthorizer = 'Node' | 'RBAC';

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly serving: PemPair;
  readonly clientCaPem: string;
  /** Published as the endpoint of the `kubernetes` Service. Default: not published. */
  readonly advertiseAddress?: string;
  /** How clients outside reach the server, for discovery. Default: the advertised address. */
  readonly externalHostname?: string | undefined;
  readonly tls?: TlsSettings | undefined;
  /** Web pages of these origins may use the API: regular expressions. */
  readonly corsAllowedOrigins?: readonly string[] | undefined;
  /** How many connections may be open at once. Default: as the process's limit of open files allows. */
  readonly maxConnections?: number | undefined;
  /** The share of requests over HTTP/2 whose client is asked to connect anew. Default: 0. */
  readonly goawayChance?: number | undefined;
}

/** How the server stops. */
export interface StopOptions {
  /** So long requests are still served as ever, while /readyz fails. Default: 0. */
  readonly delayMs?: number | undefined;
  /** Requests that come later are answered 429 and told to come again. */
  readonly sendsRetryAfter?: boolean | undefined;
}

export interface ApiServer {
  /** A transport for components in this process that speaks as `user`. */
  transport(user: UserInfo, userAgent: string): Transport;
  /** Opens the HTTPS port. Resolves with the port when requests are answered. */
  listen(options: ListenOptions): Promise<{ readonly port: number }>;
  /** New connections are served with this certificate; those that are open stay. To be called when the port is open. */
  replaceServing(serving: PemPair): void;
  /** Ends watches, drains requests, closes the port. The store stays open: it is the caller's. */
  close(options?: StopOptions): Promise<void>;
}

const bookmarkTickMs = 60_000;
/** How long requests under way may take when the server stops. */
const drainMs = 10_000;

/** Starts an API server on a store. Resolves when it is ready: caches filled, default objects there. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { clock, random, log, version = versionInfo } = options;
  const startedMs = clock.nowMs();
  const stopping = new AbortController();
  const metrics = new ApiMetrics({ clock, signal: stopping.signal, version });
  const store = metrics.store.measured(options.eventTtlMs === undefined ? options.store : withExpiringEvents(options.store, { clock, ttlMs: options.eventTtlMs }), clock);
  const egress = options.egress ?? directly;
  const cache = new WatchCache({ store, clock, log });
  const objects = objectReader(cache);
  const allocation = new ServiceAllocation({ cache, cidrs: options.serviceClusterIpRanges ?? ['10.96.0.0/16'], ports: options.serviceNodePortRange ?? { from: 30_000, to: 32_768 }, clock, random });
  const rbac = rbacRules({ objects, caches: cache });
  const graph = new NodeGraph({ objects, caches: cache });
  const own = { Node: nodeAuthorizer({ graph, nodeRules }), RBAC: rbacAuthorizer(rbac) };
  const { authorizers: listed = ['Node', 'RBAC'] } = options;
  const authorizers = [masters, ...(typeof listed === 'function' ? listed(own) : listed.map((each) => (typeof each === 'string' ? own[each] : each)))];
  const kinds = new ServedKinds(options.serves === undefined ? builtInKinds : builtInKinds.filter(options.serves));
  const settings = options.admission ?? {};
  const identities = settings.configuration === undefined ? undefined : (await import('./admission/webhooks/identities.ts')).webhookIdentities(settings.configuration, clock);
  const dynamic = dynamicAdmission({ objects, authorizers, kinds, egress, clock, random, log, metrics: metrics.webhooks, ...(identities !== undefined && { identities }) });
  const signers = new Map(certificateSigners(authorizers).map((plugin) => [plugin.name, plugin]));
  const plugins = await admissionPlugins({ settings, clock, log, kinds, authorizers, registry: () => registry, admin: () => admin, dynamic: dynamic.plugins, certificates: signers });
  const always = [definitionValidation, writtenByServer, dynamic.expressionCheck, escalationCheck({ authorizers, rbac })];
  const admission = [...always, ...(settings.allowPrivileged === false ? [privilegedContainers] : []), ...plugins];
  const registry: RegistryContext = { minWatchSeconds: options.minWatchSeconds, streamsLists: options.features?.isOn('WatchList'), store, cache, clock, random, log, objects, admission, admissionMetrics: metrics.admission, allocator: allocation.allocator };
  await cache.start(builtInKinds.filter((kind) => kind.convertedFrom === undefined));
  await bootstrap(registry, [...defaultObjects({ serviceRanges: allocation.cidrs, nowIso: nowText(clock) }), ...builtInServices(builtInKinds, nowText(clock))]);
  await allocation.start(registry);
  const flowDefaults = defaultConfiguration(flowControlObjects(nowText(clock)));
  const flowControl = new FlowControl({ caches: cache, clock, totalSeats: options.maxRequestsInflight ?? 600, load: resourceLoad(kinds, cache), requestTimeoutMs: options.requestTimeoutMs, defaults: flowDefaults });
  flowControl.start();
  await rbac.start(clock);
  await graph.start(clock);
  const customResources = new CustomResources({ registry, kinds, webhooks: dynamic.client });
  await customResources.start();

  const issuerName = options.serviceAccountIssuer ?? 'https://kubernetes.default.svc.cluster.local';
  const issuer = createTokenIssuer({ issuer: issuerName, audiences: [issuerName], key: options.serviceAccountKey, clock, random, objects: () => objects, ...options.tokens });
  const bootstrappers = options.bootstrapTokens === true ? [(await import('./authn/bootstrap-tokens.ts')).bootstrapTokens({ objects, clock })] : [];
  const authenticators: readonly Authenticator[] = [...(options.authenticators ?? []), ...bootstrappers, serviceAccountTokens(issuer)];
  const context: DispatchContext = {
    registry,
    kinds,
    subresources: [podBinding(registry), podEviction(registry), namespaceFinalize(registry), serviceAccountToken(registry, issuer), ...podStreams(registry, options.nodes), ...proxySubresources({ registry, nodes: options.nodes, egress }), ...narrowParts(registry)],
    reviews: [bindings(registry), ...reviews({ authorizers, authenticators, issuer, rbac })],
  };
  // What the server keeps itself (its Service, definitions of policies) is there for it, whatever is served to others.
  const ownContext: DispatchContext = options.serves === undefined ? context : { ...context, kinds: withHidden(kinds) };
  const documents = new Documents({ kinds, issuer, hashesVersions: options.features?.isOn('StorageVersionHash'), showsLogs: options.logFolder !== undefined, address: () => address, clock, version });
  let address = '127.0.0.1:6443';

  let phase: 'serving' | 'leaving' | 'refusing' = 'serving';
  const checks: readonly HealthCheck[] = [pingCheck, { name: 'etcd', check: async () => void (await store.revision()) }, ...(options.below === undefined ? [] : [options.below.healthCheck])];
  const shutdownCheck: HealthCheck = { name: 'shutdown', check: () => (phase === 'serving' ? undefined : 'process is shutting down') };

  /** Few ask, and nobody before the first metrics are read. */
  const features = async (): Promise<FeatureGates> => options.features ?? (await import('./features/feature-gates.ts')).featureGates([]);
  const handle = async (call: ApiCall): Promise<ApiResult> => {
    const attributes = attributesOf(call.info, call.user, call.query);
    const decided = decideFully(authorizers, attributes);
    const decision = decided instanceof Promise ? await decided : decided;
    if (call.annotate !== undefined) annotateDecision(call.annotate, decision);
    if (decision.verdict !== 'allow') throw refusal(attributes, decision);
    if (aggregation.isRemote(call.info)) return aggregation.pass(call);
    if (call.info.isResource) return dispatch(call.user === inProcessAdmin ? ownContext : context, call);
    if (call.info.path === '/metrics') return { is: 'raw', code: 200, contentType: metricsContentType, body: `${await metrics.text({ kinds, cache, store })}${flowControl.text()}${aggregation.metricsText()}${allocation.metricsText()}${watches.text()}${connectionText(server)}${options.audit?.text() ?? ''}${(await features()).metricsText()}${options.below?.metricsText() ?? ''}` };
    const dump = dumpAt({ path: call.info.path, query: call.query, levels: flowControl.levels, clock });
    if (dump !== undefined) return { is: 'raw', code: 200, contentType: 'text/plain; charset=utf-8', body: dump };
    const page = await pageAt(call, { checks: (name) => (name === 'readyz' ? [...checks, shutdownCheck] : checks), view: () => ({ version, startedMs, nowMs: clock.nowMs(), flags: options.flags ?? {} }), logFolder: options.logFolder });
    if (page !== undefined) return page;
    const document = await documents.finish(call, await aggregation.extend(call, await documents.find(call)));
    if (document === undefined) throw noSuchPath();
    return document;
  };
  const limited = options.inFlightLimits === undefined ? flowControl.limited(handle) : withMaxInFlight(handle, options.inFlightLimits);
  const timed = options.requestTimeoutMs === undefined ? limited : withDeadline(limited, { clock, timeoutMs: options.requestTimeoutMs });
  const measured = metrics.requests.measured(options.audit === undefined ? timed : options.audit.recorded(timed));
  // Components' requests pass the same pipeline as everybody's.
  const handleUntilStopped = (call: ApiCall): Promise<ApiResult> =>
    call.info.verb === 'watch' ? measured({ ...call, signal: AbortSignal.any([call.signal, stopping.signal]) }) : measured(call);

  const watches = new WatchLimiter(options.watchLimits ?? usualWatchLimits);
  const transport = (user: UserInfo, userAgent: string): Transport => inProcessTransport(handleUntilStopped, user, userAgent);
  const admin = createClient(transport(inProcessAdmin, 'kube-apiserver'));
  const aggregation = new Aggregation({ registry, admin, objects, egress, client: options.frontProxy?.client });
  await aggregation.start();
  allocation.watchOver(admin);
  const stopKeeping = keepConfiguration({ caches: cache, client: admin, clock, log, defaults: flowDefaults });
  const policyStatus = new PolicyStatus({ registry, kinds, admin });
  policyStatus.start();

  const bookmarks = (): void => {
    if (stopping.signal.aborted) return;
    cache.wakeAll();
    timer = clock.after(bookmarkTickMs, bookmarks);
  };
  let timer = clock.after(bookmarkTickMs, bookmarks);
  let server: SecureServer | undefined;
  let trustedPem = '';

  return {
    transport,
    async listen({ host, port, serving, clientCaPem, advertiseAddress, externalHostname, tls, corsAllowedOrigins, goawayChance = 0, maxConnections = connectionLimit() }) {
      const headers = options.frontProxy && (options.frontProxy.requestHeaders ?? usualRequestHeaders(options.frontProxy.caPem));
      const ofProxies = headers === undefined ? [] : [requestHeaders(headers, trustOf(headers.caPem))];
      const certificates = clientCertificates(headers === undefined ? undefined : trustOf(clientCaPem));
      const face = httpFace({ authenticators: [...ofProxies, certificates, ...authenticators, ...(options.anonymous === undefined ? [] : [anonymousWhere(options.anonymous)])], authorizers, handle: watches.limited(handleUntilStopped), kindOf: (apiVersion, kind) => kinds.bodyStruct(apiVersion, kind), passesOn: (info) => aggregation.isRemote(info), clock, random, log, audit: options.audit, compresses: options.features?.isOn('APIResponseCompression') });
      const cors = corsAllowedOrigins === undefined || corsAllowedOrigins.length === 0 ? undefined : (await import('./request/cors.ts')).corsRule(corsAllowedOrigins);
      trustedPem = headers === undefined ? clientCaPem : `${clientCaPem}\n${headers.caPem}`;
      server = createSecureServer({
        clock, log, serving, clientCaPem: trustedPem,
        tls,
        limit: {
          connections: maxConnections,
          refuse: (request, response) => (asksForHealth(request) ? face(request, response) : answerEarly(request, response, tooManyConnections(maxConnections))),
        },
        handler: async (request, response) => {
          if (cors?.(request, response) === true) return;
          if (goawayChance > 0 && request.protocol === 'HTTP/2.0' && random.next() < goawayChance) response.leaveConnection();
          if (phase === 'refusing' && answerStopping(request, response)) return;
          await face(request, response);
        },
      });
      const listening = await server.listen({ host, port });
      address = `${externalHostname ?? advertiseAddress ?? host}:${listening.port}`;
      await publishClientCa(admin, authenticationData({ clientCaPem, requestHeaders: headers }));
      if (advertiseAddress !== undefined) {
        await publishApiService(admin, { address: advertiseAddress, port: listening.port, serviceIp: allocation.apiServerAddress }).catch((error: unknown) => {
          // A loopback address is none for endpoints; test harnesses give it, and want no more than a server.
          if (!hasReason(error, 'Invalid')) throw error;
          log.warn({ error, advertiseAddress }, 'the address cannot be published as the endpoint of the kubernetes Service');
        });
      }
      return listening;
    },
    replaceServing(serving) {
      server?.replaceCertificates({ serving, clientCaPem: trustedPem });
    },
    async close({ delayMs = 0, sendsRetryAfter = false } = {}) {
      if (phase !== 'serving') return;
      phase = 'leaving';
      if (delayMs > 0) await clock.sleep(delayMs);
      if (sendsRetryAfter) phase = 'refusing';
      stopping.abort();
      timer.cancel();
      await server?.close({ drainMs });
      allocation.close();
      stopKeeping();
      flowControl.close();
      await aggregation.close();
      await policyStatus.close();
      await customResources.close();
      dynamic.close();
      await options.audit?.close();
      await cache.close();
    },
  };
}

/** Every kind, also those that are not served. */
function withHidden(kinds: ServedKinds): DispatchContext['kinds'] {
  const all = new ServedKinds(builtInKinds);
  return { find: (...path) => kinds.find(...path) ?? all.find(...path) };
}

/** The user that the cluster's own components in this process act as. */
export const inProcessAdmin: UserInfo = { name: 'system:admin', groups: ['system:masters', 'system:authenticated'] };
