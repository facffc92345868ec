/**
 * How controllers are written: a kind to look after, what else to look at, and one function that makes one object right.
 * Queue, retries, waiting for own writes, metrics and leader election are the framework's.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { LabelQuery } from '#apimachinery/selector.ts';
import type { Client } from '#client/client.ts';
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { ControllerLister } from './controller-lister.ts';
import type { QueueMetricsSource } from './queue-metrics.ts';

/** What came of a reconciliation. A throw is the third outcome: try again later. */
export type Outcome = { readonly is: 'done' } | { readonly is: 'recheck'; readonly afterMs: number };

/** All is well until something changes. */
export const done: Outcome = Object.freeze({ is: 'done' });

/** Something falls due in `ms` without any object changing. Infinity and undefined: `done`. */
export function recheckAfter(ms: number | undefined): Outcome {
  return ms === undefined || ms === Infinity ? done : { is: 'recheck', afterMs: ms };
}

/** What a reconciliation works with. */
export interface ReconcileContext {
  /** Reads of local copies; what they cost is counted, and a key that reads much is looked at less often. */
  readonly lister: ControllerLister;
  /**
   * Writes, and reads that must not be stale. Whatever is written through it is seen by `lister` before the same key is
   * reconciled again, so a plan never acts twice on what it did already.
   */
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Looks at objects of another kind: which keys does a change of one concern? Called for the new and the old state. */
export interface Watch<T extends KubeObject = KubeObject> {
  readonly kind: ResourceKind<T>;
  keysFor(object: T, lister: ControllerLister): Iterable<string>;
  /** Whether a change matters. Default: every change. */
  matters?(object: T, old: T): boolean;
}

/** A watch whose parts are typed by the kind. */
export function watch<T extends KubeObject>(kind: ResourceKind<T>, keysFor: NoInfer<Watch<T>['keysFor']>, matters?: NoInfer<Watch<T>['matters']>): Watch {
  const typed: Watch<T> = { kind, keysFor, ...(matters !== undefined && { matters }) };
  return typed;
}

export interface ControllerDeclaration<T extends KubeObject> {
  /** As `--controllers` has it: replicaset-controller. */
  readonly name: string;
  /** Who signs the events. Default: the name. */
  readonly component?: string;
  readonly for: ResourceKind<T>;
  /** Whether a change of an object of `for` matters. Default: every change. */
  readonly matters?: (object: T, old: T) => boolean;
  /** Kinds whose objects have a `for` object as controller; a change of one concerns its owner. */
  readonly owns?: readonly ResourceKind[];
  /** Where orphans of the owned kinds may be adopted: which ones the owner selects. undefined: none. */
  readonly selects?: (owner: T) => LabelQuery | undefined;
  readonly watches?: readonly Watch[];
  /** Kinds that are read but whose changes concern no key. */
  readonly reads?: readonly ResourceKind[];
  /** Prepares indexes on the listers. */
  readonly indexes?: (informers: ComponentContext['informers']) => void;
  /** Keys worked on at once. Default: 5. */
  readonly concurrency?: number;
  /** Makes the object at `key` right. It may be gone: `lister.get` tells. */
  readonly reconcile: (key: string, context: ReconcileContext) => Promise<Outcome>;
}

/** What controllers share in a process. */
export interface ControllerEnvironment extends ComponentContext {
  readonly queueMetrics?: QueueMetricsSource | undefined;
}

/** A controller that can be started; `defineController` makes most of them. */
export interface Controller {
  readonly name: string;
  start(environment: ControllerEnvironment): RunningComponent;
}
