/** The kinds that API servers behind the API server hold, as long as their APIServices are there. */
import { APIService } from '#api/apiregistration/api-service.ts';
import type { ResourceKind, Verb } from '#apimachinery/resource.ts';
import { openKind } from '#client/open-kind.ts';
import type { ControllerEnvironment } from '#reconcile/controller.ts';

interface Followers {
  readonly follow: (kind: ResourceKind) => void;
  readonly unfollow: (kind: ResourceKind) => void;
}

const needed = ['delete', 'list', 'watch'] as const;

/** Tells of kinds as their servers become available, and when their APIService is gone. A resource that is served in two versions is told once. */
export class RemoteKinds {
  readonly #environment: ControllerEnvironment;
  readonly #followers: Followers;
  readonly #signal: AbortSignal;
  /** By the name of the APIService; undefined while its server is being asked. */
  readonly #known = new Map<string, readonly ResourceKind[] | undefined>();
  readonly close: () => void;

  constructor(environment: ControllerEnvironment, followers: Followers, signal: AbortSignal) {
    this.#environment = environment;
    this.#followers = followers;
    this.#signal = signal;
    this.close = environment.informers.for(APIService).addHandler({
      added: (service) => this.#seen(service),
      updated: (service) => this.#seen(service),
      deleted: (service) => this.#forget(service.metadata.name),
    });
  }

  #seen({ metadata: { name }, spec, status }: APIService): void {
    if (spec.service === undefined) return this.#forget(name);
    const isAvailable = status.conditions?.some((each) => each.type === 'Available' && each.status === 'True') === true;
    if (!isAvailable || this.#known.has(name)) return;
    this.#known.set(name, undefined);
    this.#ask(name, spec.group ?? '', spec.version ?? '').catch((error: unknown) => {
      // The next word about it is the next occasion.
      this.#known.delete(name);
      this.#environment.log.debug({ error, apiService: name }, 'an aggregated API does not say what it serves');
    });
  }

  async #ask(name: string, group: string, version: string): Promise<void> {
    const resources = await this.#environment.client.resources(`${group}/${version}`, { signal: this.#signal });
    if (!this.#known.has(name) || this.#signal.aborted) return;
    const others = new Set([...this.#known.values()].flatMap((each) => each ?? []).map((each) => `${each.group}/${each.plural}`));
    const kinds = resources
      .filter((each) => !each.name.includes('/') && needed.every((verb) => each.verbs.includes(verb)) && !others.has(`${group}/${each.name}`))
      .map((each) => openKind({ group, version, kind: each.kind, plural: each.name, singular: each.singularName, scope: each.namespaced ? 'Namespaced' : 'Cluster', verbs: each.verbs as readonly Verb[] }));
    this.#known.set(name, kinds);
    for (const kind of kinds) this.#followers.follow(kind);
  }

  #forget(name: string): void {
    const kinds = this.#known.get(name) ?? [];
    this.#known.delete(name);
    for (const kind of kinds) this.#followers.unfollow(kind);
  }
}
