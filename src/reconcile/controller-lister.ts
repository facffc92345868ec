/** Local reads across kinds, with the lookups that controllers share. */
import { assert } from '#base/assert.ts';
import type { KubeObject, OwnerReference } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import type { LabelSelector } from '#apimachinery/label-selector.ts';
import type { LabelQuery } from '#apimachinery/selector.ts';
import { labelSelectorFrom } from '#apimachinery/selector.ts';
import type { Informer, SharedInformers } from '#client/informer.ts';

export interface ControllerLister {
  get<T extends KubeObject>(kind: ResourceKind<T>, key: string): T | undefined;
  list<T extends KubeObject>(kind: ResourceKind<T>, namespace?: string): readonly T[];
  byIndex<T extends KubeObject>(kind: ResourceKind<T>, index: string, value: string): readonly T[];
  /** Those whose controller (by UID) is `owner`. */
  ownedBy<T extends KubeObject>(kind: ResourceKind<T>, owner: KubeObject): readonly T[];
  /** Those of a namespace that have no controller. */
  orphans<T extends KubeObject>(kind: ResourceKind<T>, namespace: string): readonly T[];
}

const byController = 'controller';
const byOrphanhood = 'orphan-in';

/** The reference to the object's controller, if it has one. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** Prepares an informer for `ownedBy` and `orphans`. */
export function indexOwners<T extends KubeObject>(informer: Informer<T>): void {
  informer.addIndex(byController, (object) => {
    const controller = controllerOf(object);
    return controller === undefined ? [] : [controller.uid];
  });
  informer.addIndex(byOrphanhood, (object) => (controllerOf(object) === undefined ? [object.metadata.namespace ?? ''] : []));
}

/** Reads through `informers`, and counts the objects handed out. */
export class CountingLister implements ControllerLister {
  readonly #informers: SharedInformers;
  readonly #allowed: ReadonlySet<ResourceKind> | undefined;
  /** How many objects were read. */
  count = 0;

  /** `allowed`: kinds that are followed; asking for another is a mistake, for its copy would be empty at first. */
  constructor(informers: SharedInformers, allowed?: ReadonlySet<ResourceKind>) {
    this.#informers = informers;
    this.#allowed = allowed;
  }

  get<T extends KubeObject>(kind: ResourceKind<T>, key: string): T | undefined {
    return this.#informer(kind).get(key);
  }

  list<T extends KubeObject>(kind: ResourceKind<T>, namespace?: string): readonly T[] {
    return this.#counted(this.#informer(kind).list(namespace));
  }

  byIndex<T extends KubeObject>(kind: ResourceKind<T>, index: string, value: string): readonly T[] {
    return this.#counted(this.#informer(kind).byIndex(index, value));
  }

  ownedBy<T extends KubeObject>(kind: ResourceKind<T>, owner: KubeObject): readonly T[] {
    const informer = this.#informer(kind);
    indexOwners(informer);
    return this.#counted(informer.byIndex(byController, owner.metadata.uid));
  }

  orphans<T extends KubeObject>(kind: ResourceKind<T>, namespace: string): readonly T[] {
    const informer = this.#informer(kind);
    indexOwners(informer);
    return this.#counted(informer.byIndex(byOrphanhood, namespace));
  }

  #informer<T extends KubeObject>(kind: ResourceKind<T>): Informer<T> {
    if (this.#allowed !== undefined) assert(this.#allowed.has(kind), `${kind.kind} is declared by the controller that reads it`);
    return this.#informers.for(kind);
  }

  #counted<T>(objects: readonly T[]): readonly T[] {
    this.count += objects.length;
    return objects;
  }
}

const queries = new WeakMap<LabelSelector, LabelQuery>();

/** The query of a selector that belongs to a frozen object; made once. */
export function queryOf(selector: LabelSelector | undefined): LabelQuery {
  if (selector === undefined) return labelSelectorFrom(undefined);
  let query = queries.get(selector);
  if (query === undefined) {
    query = labelSelectorFrom(selector);
    queries.set(selector, query);
  }
  return query;
}
