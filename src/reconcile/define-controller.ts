/** Runs what a controller declares: events become keys, keys are reconciled, outcomes decide when to look again. */
import { setImmediate as onNextTurn } from 'node:timers';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { matchesLabels } from '#apimachinery/selector.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { RunningComponent } from '#client/component.ts';
import { keyOf } from '#client/informer.ts';
import type { Controller, ControllerDeclaration, ControllerEnvironment, Outcome } from './controller.ts';
import { controllerOf, CountingLister, indexOwners } from './controller-lister.ts';
import { OwnWrites } from './own-writes.ts';
import { WorkQueue } from './work-queue.ts';

const defaultConcurrency = 5;
/** Reconciliations started in one turn of the event loop; more wait for the next, so that others get a word in. */
const startsPerTurn = 20;
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

type Result = Outcome | { readonly is: 'failed'; readonly error: unknown };

class ControllerRun<T extends KubeObject> implements RunningComponent {
  readonly ready: Promise<void>;
  readonly #declaration: ControllerDeclaration<T>;
  readonly #environment: ControllerEnvironment;
  readonly #stop = new AbortController();
  readonly #queue: WorkQueue;
  readonly #ownWrites: OwnWrites;
  readonly #recorder;
  readonly #log;
  readonly #unsubscribe: (() => void)[] = [];
  readonly #active = new Set<Promise<void>>();
  readonly #unpaused = new Set<() => void>();
  #isReady = false;
  #startsLeft = startsPerTurn;

  constructor(declaration: ControllerDeclaration<T>, environment: ControllerEnvironment) {
    const { informers, clock, client, queueMetrics } = environment;
    this.#declaration = declaration;
    this.#environment = environment;
    this.#log = environment.log.child({ controller: declaration.name });
    this.#recorder = environment.recorderFor(declaration.component ?? declaration.name);
    this.#queue = new WorkQueue({
      clock,
      onReady: () => this.#pump(),
      metrics: queueMetrics?.forQueue(declaration.name, () => this.#queue.unfinished()),
    });
    const kinds = new Set<ResourceKind>([
      declaration.for,
      ...(declaration.owns ?? []),
      ...(declaration.watches ?? []).map((watched) => watched.kind),
      ...(declaration.reads ?? []),
    ]);
    declaration.indexes?.(informers);
    this.#ownWrites = new OwnWrites({ client, informers, clock, signal: this.#stop.signal }, kinds);
    this.#subscribe();
    this.ready = Promise.all([...kinds].map((kind) => informers.for(kind).synced(this.#stop.signal))).then(() => {
      this.#isReady = true;
      this.#pump();
    });
    this.ready.catch(() => {});
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error(`${this.#declaration.name} is closing`));
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#queue.close();
    for (const unpause of this.#unpaused) unpause();
    await Promise.allSettled(this.#active);
  }

  #subscribe(): void {
    const { informers } = this.#environment;
    const { matters, owns = [], watches = [] } = this.#declaration;
    const add = (key: string): void => this.#queue.add(key);
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
      this.#queue.add(keyOf({ metadata: { name: controller.name, namespace: kind.scope === 'Namespaced' ? namespace : undefined } }));
      return;
    }
    if (selects === undefined || object.metadata.labels === undefined) return;
    for (const owner of this.#environment.informers.for(kind).list(namespace)) {
      const query = selects(owner);
      if (query !== undefined && matchesLabels(query, object.metadata.labels)) this.#queue.add(keyOf(owner));
    }
  }

  #pump(): void {
    if (!this.#isReady || this.#stop.signal.aborted) return;
    const concurrency = this.#declaration.concurrency ?? defaultConcurrency;
    while (this.#active.size < concurrency && this.#startsLeft > 0) {
      const key = this.#queue.take();
      if (key === undefined) return;
      if (this.#startsLeft === startsPerTurn) {
        onNextTurn(() => {
          this.#startsLeft = startsPerTurn;
          this.#pump();
        });
      }
      this.#startsLeft--;
      const work = this.#work(key).finally(() => {
        this.#active.delete(work);
        this.#pump();
      });
      this.#active.add(work);
    }
  }

  async #work(key: string): Promise<void> {
    const lister = new CountingLister(this.#environment.informers);
    const { client, seen } = this.#ownWrites.recorder();
    const { clock, random } = this.#environment;
    let result: Result;
    try {
      result = await this.#declaration.reconcile(key, { lister, client, clock, random, recorder: this.#recorder, log: this.#log, signal: this.#stop.signal });
    } catch (error) {
      result = { is: 'failed', error };
    }
    this.#settle(key, result);
    // The key stays taken until its own writes are seen; others need not wait for that.
    void this.#release(key, seen, Math.min(lister.count * pauseMsPerObject, maxPauseMs));
  }

  async #release(key: string, seen: () => Promise<void>, pauseMs: number): Promise<void> {
    await seen();
    if (pauseMs >= minPauseMs && !this.#stop.signal.aborted) await this.#pause(pauseMs);
    this.#queue.done(key);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const unpause = (): void => {
        timer.cancel();
        this.#unpaused.delete(unpause);
        resolve();
      };
      const timer = this.#environment.clock.after(ms, unpause);
      this.#unpaused.add(unpause);
    });
  }

  /** When to look at the key again: the whole retry policy. */
  #settle(key: string, result: Result): void {
    switch (result.is) {
      case 'done':
        this.#queue.forget(key);
        break;
      case 'recheck':
        this.#queue.forget(key);
        this.#queue.addAfter(key, result.afterMs);
        break;
      case 'failed':
        if (this.#stop.signal.aborted || isHopeless(result.error)) {
          this.#queue.forget(key);
          break;
        }
        this.#log.debug({ key, error: result.error, attempt: this.#queue.failures(key) + 1 }, 'reconciliation failed, trying again');
        this.#queue.addRateLimited(key);
        break;
    }
  }
}

/** Nothing can be created in a namespace that is going away; its deletion will be heard of. */
function isHopeless(error: unknown): boolean {
  return error instanceof StatusError && error.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') === true;
}
