/** Runs what a controller declares: events become keys, keys are reconciled, outcomes decide when to look again. */
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { matchesLabels } from '#apimachinery/selector.ts';
import type { RunningComponent } from '#client/component.ts';
import { keyOf } from '#client/informer.ts';
import type { Controller, ControllerDeclaration, ControllerEnvironment, Outcome } from './controller.ts';
import { controllerOf, CountingLister, indexOwners } from './controller-lister.ts';
import { KeyLoop } from './key-loop.ts';
import { OwnWrites } from './own-writes.ts';

/**
 * A key that reads many objects pauses after each look by this much per object: what happens meanwhile is seen at one
 * go. It keeps an owner of thousands from being worked through again for every single change.
 */
const pauseMsPerObject = 0.02;
const maxPauseMs = 1000;
/** Below this no pause is worth a timer. */
const minPauseMs = 1;

/** A controller that can be started any number of times, each on its own. */
export function defineController<T extends KubeObject>(declaration: ControllerDeclaration<T>): Controller {
  return { name: declaration.name, start: (environment) => new ControllerRun(declaration, environment) };
}

class ControllerRun<T extends KubeObject> implements RunningComponent {
  readonly ready: Promise<void>;
  readonly #declaration: ControllerDeclaration<T>;
  readonly #environment: ControllerEnvironment;
  readonly #stop = new AbortController();
  /** All that may be read; synced before the first reconciliation. */
  readonly #kinds: ReadonlySet<ResourceKind>;
  readonly #loop: KeyLoop;
  readonly #ownWrites: OwnWrites;
  readonly #recorder;
  readonly #log;
  readonly #unsubscribe: (() => void)[] = [];

  constructor(declaration: ControllerDeclaration<T>, environment: ControllerEnvironment) {
    const { informers, clock, client, queueMetrics } = environment;
    this.#declaration = declaration;
    this.#environment = environment;
    this.#log = environment.log.child({ controller: declaration.name });
    this.#recorder = environment.recorderFor(declaration.component ?? declaration.name);
    this.#loop = new KeyLoop({
      name: declaration.name, clock, log: this.#log, queueMetrics, concurrency: declaration.concurrency, work: (key) => this.#work(key),
    });
    const kinds = (this.#kinds = new Set<ResourceKind>([
      declaration.for,
      ...(declaration.owns ?? []),
      ...(declaration.watches ?? []).map((watched) => watched.kind),
      ...(declaration.reads ?? []),
    ]));
    declaration.indexes?.(informers);
    this.#ownWrites = new OwnWrites({ client, informers, clock, signal: this.#stop.signal }, kinds);
    this.#subscribe();
    this.ready = Promise.all([...kinds].map((kind) => informers.for(kind).synced(this.#stop.signal))).then(() => this.#loop.start());
    this.ready.catch(() => {});
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error(`${this.#declaration.name} is closing`));
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await this.#loop.close();
    this.#ownWrites.close();
  }

  #subscribe(): void {
    const { informers } = this.#environment;
    const { matters, owns = [], watches = [] } = this.#declaration;
    const add = (key: string): void => this.#loop.add(key);
    this.#unsubscribe.push(
      informers.for(this.#declaration.for).addHandler({
        added: (object) => add(keyOf(object)),
        updated: (object, old) => {
          if (matters === undefined || matters(object, old)) add(keyOf(object));
        },
        deleted: (object) => add(keyOf(object)),
      }),
    );
    for (const kind of owns) {
      const informer = informers.for(kind);
      indexOwners(informer);
      this.#unsubscribe.push(
        informer.addHandler({
          added: (object) => this.#addOwnersOf(object),
          updated: (object, old) => {
            const was = controllerOf(old);
            if (was !== undefined && was.uid !== controllerOf(object)?.uid) this.#addOwnersOf(old);
            this.#addOwnersOf(object);
          },
          deleted: (object) => {
            if (controllerOf(object) !== undefined) this.#addOwnersOf(object);
          },
        }),
      );
    }
    const lister = new CountingLister(informers);
    for (const watched of watches) {
      const addAll = (object: KubeObject): void => {
        for (const key of watched.keysFor(object, lister)) add(key);
      };
      this.#unsubscribe.push(
        informers.for(watched.kind).addHandler({
          added: addAll,
          updated: (object, old) => {
            if (watched.matters !== undefined && !watched.matters(object, old)) return;
            addAll(object);
            addAll(old);
          },
          deleted: addAll,
        }),
      );
    }
  }

  /** The key of the object's controller; of an orphan, the keys of all that would adopt it. */
  #addOwnersOf(object: KubeObject): void {
    const { for: kind, selects } = this.#declaration;
    const { namespace } = object.metadata;
    const controller = controllerOf(object);
    if (controller !== undefined) {
      if (controller.kind !== kind.kind || controller.apiVersion.split('/')[0] !== kind.apiVersion.split('/')[0]) return;
      this.#loop.add(keyOf({ metadata: { name: controller.name, namespace: kind.scope === 'Namespaced' ? namespace : undefined } }));
      return;
    }
    if (selects === undefined || object.metadata.labels === undefined) return;
    for (const owner of this.#environment.informers.for(kind).list(namespace)) {
      const query = selects(owner);
      if (query !== undefined && matchesLabels(query, object.metadata.labels)) this.#loop.add(keyOf(owner));
    }
  }

  async #work(key: string): Promise<Outcome> {
    const lister = new CountingLister(this.#environment.informers, this.#kinds);
    const { client, seen } = this.#ownWrites.recorder();
    const { clock, random } = this.#environment;
    const { signal } = this.#stop;
    try {
      return await this.#declaration.reconcile(key, { lister, client, clock, random, recorder: this.#recorder, log: this.#log, signal });
    } finally {
      const pauseMs = Math.min(lister.count * pauseMsPerObject, maxPauseMs);
      this.#loop.hold(key, seen().then(() => (pauseMs >= minPauseMs && !signal.aborted ? clock.sleep(pauseMs, signal) : undefined)).catch(() => {}));
    }
  }
}
