/**
 * API servers behind this one: APIServices that name a Service are followed, checked, and their requests handed on.
 *
 * Source: Kubernetes documentation, "Kubernetes API Aggregation Layer".
 */
import type { APIService as ServiceObject, APIServiceCondition } from '#api/apiregistration/api-service.ts';
import { APIService } from '#api/apiregistration/api-service.ts';
import { CustomResourceDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import { Service } from '#api/core/service.ts';
import { EndpointSlice } from '#api/discovery/endpoint-slice.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { StatusError, badRequest, unavailable } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import type { PemPair } from '#pki/authority.ts';
import type { RequestHeaderOptions } from '../authn/request-headers.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import { nowText } from '../registry/registry-context.ts';
import type { ApiCall, ApiResult } from '../request/api-call.ts';
import type { RequestInfo } from '../request/request-info.ts';
import type { Availability } from './availability.ts';
import { checkAvailability } from './availability.ts';
import { customService, managedLabel, serviceName } from './local-services.ts';
import type { RemoteVersion } from './merge-discovery.ts';
import { discoveryVersion, mergeAggregated, mergeGroup, mergeGroups } from './merge-discovery.ts';
import type { RemoteDependencies } from './remote-server.ts';
import { RemoteServer } from './remote-server.ts';

export interface AggregationDependencies extends RemoteDependencies {
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

interface Remote {
  readonly server: RemoteServer;
  availability: Availability | undefined;
  discovery: RemoteVersion['discovery'];
}

/** How often a server that says nothing is asked whether it is there. */
const checkIntervalMs = 30_000;

export class Aggregation {
  readonly #dependencies: AggregationDependencies;
  /** By `group/version`. */
  readonly #remotes = new Map<string, Remote>();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #pending = new Set<string>();
  #work: Promise<void> | undefined;
  #customChanged = false;
  #timer: { cancel(): void } | undefined;
  #isClosed = false;

  constructor(dependencies: AggregationDependencies) {
    this.#dependencies = dependencies;
  }

  start(): void {
    const { registry } = this.#dependencies;
    const { cache, objects } = registry;
    for (const service of objects.list(APIService)) this.#follow(service);
    this.#unsubscribe.push(
      cache.of(APIService).subscribe(({ type, current }) => {
        if (type === 'DELETED') this.#drop(current.object);
        else this.#follow(current.object);
      }),
      cache.of(Service).subscribe(({ current }) => this.#touch(current.object)),
      cache.of(EndpointSlice).subscribe(({ current }) => this.#touch(current.object)),
      cache.of(CustomResourceDefinition).subscribe(() => {
        this.#customChanged = true;
        this.#wake();
      }),
    );
    if ([...objects.list(CustomResourceDefinition)].length > 0) this.#customChanged = true;
    this.#wake();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const stop of this.#unsubscribe) stop();
    for (const { server } of this.#remotes.values()) server.close();
    await this.#work;
  }

  /** Whether the request is for another server to answer; its body is not read here. */
  isRemote(info: RequestInfo): boolean {
    return this.#remotes.size > 0 && this.#remoteOf(info) !== undefined;
  }

  /** What to do with such a request. Throws a 503 when the server is not available. */
  async pass(call: ApiCall): Promise<ApiResult> {
    const remote = this.#remoteOf(call.info);
    if (remote === undefined || remote.availability?.status !== 'True') throw unavailable('service unavailable');
    if (call.isInProcess === true) return this.#answerInProcess(remote.server, call);
    return { is: 'upgrade', take: (request, response) => remote.server.forward(request, response, call.user) };
  }

  /** Discovery and the index of OpenAPI with what other servers serve; other documents as they are. */
  extend({ info }: ApiCall, result: ApiResult | undefined): ApiResult | undefined {
    if (this.#remotes.size === 0 || (result !== undefined && result.is !== 'json')) return result;
    const body = this.#extended(info.path.replace(/\/$/, ''), result?.body, result?.headers?.['content-type']?.includes('APIGroupDiscoveryList') === true);
    if (body === result?.body || body === undefined) return result;
    return { ...(result ?? { is: 'json', code: 200 }), body };
  }

  #extended(path: string, document: object | undefined, isAggregated: boolean): object | undefined {
    const versions = this.#versions();
    if (path === '/apis' && document !== undefined) return isAggregated ? mergeAggregated(document, versions) : mergeGroups(document, versions);
    if (path === '/openapi/v3' && document !== undefined) {
      const { paths } = document as { readonly paths: object };
      const remote = versions.map(({ group, version }) => [`apis/${group}/${version}`, { serverRelativeURL: `/openapi/v3/apis/${group}/${version}` }]);
      return { ...document, paths: { ...paths, ...Object.fromEntries(remote) } };
    }
    const group = /^\/apis\/([^/]+)$/.exec(path)?.[1];
    return group === undefined ? document : mergeGroup(document, group, versions);
  }

  #versions(): readonly RemoteVersion[] {
    return [...this.#remotes.values()].map(({ server, discovery, availability }) => ({
      group: server.service.spec.group ?? '', version: server.service.spec.version ?? '',
      discovery: { ...discovery, freshness: availability?.status === 'True' ? 'Current' : 'Stale' },
    }));
  }

  #remoteOf({ isResource, group, version, path }: RequestInfo): Remote | undefined {
    if (isResource) return this.#remotes.get(`${group}/${version}`);
    const [, , ownGroup, ownVersion] = /^\/(apis|openapi\/v3\/apis)\/([^/]+)\/([^/]+)\/?$/.exec(path) ?? [];
    return ownGroup === undefined ? undefined : this.#remotes.get(`${ownGroup}/${ownVersion ?? ''}`);
  }

  /** For components in this process (the namespace controller above all), which speak no HTTP. Watches are not handed on. */
  async #answerInProcess(server: RemoteServer, call: ApiCall): Promise<ApiResult> {
    const { info, query, user, signal } = call;
    if (info.verb === 'watch') throw badRequest('a watch of an aggregated API needs a connection of its own');
    const methods: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETE' };
    const text = new URLSearchParams(Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))).toString();
    const body = call.body()?.json;
    const answer = await server.fetch(`${info.path}${text === '' ? '' : `?${text}`}`, {
      user, method: methods[info.verb] ?? 'GET', signal, contentType: call.contentType, ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const document = JSON.parse(answer.text) as object;
    if (answer.code >= 400) throw StatusError.fromStatus(document);
    return { is: 'json', code: answer.code, body: document };
  }

  #follow(service: ServiceObject): void {
    const key = keyOf(service);
    const known = this.#remotes.get(key);
    if (service.spec.service === undefined) {
      if (known !== undefined) this.#drop(service);
      return;
    }
    // Its status is our own doing.
    if (known !== undefined && known.server.service.metadata.uid === service.metadata.uid && JSON.stringify(known.server.service.spec) === JSON.stringify(service.spec)) return;
    known?.server.close();
    this.#remotes.set(key, { server: new RemoteServer(service, this.#dependencies), availability: undefined, discovery: discoveryVersion(service.spec.version ?? '', [], 'Stale') });
    this.#pending.add(key);
    this.#wake();
  }

  #drop(service: ServiceObject): void {
    this.#remotes.get(keyOf(service))?.server.close();
    this.#remotes.delete(keyOf(service));
    if (service.metadata.labels?.[managedLabel] === 'true') this.#customChanged = true;
    this.#wake();
  }

  /** A Service or its endpoints changed. */
  #touch({ metadata }: KubeObject): void {
    for (const [key, { server }] of this.#remotes) {
      const { name, namespace } = server.service.spec.service ?? {};
      if (namespace === metadata.namespace && (name === metadata.name || name === metadata.labels?.['kubernetes.io/service-name'])) this.#pending.add(key);
    }
    if (this.#pending.size > 0) this.#wake();
  }

  #wake(): void {
    if (this.#isClosed) return;
    this.#work ??= this.#run().finally(() => {
      this.#work = undefined;
      if (this.#pending.size > 0 || this.#customChanged) this.#wake();
    });
  }

  async #run(): Promise<void> {
    const { log } = this.#dependencies.registry;
    // The events that woke us are told while the change is being taken in; what they led to is visible a moment later.
    await Promise.resolve();
    try {
      if (this.#customChanged) {
        this.#customChanged = false;
        await this.#syncCustom();
      }
      for (const key of this.#pending) {
        this.#pending.delete(key);
        await this.#check(key);
        if (this.#isClosed) return;
      }
    } catch (error) {
      log.error({ error }, 'aggregation failed');
    }
    this.#timer?.cancel();
    if (this.#remotes.size > 0) this.#timer = this.#dependencies.registry.clock.after(checkIntervalMs, () => {
      for (const key of this.#remotes.keys()) this.#pending.add(key);
      this.#wake();
    });
  }

  async #check(key: string): Promise<void> {
    const remote = this.#remotes.get(key);
    if (remote === undefined) return;
    const { registry, admin } = this.#dependencies;
    const { server } = remote;
    const availability = await checkAvailability(server, registry.clock);
    if (availability.status === 'True') remote.discovery = await discoveryOf(server).catch(() => remote.discovery);
    remote.availability = availability;
    const { name } = server.service.metadata;
    const current = registry.objects.get(APIService, name);
    const before = current?.status.conditions?.find(({ type }) => type === 'Available');
    if (current === undefined || (before?.status === availability.status && before.reason === availability.reason && before.message === availability.message)) return;
    const condition: APIServiceCondition = {
      type: 'Available', ...availability,
      lastTransitionTime: before !== undefined && before.status === availability.status ? before.lastTransitionTime : nowText(registry.clock),
    };
    const others = (current.status.conditions ?? []).filter(({ type }) => type !== 'Available');
    // Whoever wrote in between has woken us again.
    await admin.updateStatus(APIService, { ...current, status: { ...current.status, conditions: [...others, condition] } }).catch((error: unknown) => {
      if (!(error instanceof StatusError)) throw error;
    });
  }

  /** Versions of custom kinds have an APIService as long as a definition serves them. */
  async #syncCustom(): Promise<void> {
    const { registry, admin } = this.#dependencies;
    const wanted = new Map<string, readonly [group: string, version: string]>();
    for (const { spec, status, metadata } of registry.objects.list(CustomResourceDefinition)) {
      const isEstablished = (status.conditions ?? []).some(({ type, status: now }) => type === 'Established' && now === 'True');
      if (!isEstablished || metadata.deletionTimestamp !== undefined) continue;
      for (const { name, served } of spec.versions) if (served) wanted.set(serviceName({ group: spec.group, version: name }), [spec.group, name]);
    }
    const tolerate = (error: unknown): void => {
      if (!(error instanceof StatusError)) throw error;
    };
    for (const service of registry.objects.list(APIService)) {
      const { name, labels } = service.metadata;
      if (labels?.[managedLabel] === 'true' && service.spec.service === undefined && !wanted.has(name)) await admin.delete(APIService, { name }).catch(tolerate);
      wanted.delete(name);
    }
    for (const [group, version] of wanted.values()) await admin.create(APIService, customService(group, version)).catch(tolerate);
  }
}

async function discoveryOf(server: RemoteServer): Promise<RemoteVersion['discovery']> {
  const { group = '', version = '' } = server.service.spec;
  const { text } = await server.fetch(`/apis/${group}/${version}`);
  const { resources } = JSON.parse(text) as { readonly resources: Parameters<typeof discoveryVersion>[1] };
  return discoveryVersion(version, resources, 'Current');
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
