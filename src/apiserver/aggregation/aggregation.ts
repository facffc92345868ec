/**
 * API servers behind this one: APIServices that name a Service are followed, checked, and their requests handed on.
 *
 * Source: Kubernetes documentation, "Kubernetes API Aggregation Layer".
 */
import type { APIService as ServiceObject } from '#api/apiregistration/api-service.ts';
import { APIService } from '#api/apiregistration/api-service.ts';
import { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { StatusError, unavailable } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import type { PemPair } from '#pki/authority.ts';
import type { RequestHeaderOptions } from '../authn/request-headers.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import type { ApiCall, ApiResult } from '../request/api-call.ts';
import type { RequestInfo } from '../request/request-info.ts';
import { AggregationMetrics } from './aggregation-metrics.ts';
import { availableCondition, local } from './availability.ts';
import { managedLabel } from './local-services.ts';
import type { RemoteEntry } from './merge-discovery.ts';
import type { RemoteDependencies, RemoteServer } from './remote-server.ts';
import type { RemoteVersion } from './remote-version.ts';

export interface AggregationDependencies extends Omit<RemoteDependencies, 'random'> {
  readonly registry: RegistryContext;
  /** Writes APIServices. */
  readonly admin: Client;
}

export interface FrontProxy {
  /** Its certificate; without one it asks in nobody's name that others would believe. */
  readonly client?: PemPair | undefined;
  readonly caPem: string;
  /** Whom this server itself believes in the same way. Default: those that `usualRequestHeaders` names. */
  readonly requestHeaders?: RequestHeaderOptions;
}

/** Most clusters have no API server behind theirs: what deals with them is loaded with the first. */
export class Aggregation {
  readonly #dependencies: AggregationDependencies;
  readonly #metrics = new AggregationMetrics();
  /** By `group/version`. */
  readonly #remotes = new Map<string, RemoteVersion>();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #closing: Promise<void>[] = [];
  #remoteVersions: { readonly RemoteVersion: typeof RemoteVersion } | undefined;
  #loading: Promise<void> | undefined;
  #work: Promise<void> | undefined;
  #customChanged = false;
  #isClosed = false;

  constructor(dependencies: AggregationDependencies) {
    this.#dependencies = dependencies;
  }

  /** Resolves when the servers of all APIServices that are there are known. */
  async start(): Promise<void> {
    const { cache, objects } = this.#dependencies.registry;
    for (const service of objects.list(APIService)) this.#follow(service);
    this.#unsubscribe.push(
      cache.of(APIService).subscribe(({ type, current }) => {
        if (type === 'DELETED') this.#drop(current.object);
        else this.#follow(current.object);
        if (current.object.metadata.labels?.[managedLabel] === 'true') this.#syncCustom();
      }),
      cache.of(Service).subscribe(({ current }) => this.#touch(current.object, current.object.metadata.name)),
      cache.of(EndpointSlice).subscribe(({ current }) => this.#touch(current.object, current.object.metadata.labels?.['kubernetes.io/service-name'])),
      cache.of(CustomResourceDefinition).subscribe(() => this.#syncCustom()),
    );
    if ([...objects.list(CustomResourceDefinition)].length > 0) this.#syncCustom();
    await this.#loading;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const stop of this.#unsubscribe) stop();
    await Promise.all([...this.#remotes.values()].map((remote) => remote.close()));
    await Promise.all(this.#closing);
    await this.#work;
  }

  /** Whether the request is for another server to answer; its body is not read here. */
  isRemote(info: RequestInfo): boolean {
    return this.#remotes.size > 0 && this.#remoteOf(info) !== undefined;
  }

  /** What to do with such a request. */
  async pass(call: ApiCall): Promise<ApiResult> {
    const remote = this.#remoteOf(call.info);
    const isAvailable = remote?.isAvailable === true;
    if (call.isInProcess === true) {
      if (!isAvailable) throw unavailable('service unavailable');
      return answerInProcess(remote.server, call);
    }
    if (remote === undefined) throw unavailable('service unavailable');
    return isAvailable ? handedTo(remote, call) : remote.refusal;
  }

  /** Discovery and OpenAPI with what other servers serve; other documents as they are. */
  async extend(call: ApiCall, result: ApiResult | undefined): Promise<ApiResult | undefined> {
    if (this.#remotes.size === 0 || (result !== undefined && result.is !== 'json')) return result;
    const path = call.info.path.length > 1 ? call.info.path.replace(/\/$/, '') : call.info.path;
    if (path.startsWith('/openapi/')) return this.#extendedOpenApi(path, call, result);
    const body = await this.#extended(path, result?.body, result?.headers?.['content-type']?.includes('APIGroupDiscoveryList') === true);
    if (body === result?.body || body === undefined) return result;
    return { ...(result ?? { is: 'json', code: 200 }), body };
  }

  /** What GET /metrics says of APIServices. */
  metricsText(): string {
    const services = [...this.#dependencies.objects.list(APIService)];
    return this.#metrics.text(services.map((service) => [service.metadata.name, availableCondition(service)?.status === 'True']));
  }

  async #extended(path: string, document: object | undefined, isAggregated: boolean): Promise<object | undefined> {
    const { mergeAggregated, mergeGroup, mergeGroups, mergePaths } = await import('./merge-discovery.ts');
    if (path === '/apis' && document !== undefined) return isAggregated ? mergeAggregated(document, this.#entries()) : mergeGroups(document, this.#entries());
    if (path === '/' && document !== undefined) return mergePaths(document, this.#entries());
    const group = /^\/apis\/([^/]+)$/.exec(path)?.[1];
    return group === undefined ? document : mergeGroup(document, group, this.#entries());
  }

  /** Loads what merges documents only when there is something to merge. */
  async #extendedOpenApi(path: string, call: ApiCall, result: ApiResult | undefined): Promise<ApiResult | undefined> {
    const remotes = [...this.#remotes.values()].sort((left, right) => right.groupPriorityMinimum - left.groupPriorityMinimum || (left.group < right.group ? -1 : 1));
    if (path === '/openapi/v2' && result?.is === 'json') {
      const { mergeOpenApi } = await import('./merge-openapi.ts');
      const documents = await Promise.all(remotes.map(async (remote) => (await remote.openApi()).version2()));
      let merged = result.body as JsonObject;
      for (const each of documents) if (each !== undefined) merged = mergeOpenApi(merged, each);
      return { ...result, body: merged };
    }
    if (path === '/openapi/v3' && result?.is === 'json') {
      const { paths } = result.body as { readonly paths: object };
      const indexes = await Promise.all(remotes.map(async (remote) => (await remote.openApi()).index()));
      return { ...result, body: { ...result.body, paths: Object.fromEntries(Object.entries(Object.assign({}, ...indexes.toReversed(), paths) as object).sort(([a], [b]) => (a < b ? -1 : 1))) } };
    }
    if (result !== undefined) return result;
    for (const remote of remotes) {
      const document = await (await remote.openApi()).document(path.slice('/openapi/v3/'.length));
      if (document === 'remote') return remote.isAvailable ? handedTo(remote, call) : remote.refusal;
      if (document !== undefined) return { is: 'json', code: 200, body: document };
    }
    return undefined;
  }

  #entries(): readonly RemoteEntry[] {
    return [...this.#remotes.values()].map(({ group, version, discovery, groupPriorityMinimum, versionPriority }) => ({ group, version, discovery, groupPriorityMinimum, versionPriority }));
  }

  #remoteOf({ isResource, group, version, path }: RequestInfo): RemoteVersion | undefined {
    if (isResource) return this.#remotes.get(`${group}/${version}`);
    const [, ownGroup, ownVersion] = /^\/apis\/([^/]+)\/([^/]+)\/?$/.exec(path) ?? [];
    return ownGroup === undefined ? undefined : this.#remotes.get(`${ownGroup}/${ownVersion ?? ''}`);
  }

  #follow(service: ServiceObject): void {
    const key = keyOf(service);
    const known = this.#remotes.get(key);
    if (service.spec.service === undefined) {
      if (known !== undefined) this.#drop(service);
      // What was served elsewhere until now still bears what was found out there.
      if (availableCondition(service)?.reason !== local.reason) this.#background(this.#sayLocal(service));
      return;
    }
    if (this.#remoteVersions === undefined) return this.#load();
    if (known?.leadsTo(service) === true) return known.seen(service);
    this.#drop(service);
    const { registry } = this.#dependencies;
    const remote = new this.#remoteVersions.RemoteVersion(service, { ...this.#dependencies, random: registry.random, metrics: this.#metrics });
    this.#remotes.set(key, remote);
    remote.poke();
  }

  #load(): void {
    if (this.#loading !== undefined) return;
    this.#loading = import('./remote-version.ts').then((loaded) => {
      this.#remoteVersions = loaded;
      if (!this.#isClosed) for (const service of this.#dependencies.objects.list(APIService)) this.#follow(service);
    });
    this.#background(this.#loading);
  }

  async #sayLocal(service: ServiceObject): Promise<void> {
    const { publishAvailability } = await import('./publish-availability.ts');
    await publishAvailability(this.#dependencies, this.#metrics, service, local);
  }

  #drop(service: ServiceObject): void {
    const key = keyOf(service);
    const known = this.#remotes.get(key);
    if (known === undefined) return;
    this.#remotes.delete(key);
    this.#background(known.close());
  }

  /** Waited for when everything ends. */
  #background(work: Promise<void>): void {
    const settled = work.catch((error: unknown) => this.#dependencies.registry.log.error({ error }, 'aggregation failed')).finally(() => this.#closing.splice(this.#closing.indexOf(settled), 1));
    this.#closing.push(settled);
  }

  /** A Service or its endpoints changed. */
  #touch({ metadata }: KubeObject, serviceName: string | undefined): void {
    for (const remote of this.#remotes.values()) {
      const { name, namespace } = remote.server.service.spec.service ?? {};
      if (namespace === metadata.namespace && name === serviceName) remote.poke();
    }
  }

  /** Changes that come while the last ones are being taken care of are taken care of together. */
  #syncCustom(): void {
    if (this.#isClosed) return;
    this.#customChanged = true;
    this.#work ??= this.#sync().finally(() => {
      this.#work = undefined;
      if (this.#customChanged) this.#syncCustom();
    });
  }

  async #sync(): Promise<void> {
    const { registry, admin } = this.#dependencies;
    // The events that woke us are told while the change is being taken in; what they led to is visible a moment later.
    await Promise.resolve();
    this.#customChanged = false;
    await import('./custom-services.ts').then(({ syncCustomServices }) => syncCustomServices(registry.objects, admin)).catch((error: unknown) => registry.log.error({ error }, 'the APIServices of custom kinds could not be written'));
  }
}

function handedTo(remote: RemoteVersion, { user }: ApiCall): ApiResult {
  return { is: 'upgrade', take: (request, response) => remote.server.forward(request, response, user) };
}

/** For components in this process (the namespace controller, the garbage collector), which speak no HTTP. */
async function answerInProcess(server: RemoteServer, call: ApiCall): Promise<ApiResult> {
  const { info, query, user, signal } = call;
  const methods: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETE' };
  const text = new URLSearchParams(Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))).toString();
  const path = `${info.path}${text === '' ? '' : `?${text}`}`;
  if (info.verb === 'watch') return (await import('./remote-watch.ts')).watchRemote(server, call, path);
  const body = call.body()?.json;
  const answer = await server.fetch(path, {
    user, method: methods[info.verb] ?? 'GET', signal, contentType: call.contentType, ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const document = parsed(answer.text);
  if (document === undefined) throw unavailable(answer.text.trim() || `the server answered ${answer.code}`);
  if (answer.code >= 400) throw StatusError.fromStatus(document);
  return { is: 'json', code: answer.code, body: document };
}

function parsed(text: string): object | undefined {
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}

function keyOf({ spec }: ServiceObject): string {
  return `${spec.group ?? ''}/${spec.version ?? ''}`;
}

/** What other API servers need to trust this one as their front proxy. Source: ConfigMap extension-apiserver-authentication. */
export function authenticationData({ clientCaPem, requestHeaders }: { readonly clientCaPem: string; readonly requestHeaders: RequestHeaderOptions | undefined }): Readonly<Record<string, string>> {
  return {
    'client-ca-file': clientCaPem,
    ...(requestHeaders !== undefined && {
      'requestheader-allowed-names': JSON.stringify(requestHeaders.allowedNames),
      'requestheader-client-ca-file': requestHeaders.caPem,
      'requestheader-extra-headers-prefix': JSON.stringify(requestHeaders.extraHeaderPrefixes),
      'requestheader-group-headers': JSON.stringify(requestHeaders.groupHeaders),
      'requestheader-uid-headers': JSON.stringify(requestHeaders.uidHeaders),
      'requestheader-username-headers': JSON.stringify(requestHeaders.usernameHeaders),
    }),
  };
}
