import type { Registry } from 'prom-client';
import type { Clock } from '#base/clock.ts';
import type { Store } from '#store/store.ts';
import type { VersionInfo } from '../documents/version.ts';
import type { ServedKinds } from '../request/served-kinds.ts';
import { AdmissionMetrics } from '../admission/admission-metrics.ts';
import { WebhookMetrics } from '../admission/webhooks/webhook-metrics.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import { StoreMetrics } from './measured-store.ts';
import { RequestMetrics } from './request-metrics.ts';
import { gaugeText } from './series.ts';

export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

/** All metrics of the API server. What has to be counted is counted from the start, the rest is looked up when asked for. */
export class ApiMetrics {
  readonly requests: RequestMetrics;
  readonly store = new StoreMetrics();
  readonly admission = new AdmissionMetrics();
  readonly webhooks = new WebhookMetrics();
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #version: VersionInfo;
  #process: Registry | undefined;

  /** `signal` ends what runs beside: the probe of the event loop. */
  constructor({ clock, signal, version }: { readonly clock: Clock; readonly signal: AbortSignal; readonly version: VersionInfo }) {
    this.#clock = clock;
    this.#signal = signal;
    this.#version = version;
    this.requests = new RequestMetrics(clock);
  }

  /** The answer to GET /metrics. */
  async text({ kinds, cache, store }: { readonly kinds: ServedKinds; readonly cache: WatchCache; readonly store: Store }): Promise<string> {
    const { gitVersion, gitCommit, major, minor, platform } = this.#version;
    const objects = kinds.all().filter((kind) => kind.convertedFrom === undefined && kind.verbs.includes('list'));
    const { bytes } = await store.size();
    return [
      this.requests.text(),
      this.store.text(),
      this.admission.text(),
      this.webhooks.text(),
      gaugeText('apiserver_storage_objects', 'Number of stored objects at the time of last check split by kind.', objects.map((kind) => [{ resource: kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}` }, cache.of(kind).size])),
      gaugeText('apiserver_resource_objects', 'Number of stored objects at the time of last check split by kind.', objects.map((kind) => [{ group: kind.group, resource: kind.plural }, cache.of(kind).size])),
      gaugeText('apiserver_storage_size_bytes', 'Size of the storage database file physically allocated in bytes.', [[{ storage_cluster_id: 'etcd-0' }, bytes]]),
      gaugeText('kubernetes_build_info', 'A metric with a constant \'1\' value labeled by what the binary was built from.', [[{ git_version: gitVersion, git_commit: gitCommit, major, minor, platform }, 1]]),
      await (await this.#processMetrics()).metrics(),
    ].join('');
  }

  /** From the first reading on the event loop is probed, and the library loaded: a server that nobody watches pays nothing. */
  async #processMetrics(): Promise<Registry> {
    if (this.#process === undefined) {
      const [prometheus, { registerProcessMetrics }] = await Promise.all([import('prom-client'), import('#serving/process-metrics.ts')]);
      const registry = new prometheus.Registry();
      // Another reading may have come first.
      if (this.#process === undefined) registerProcessMetrics({ registry, clock: this.#clock, signal: this.#signal });
      this.#process ??= registry;
    }
    return this.#process;
  }
}
