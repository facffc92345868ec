/**
 * A client that remembers what it wrote until the local copies show it. This takes the place of Kubernetes'
 * "expectations": instead of counting events, it compares versions, so nothing can be miscounted.
 */
import type { Clock } from '#base/clock.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { Client, ObjectKey } from '#client/client.ts';
import type { SharedInformers } from '#client/informer.ts';
import { keyOf } from '#client/informer.ts';

/** A watch that brought nothing for so long is broken: act on what is known. Kubernetes waits as long. */
const maxWaitMs = 300_000;

export interface OwnWritesDependencies {
  readonly client: Client;
  readonly informers: SharedInformers;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Of one controller. `watched` are the kinds whose local copies it acts on; writes of other kinds are not waited for. */
export class OwnWrites {
  readonly #dependencies: OwnWritesDependencies;
  readonly #watched: ReadonlySet<ResourceKind>;
  /** Deletions of which the local copy still shows the object alive, by its UID. */
  readonly #deletions = new Map<string, () => void>();
  readonly #unsubscribe: (() => void)[] = [];

  constructor(dependencies: OwnWritesDependencies, watched: Iterable<ResourceKind>) {
    this.#dependencies = dependencies;
    this.#watched = new Set(watched);
    for (const kind of this.#watched) {
      this.#unsubscribe.push(dependencies.informers.for(kind).addHandler({
        updated: (object) => {
          if (object.metadata.deletionTimestamp !== undefined) this.#deletions.get(object.metadata.uid)?.();
        },
        deleted: (object) => this.#deletions.get(object.metadata.uid)?.(),
      }));
    }
  }

  /** Hears of nothing any more. */
  close(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }

  /** A client for one reconciliation, and how to wait until all it wrote is seen. */
  recorder(): { readonly client: Client; readonly seen: () => Promise<void> } {
    const { client, informers } = this.#dependencies;
    const versions = new Map<ResourceKind, string>();
    const deletions: Promise<void>[] = [];

    const wrote = <T extends KubeObject>(kind: ResourceKind<T>, object: T): T => {
      if (!this.#watched.has(kind)) return object;
      const version = object.metadata?.resourceVersion;
      const last = versions.get(kind);
      if (version !== undefined && (last === undefined || Number(version) > Number(last))) versions.set(kind, version);
      return object;
    };

    const recording: Client = {
      ...client,
      create: async (kind, object, options) => wrote(kind, await client.create(kind, object, options)),
      update: async (kind, object, options) => wrote(kind, await client.update(kind, object, options)),
      updateStatus: async (kind, object, options) => wrote(kind, await client.updateStatus(kind, object, options)),
      updateSubresource: async (kind, object, subresource, options) => wrote(kind, await client.updateSubresource(kind, object, subresource, options)),
      patch: async (kind, key, patch, options) => wrote(kind, await client.patch(kind, key, patch, options)),
      apply: async (kind, object, options) => wrote(kind, await client.apply(kind, object, options)),
      delete: async (kind, key, options) => {
        await client.delete(kind, key, options);
        if (this.#watched.has(kind)) deletions.push(this.#deletionSeen(kind, key));
      },
    };
    const seen = async (): Promise<void> => {
      const waits = [...versions].map(([kind, version]) => {
        const informer = informers.for(kind);
        return informer.hasReached(version) ? undefined : informer.reached(version, this.#dependencies.signal);
      });
      const open = [...waits.filter((wait) => wait !== undefined), ...deletions];
      if (open.length > 0) await this.#atMost(Promise.all(open));
    };
    return { client: recording, seen };
  }

  #deletionSeen<T extends KubeObject>(kind: ResourceKind<T>, { namespace, name }: ObjectKey): Promise<void> {
    const object = this.#dependencies.informers.for(kind).get(keyOf({ metadata: { namespace, name } }));
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return Promise.resolve();
    const { uid } = object.metadata;
    return new Promise((resolve) => {
      this.#deletions.set(uid, () => {
        this.#deletions.delete(uid);
        resolve();
      });
    });
  }

  async #atMost(waiting: Promise<unknown>): Promise<void> {
    const { clock, signal } = this.#dependencies;
    const stop = new AbortController();
    const limit = clock.sleep(maxWaitMs, AbortSignal.any([signal, stop.signal])).catch(() => {});
    await Promise.race([waiting.catch(() => {}), limit]);
    stop.abort();
  }
}
