import { TokenRequest } from '#api/authentication/token-request.ts';
import { Scale } from '#api/autoscaling/scale.ts';
import { Eviction } from '#api/policy/eviction.ts';
import { DeleteOptions } from '#apimachinery/meta-types.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { hubOf } from '../registry/served.ts';
import type { AnyStruct } from '#apimachinery/schema.ts';

/** Kinds of the bodies of subresources. */
export const bodyKinds = [TokenRequest, Scale, Eviction] as unknown as readonly ResourceKind[];

/**
 * The kinds this server serves, by group, version and plural. Custom kinds come and go; whatever is derived from the
 * list (discovery, OpenAPI) is made anew when `generation` has changed.
 */
export class ServedKinds {
  readonly #byPath = new Map<string, ResourceKind>();
  #all: readonly ResourceKind[] = [];
  #generation = 0;

  constructor(kinds: readonly ResourceKind[]) {
    for (const kind of kinds) this.#byPath.set(pathOf(kind), kind);
    this.#all = kinds;
  }

  get generation(): number {
    return this.#generation;
  }

  all(): readonly ResourceKind[] {
    return this.#all;
  }

  find(group: string, version: string, plural: string): ResourceKind | undefined {
    return this.#byPath.get(`${group}/${version}/${plural}`);
  }

  /** What a body of this kind looks like: a served kind, or one that only travels in requests. */
  bodyStruct(apiVersion: string, kindName: string): AnyStruct | undefined {
    if (kindName === 'DeleteOptions') return DeleteOptions;
    return [...this.#all, ...bodyKinds].find((kind) => kind.apiVersion === apiVersion && kind.kind === kindName);
  }

  /** Any served version of a kind, by group and kind name. */
  findKind(group: string, version: string, kindName: string): ResourceKind | undefined {
    return this.#all.find((kind) => kind.group === group && kind.version === version && kind.kind === kindName);
  }

  /** The other versions in which the objects of a kind are served. */
  inOtherVersions(kind: ResourceKind): readonly ResourceKind[] {
    return this.#all.filter((each) => each !== kind && each.plural === kind.plural && hubOf(each) === hubOf(kind));
  }

  add(kind: ResourceKind): void {
    this.#byPath.set(pathOf(kind), kind);
    this.#changed();
  }

  remove(kind: ResourceKind): void {
    this.#byPath.delete(pathOf(kind));
    this.#changed();
  }

  #changed(): void {
    this.#all = [...this.#byPath.values()];
    this.#generation++;
  }
}

function pathOf(kind: ResourceKind): string {
  return `${kind.group}/${kind.version}/${kind.plural}`;
}
