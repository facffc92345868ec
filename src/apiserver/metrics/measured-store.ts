import type { Clock } from '#base/clock.ts';
import { storeOver } from '#store/store-over.ts';
import type { Store } from '#store/store.ts';
import type { Distribution } from './series.ts';
import { Distributions, labelText } from './series.ts';

/** Seconds; upstream's. */
const bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

/** What the store costs. Source: Kubernetes metrics reference, `etcd_request_duration_seconds`. */
export class StoreMetrics {
  readonly #durations = new Distributions('etcd_request_duration_seconds', 'Etcd request latency in seconds for each operation and object type.', bounds);

  /** As many as there are resources and operations. */
  readonly #known = new Map<string, Distribution>();

  text(): string {
    return this.#durations.text();
  }

  /** The same store, with its reads and writes timed. */
  measured(store: Store, clock: Clock): Store {
    const timed = <T>(operation: string, key: string, work: Promise<T>): Promise<T> => {
      const startedMs = clock.monotonicMs();
      const note = (): void => this.#distribution(operation, key).observe((clock.monotonicMs() - startedMs) / 1000);
      // Beside the caller's own chain: it is not held up by the bookkeeping.
      work.then(note, note);
      return work;
    };
    return storeOver(store, {
      get: (...given) => timed('get', given[0], store.get(...given)),
      range: (...given) => timed('list', given[0], store.range(...given)),
      put: (...given) => timed('absent' in given[2] ? 'create' : 'update', given[0], store.put(...given)),
      delete: (...given) => timed('delete', given[0], store.delete(...given)),
      transaction: (writes) => timed('transaction', writes[0]?.key ?? '', store.transaction(writes)),
    });
  }

  /** The resource stands second in the key: `/registry/pods/...`. */
  #distribution(operation: string, key: string): Distribution {
    const start = key.indexOf('/', 1) + 1;
    const end = key.indexOf('/', start);
    const type = key.slice(start, end < 0 ? undefined : end);
    const id = `${operation} ${type}`;
    let found = this.#known.get(id);
    if (found === undefined) {
      found = this.#durations.of(labelText({ operation, type }));
      this.#known.set(id, found);
    }
    return found;
  }
}
