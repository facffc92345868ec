/** One APIService that names a Service: whether its server can be asked, and what it says it serves. */
import type { APIService as ServiceObject } from '#api/apiregistration/api-service.ts';
import { sameJson } from '#apimachinery/json.ts';
import { hasReason } from '#apimachinery/status-error.ts';
import { Backoff } from '#client/backoff.ts';
import type { Client } from '#client/client.ts';
import { hostPort } from '../proxy/egress.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import type { ApiResult } from '../request/api-call.ts';
import type { AggregationMetrics } from './aggregation-metrics.ts';
import type { Availability } from './availability.ts';
import { availableCondition, failedDiscovery, isSame, passed, unavailability } from './availability.ts';
import type { ServedVersion } from './merge-discovery.ts';
import { publishAvailability } from './publish-availability.ts';
import { fetchDiscovery, nothingServed } from './remote-discovery.ts';
import type { RemoteOpenApi } from './remote-openapi.ts';
import type { RemoteDependencies } from './remote-server.ts';
import { RemoteServer, failureText, serviceUnavailable } from './remote-server.ts';

export interface RemoteVersionDependencies extends RemoteDependencies {
  readonly registry: RegistryContext;
  /** Writes APIServices. */
  readonly admin: Client;
  readonly metrics: AggregationMetrics;
}

/** How often a server that answers is asked whether it still does, and for changes of what it serves. */
const checkIntervalMs = 30_000;
/** A server that does not answer is asked again soon, and less and less often. */
const retry = { initialMs: 50, maxMs: checkIntervalMs, factor: 2, jitter: 0.1 };
const discoveryTimeoutMs = 5_000;
/** As many endpoints as one check tries, at random: one that is gone need not be the one that requests come to. */
const maxAttempts = 5;

/** Checks until closed. The newest verdict stands in the APIService's condition. */
export class RemoteVersion {
  readonly server: RemoteServer;
  #service: ServiceObject;
  readonly #dependencies: RemoteVersionDependencies;
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  #availability: Availability | undefined;
  #discovery: ServedVersion;
  #work: Promise<void> | undefined;
  #openApi: Promise<RemoteOpenApi> | undefined;
  #isDue = false;
  #timer: { cancel(): void } | undefined;

  constructor(service: ServiceObject, dependencies: RemoteVersionDependencies) {
    this.server = new RemoteServer(service, dependencies);
    this.#service = service;
    this.#dependencies = dependencies;
    this.#backoff = new Backoff(retry, dependencies.random);
    // What has been found out before a restart, or by another API server, holds until the first check is over.
    this.#availability = availableCondition(service);
    this.#discovery = nothingServed(service.spec.version ?? '');
  }

  get group(): string {
    return this.server.service.spec.group ?? '';
  }
  get version(): string {
    return this.server.service.spec.version ?? '';
  }
  get groupPriorityMinimum(): number {
    return this.#service.spec.groupPriorityMinimum;
  }
  get versionPriority(): number {
    return this.#service.spec.versionPriority;
  }
  /** The answer to requests while it is not available. */
  get refusal(): ApiResult {
    return serviceUnavailable;
  }
  get isAvailable(): boolean {
    return this.#availability?.status === 'True';
  }
  /** What it serves, in the form of aggregated discovery; stale where it could not be asked lately. */
  get discovery(): ServedVersion {
    return this.#discovery;
  }

  /** Its documents of OpenAPI. What fetches and converts them is loaded with the first question. */
  openApi(): Promise<RemoteOpenApi> {
    const { registry } = this.#dependencies;
    return (this.#openApi ??= import('./remote-openapi.ts').then((module) => new module.RemoteOpenApi({ server: this.server, clock: registry.clock, isAvailable: () => this.isAvailable })));
  }

  /** Has it checked soon; checks that are asked for meanwhile become one. */
  poke(): void {
    if (this.#closing.signal.aborted) return;
    this.#isDue = true;
    this.#work ??= this.#run().finally(() => {
      this.#work = undefined;
      if (this.#isDue) this.poke();
    });
  }

  /** Whether this is still the way to its server: priorities may change while requests are under way. */
  leadsTo({ metadata, spec }: ServiceObject): boolean {
    const own = this.#service;
    const way = ({ service, caBundle, insecureSkipTLSVerify }: ServiceObject['spec']): object => ({ service, caBundle, insecureSkipTLSVerify });
    return own.metadata.uid === metadata.uid && sameJson(way(own.spec), way(spec));
  }

  /** The object has changed. Whoever has overwritten the condition is corrected. */
  seen(service: ServiceObject): void {
    this.#service = service;
    if (this.#work === undefined && this.#availability !== undefined && !isSame(availableCondition(service), this.#availability)) this.poke();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#isDue = false;
    this.#timer?.cancel();
    this.server.close();
    await this.#work;
  }

  async #run(): Promise<void> {
    const { registry } = this.#dependencies;
    this.#timer?.cancel();
    this.#isDue = false;
    // The events that woke us are told while the change is being taken in; what they led to is visible a moment later.
    await Promise.resolve();
    const availability = await this.#check();
    if (this.#closing.signal.aborted) return;
    if (availability.status === 'True') {
      this.#backoff.reset();
      // Before it is said to be available, so that whoever reads that finds it in discovery.
      this.#discovery = await this.#within((signal) => fetchDiscovery(this.server, signal)).catch(() => ({ ...this.#discovery, freshness: 'Stale' as const }));
    } else {
      this.#discovery = { ...this.#discovery, freshness: 'Stale' };
    }
    this.#availability = availability;
    await publishAvailability(this.#dependencies, this.#dependencies.metrics, this.server.service, availability).catch((error: unknown) => {
      // Whoever wrote in between is no reason to wait for the next turn.
      if (hasReason(error, 'Conflict')) this.#isDue = true;
      else registry.log.error({ error }, 'the availability of an APIService could not be written');
    });
    if (this.#closing.signal.aborted) return;
    this.#timer = registry.clock.after(availability.reason === 'FailedDiscoveryCheck' ? this.#backoff.nextMs() : checkIntervalMs, () => this.poke());
  }

  async #check(): Promise<Availability> {
    const { service, slices } = this.server.backing();
    const cannot = unavailability(this.server.service, service, slices);
    if (cannot !== undefined) return cannot;
    const path = this.group === '' ? `/api/${this.version}` : `/apis/${this.group}/${this.version}`;
    let message = '';
    const attempts = Math.min(Math.max(1, this.server.addresses().length), maxAttempts);
    for (let attempt = 0; attempt < attempts && !this.#closing.signal.aborted; attempt++) {
      const host = service?.spec.clusterIP ?? service?.spec.externalName ?? '';
      const url = `https://${hostPort({ host, port: this.server.service.spec.service?.port ?? 443 })}${path}`;
      try {
        // What it answers stays here, so it need not prove who it is; that the proxy demands.
        const { code } = await this.#within((signal) => this.server.fetch(path, { isUnverified: true, signal }));
        if (code >= 200 && code < 300) return passed;
        message = `failing or missing response from ${url}: bad status from ${url}: ${code}`;
      } catch (error) {
        message = `failing or missing response from ${url}: Get ${JSON.stringify(url)}: ${failureText(error)}`;
      }
    }
    return failedDiscovery(message);
  }

  async #within<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const deadline = new AbortController();
    const timer = this.#dependencies.registry.clock.after(discoveryTimeoutMs, () => deadline.abort());
    try {
      return await ask(AbortSignal.any([deadline.signal, this.#closing.signal]));
    } catch (error) {
      throw deadline.signal.aborted ? new Error('context deadline exceeded', { cause: error }) : error;
    } finally {
      timer.cancel();
    }
  }
}
