import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { Client } from '#client/client.ts';
import type { Informer, SharedInformers } from '#client/informer.ts';
import { createSharedInformers } from '#client/shared-informers.ts';

export interface ObjectWatchDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The object has appeared, changed or gone; these are the holders that want to know. */
  readonly onChange: (holders: Iterable<string>) => void;
}

interface Watched {
  readonly informers: SharedInformers;
  readonly informer: Informer<KubeObject>;
  readonly holders: Set<string>;
}

/**
 * Single objects watched for as long as somebody holds them: a node may read only the ConfigMaps and Secrets of its own
 * pods, each by name.
 */
export class ObjectWatch {
  readonly #dependencies: ObjectWatchDependencies;
  readonly #watched = new Map<string, Watched>();

  constructor(dependencies: ObjectWatchDependencies) {
    this.#dependencies = dependencies;
  }

  /** The object as it is known now, after the first answer; undefined when there is none. It stays watched for `holder`. */
  async get<T extends KubeObject>(kind: ResourceKind<T>, namespace: string, name: string, holder: string): Promise<T | undefined> {
    const id = `${kind.plural}/${namespace}/${name}`;
    let watched = this.#watched.get(id);
    if (watched === undefined) {
      watched = this.#watch(kind, namespace, name);
      this.#watched.set(id, watched);
    }
    watched.holders.add(holder);
    await watched.informer.synced();
    return watched.informer.get(`${namespace}/${name}`) as T | undefined;
  }

  /** Ends what nobody else holds. */
  async release(holder: string): Promise<void> {
    const idle: Promise<void>[] = [];
    for (const [id, { holders, informers }] of this.#watched) {
      if (!holders.delete(holder) || holders.size > 0) continue;
      this.#watched.delete(id);
      idle.push(informers.close());
    }
    await Promise.all(idle);
  }

  async close(): Promise<void> {
    const all = [...this.#watched.values()];
    this.#watched.clear();
    await Promise.all(all.map(({ informers }) => informers.close()));
  }

  #watch<T extends KubeObject>(kind: ResourceKind<T>, namespace: string, name: string): Watched {
    const informers = createSharedInformers(this.#dependencies);
    const informer = informers.for(kind, { namespace, fieldSelector: `metadata.name=${name}` }) as unknown as Informer<KubeObject>;
    const holders = new Set<string>();
    const tell = (): void => {
      if (informer.hasSynced) this.#dependencies.onChange(holders);
    };
    informer.addHandler({ added: tell, updated: tell, deleted: tell });
    return { informers, informer, holders };
  }
}
