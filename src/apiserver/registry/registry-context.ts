import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { Store } from '#store/store.ts';
import type { AdmissionMetrics } from '../admission/admission-metrics.ts';
import type { AdmissionPlugin, ObjectReader } from '../admission/admission.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import { registryPrefix } from '../watch-cache/watch-cache.ts';
import type { Allocator } from './allocator.ts';

/** What everything that reads and writes stored objects is handed. */
export interface RegistryContext {
  readonly store: Store;
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** In the order of execution. */
  readonly admission: readonly AdmissionPlugin[];
  /** Counts what it costs. Default: nobody does. */
  readonly admissionMetrics?: AdmissionMetrics;
  readonly objects: ObjectReader;
  /** Whether watches may begin with the state of things, as streaming lists. Default: they may. */
  readonly streamsLists?: boolean | undefined;
  /** How long a watch lasts at least that does not say; at most twice as long. Default: half an hour. */
  readonly minWatchSeconds?: number | undefined;
  /** Gives objects what there is only so much of. Default: nobody takes anything. */
  readonly allocator?: Allocator;
}

/** `/registry/pods/default/web-0`. Source: Kubernetes' layout in etcd. */
export function storeKey(kind: ResourceKind, namespace: string, name: string): string {
  return kind.scope === 'Namespaced'
    ? `${registryPrefix}${kind.storePrefix}/${namespace}/${name}`
    : `${registryPrefix}${kind.storePrefix}/${name}`;
}

/** What the keys of a resource, or of one namespace of it, start with. */
export function storePrefix(kind: ResourceKind, namespace: string): string {
  return kind.scope === 'Namespaced' && namespace !== ''
    ? `${registryPrefix}${kind.storePrefix}/${namespace}/`
    : `${registryPrefix}${kind.storePrefix}/`;
}

/** Reads objects out of the watch cache. */
export function objectReader(cache: WatchCache): ObjectReader {
  return {
    get<T extends KubeObject>(kind: ResourceKind<T>, name: string, namespace = ''): T | undefined {
      return cache.of(kind).get(storeKey(kind, namespace, name))?.object;
    },
    *list<T extends KubeObject>(kind: ResourceKind<T>, namespace = ''): Generator<T> {
      for (const cached of cache.of(kind).range(storePrefix(kind, namespace))) yield cached.object;
    },
  };
}

/** Now, as metadata writes it: UTC, whole seconds. */
export function nowText(clock: Clock, plusSeconds = 0): string {
  return `${new Date(clock.nowMs() + plusSeconds * 1000).toISOString().slice(0, 19)}Z`;
}
