/**
 * The API server: the only door to the store. `createApiServer` puts it together; the way of a request through it is
 * `request/` (HTTP or in process) -> authenticators -> authorizers -> `request/dispatch` -> `registry/` -> store.
 */
import { kinds as builtInKinds } from '#api/kinds.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { createClient } from '#client/create-client.ts';
import type { Transport } from '#client/transport.ts';
import type { PemPair } from '#pki/authority.ts';
import type { HealthCheck } from '#serving/health.ts';
import { pingCheck } from '#serving/health.ts';
import { admissionChain } from './admission/admission-chain.ts';
import { PolicyStatus } from './admission/policies/policy-status.ts';
import { Aggregation, authenticationData } from './aggregation/aggregation.ts';
import { builtInServices } from './aggregation/local-services.ts';
import type { ApiServerOptions, ListenOptions, StopOptions } from './api-server-options.ts';
import type { Authenticator } from './authn/authenticate.ts';
import { serviceAccountTokens } from './authn/authenticate.ts';
import { createTokenIssuer } from './authn/service-account-tokens.ts';
import { authorization } from './authz/authorization.ts';
import { bootstrap } from './bootstrap/bootstrap.ts';
import { publishClientCa } from './bootstrap/client-ca.ts';
import { defaultObjects } from './bootstrap/default-objects.ts';
import { flowControlObjects } from './bootstrap/flow-control.ts';
import { publishApiService } from './bootstrap/kubernetes-service.ts';
import { CustomResources } from './custom-resources/custom-resources.ts';
import { Documents } from './documents/documents.ts';
import type { PageSources } from './documents/pages.ts';
import { versionInfo } from './documents/version.ts';
import type { FeatureGates } from './features/feature-gates.ts';
import { dumpAt } from './flow-control/dumps.ts';
import { FlowControl } from './flow-control/flow-control.ts';
import { defaultConfiguration, keepConfiguration } from './flow-control/keep-configuration.ts';
import { resourceLoad } from './flow-control/resource-load.ts';
import type { OpenPort } from './listen.ts';
import { openPort } from './listen.ts';
import { ApiMetrics } from './metrics/api-metrics.ts';
import { directly } from './proxy/egress.ts';
import { proxySubresources } from './proxy/proxy-subresources.ts';
import { withExpiringEvents } from './registry/expiring-events.ts';
import type { RegistryContext } from './registry/registry-context.ts';
import { nowText, objectReader } from './registry/registry-context.ts';
import { namespaceFinalize } from './registry/subresources/namespace-finalize.ts';
import { narrowParts } from './registry/subresources/narrow-parts.ts';
import { bindings, podBinding } from './registry/subresources/pod-binding.ts';
import { podEviction } from './registry/subresources/pod-eviction.ts';
import { podStreams } from './registry/subresources/pod-streams.ts';
import { serviceAccountToken } from './registry/subresources/service-account-token.ts';
import { answerCalls } from './request/answer.ts';
import type { UserInfo } from './request/api-call.ts';
import { connectionText } from './request/connection-bound.ts';
import { withDeadline } from './request/deadlines.ts';
import type { DispatchContext } from './request/dispatch.ts';
import type { CallHandler, InProcessCaller } from './request/in-process.ts';
import { inProcessTransport } from './request/in-process.ts';
import { withMaxInFlight } from './request/max-in-flight.ts';
import { ServedKinds } from './request/served-kinds.ts';
import { WatchLimiter, usualWatchLimits } from './request/watch-limits.ts';
import { reviews } from './reviews/reviews.ts';
import { ServiceAllocation } from './service-allocation/service-allocation.ts';
import { WatchCache } from './watch-cache/watch-cache.ts';

export interface ApiServer {
  /** A transport for this process that speaks as `user`. Flow control lets components of the cluster pass. */
  transport(user: UserInfo, userAgent: string, traits?: Pick<InProcessCaller, 'isComponent'>): Transport;
  /** Opens the HTTPS port. Resolves with the port when requests are answered. */
  listen(options: ListenOptions): Promise<{ readonly port: number }>;
  /** New connections are served with this certificate; those that are open stay. To be called when the port is open. */
  replaceServing(serving: PemPair): void;
  /** Ends watches, drains requests, closes the port. The store stays open: it is the caller's. */
  close(options?: StopOptions): Promise<void>;
}

/** The user that the cluster's own components in this process act as. */
export const inProcessAdmin: UserInfo = { name: 'system:admin', groups: ['system:masters', 'system:authenticated'] };

const bookmarkTickMs = 60_000;
/** How long requests under way may take when the server stops. */
const drainMs = 10_000;

/** Starts an API server on a store. Resolves when it is ready: caches filled, default objects there. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { clock, random, log, version = versionInfo, audit, features, below, egress = directly } = options;
  const startedMs = clock.nowMs();
  const stopping = new AbortController();
  const metrics = new ApiMetrics({ clock, signal: stopping.signal, version });

  // Objects: the store, the copy of it in memory, and what writes pass.
  const store = metrics.store.measured(options.eventTtlMs === undefined ? options.store : withExpiringEvents(options.store, { clock, ttlMs: options.eventTtlMs }), clock);
  const cache = new WatchCache({ store, clock, log });
  const objects = objectReader(cache);
  const kinds = new ServedKinds(options.serves === undefined ? builtInKinds : builtInKinds.filter(options.serves));
  const allocation = new ServiceAllocation({ cache, cidrs: options.serviceClusterIpRanges ?? ['10.96.0.0/16'], ports: options.serviceNodePortRange ?? { from: 30_000, to: 32_768 }, clock, random });
  const { authorizers, rbac, ...access } = authorization({ objects, caches: cache, chosen: options.authorizers });
  const admission = await admissionChain({ settings: options.admission ?? {}, objects, authorizers, rbac, kinds, egress, clock, random, log, metrics: metrics.webhooks, registry: () => registry, admin: () => admin });
  const registry: RegistryContext = { minWatchSeconds: options.minWatchSeconds, streamsLists: features?.isOn('WatchList'), store, cache, clock, random, log, objects, admission: admission.plugins, admissionMetrics: metrics.admission, allocator: allocation.allocator };
  await cache.start(builtInKinds.filter((kind) => kind.convertedFrom === undefined));
  await bootstrap(registry, [...defaultObjects({ serviceRanges: allocation.cidrs, nowIso: nowText(clock) }), ...builtInServices(builtInKinds, nowText(clock))]);
  await allocation.start(registry);
  const flowDefaults = defaultConfiguration(flowControlObjects(nowText(clock)));
  const flowControl = new FlowControl({ caches: cache, clock, totalSeats: options.maxRequestsInflight ?? 600, load: resourceLoad(kinds, cache), requestTimeoutMs: options.requestTimeoutMs, defaults: flowDefaults });
  flowControl.start();
  await access.start(clock);
  const customResources = new CustomResources({ registry, kinds, webhooks: admission.webhooks });
  await customResources.start();

  // Requests: who asks, what there is for them, and what each of them passes.
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
  const documents = new Documents({ kinds, issuer, hashesVersions: features?.isOn('StorageVersionHash'), showsLogs: options.logFolder !== undefined, address: () => address, clock, version });
  const watches = new WatchLimiter(options.watchLimits ?? usualWatchLimits);
  const handle: CallHandler = (call) => answer(call);
  const limited = options.inFlightLimits === undefined ? flowControl.limited(handle) : withMaxInFlight(handle, options.inFlightLimits);
  const timed = withDeadline(limited, { clock, timeoutMs: options.requestTimeoutMs });
  const measured = metrics.requests.measured(audit === undefined ? timed : audit.recorded(timed));
  // Components' requests pass the same pipeline as everybody's.
  const handleUntilStopped: CallHandler = (call) => (call.info.verb === 'watch' ? measured({ ...call, signal: AbortSignal.any([call.signal, stopping.signal]) }) : measured(call));
  const transport: ApiServer['transport'] = (user, userAgent, traits) => inProcessTransport(handleUntilStopped, { ...traits, user, userAgent });

  // What the server does by itself, by requests of its own.
  const admin = createClient(transport(inProcessAdmin, 'kube-apiserver'));
  const aggregation = new Aggregation({ registry, admin, objects, egress, client: options.frontProxy?.client });
  let phase: 'serving' | 'leaving' | 'refusing' = 'serving';
  const checks: readonly HealthCheck[] = [pingCheck, { name: 'etcd', check: async () => void (await store.revision()) }, ...(below === undefined ? [] : [below.healthCheck])];
  const shutdownCheck: HealthCheck = { name: 'shutdown', check: () => (phase === 'serving' ? undefined : 'process is shutting down') };
  /** Few ask, and nobody before the first metrics are read. */
  const gates = async (): Promise<FeatureGates> => features ?? (await import('./features/feature-gates.ts')).featureGates([]);
  const pages: PageSources = {
    checks: (name) => (name === 'readyz' ? [...checks, shutdownCheck] : checks),
    metrics: async () => [
      await metrics.text({ kinds, cache, store }), flowControl.text(), aggregation.metricsText(), allocation.metricsText(), watches.text(),
      connectionText(open?.server), audit?.text() ?? '', (await gates()).metricsText(), below?.metricsText() ?? '',
    ].join(''),
    dump: ({ info, query }) => dumpAt({ path: info.path, query, levels: flowControl.levels, clock }),
    view: () => ({ version, startedMs, nowMs: clock.nowMs(), flags: options.flags ?? {} }),
    profiling: options.profiling === false ? undefined : clock,
    logFolder: options.logFolder,
  };
  const answer = answerCalls({ authorizers, aggregation, contextOf: ({ user }) => (user === inProcessAdmin ? ownContext : context), documents, pages });
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

  let open: OpenPort | undefined;
  let address = '127.0.0.1:6443';
  return {
    transport,
    async listen(listening) {
      const { host, clientCaPem, advertiseAddress, externalHostname } = listening;
      open = await openPort({
        authenticators, authorizers, handle: watches.limited(handleUntilStopped), kindOf: (apiVersion, kind) => kinds.bodyStruct(apiVersion, kind), passesOn: (info) => aggregation.isRemote(info),
        certificateShown: (notAfterMs) => metrics.requests.certificateShown(notAfterMs), anonymous: options.anonymous, audit, features, frontProxy: options.frontProxy, isRefusing: () => phase === 'refusing', clock, random, log,
      }, listening);
      const { port, proxies } = open;
      address = `${externalHostname ?? advertiseAddress ?? host}:${port}`;
      await publishClientCa(admin, authenticationData({ clientCaPem, requestHeaders: proxies }));
      if (advertiseAddress !== undefined) {
        await publishApiService(admin, { address: advertiseAddress, port, serviceIp: allocation.apiServerAddress }).catch((error: unknown) => {
          // A loopback address is none for endpoints; test harnesses give it, and want no more than a server.
          if (!hasReason(error, 'Invalid')) throw error;
          log.warn({ error, advertiseAddress }, 'the address cannot be published as the endpoint of the kubernetes Service');
        });
      }
      return { port };
    },
    replaceServing(serving) {
      open?.server.replaceCertificates({ serving, clientCaPem: open.trustedPem });
    },
    async close({ delayMs = 0, sendsRetryAfter = false } = {}) {
      if (phase !== 'serving') return;
      phase = 'leaving';
      if (delayMs > 0) await clock.sleep(delayMs);
      if (sendsRetryAfter) phase = 'refusing';
      stopping.abort();
      timer.cancel();
      await open?.server.close({ drainMs });
      allocation.close();
      stopKeeping();
      flowControl.close();
      await aggregation.close();
      await policyStatus.close();
      await customResources.close();
      admission.close();
      await audit?.close();
      await cache.close();
    },
  };
}

/** Every kind, also those that are not served. */
function withHidden(kinds: ServedKinds): DispatchContext['kinds'] {
  const all = new ServedKinds(builtInKinds);
  return { find: (...path) => kinds.find(...path) ?? all.find(...path) };
}
