import type { Logger } from '#base/log.ts';
import type { Node } from '#api/core/node.ts';
import { Pod } from '#api/core/pod.ts';
import type { Client } from '#client/client.ts';
import { annotationKeys } from './labels.ts';

export interface MirrorPodsDependencies {
  readonly client: Client;
  readonly log: Logger;
  /** Owns the mirrors; undefined before it is registered. */
  readonly node: () => Node | undefined;
}

/**
 * What the API shows of static pods: a copy each, which nobody runs. Showing them is best effort: a static pod runs
 * whether or not the API takes its mirror. Source: Kubernetes documentation, "Static Pods".
 */
export class MirrorPods {
  readonly #dependencies: MirrorPodsDependencies;
  /** By the uid of what they mirror. */
  readonly #mirrors = new Map<string, Pod>();

  constructor(dependencies: MirrorPodsDependencies) {
    this.#dependencies = dependencies;
  }

  /** The mirror of a static pod, as the API has it. */
  of(uid: string): Pod | undefined {
    return this.#mirrors.get(uid);
  }

  /** Makes a mirror for a static pod that has none. */
  show(pod: Pod): void {
    if (this.#mirrors.has(pod.metadata.uid)) return;
    const { client, log } = this.#dependencies;
    const { name, namespace, uid, labels, annotations } = pod.metadata;
    const node = this.#dependencies.node()?.metadata;
    const ownerReferences = node === undefined ? [] : [{ apiVersion: 'v1', kind: 'Node', name: node.name, uid: node.uid, controller: true }];
    client.create<Pod>(Pod, {
      metadata: { name, namespace, ownerReferences, annotations: { ...annotations, [annotationKeys.configMirror]: uid }, ...(labels === undefined ? {} : { labels }) }, spec: pod.spec,
    }).catch((error: unknown) => log.warn({ error, pod: `${namespace}/${name}` }, 'a static pod could not be shown in the API'));
  }

  /** Takes the mirror of a static pod that is gone out of the API. */
  hide(uid: string): void {
    const mirror = this.#mirrors.get(uid);
    if (mirror !== undefined) this.#delete(mirror);
  }

  /** Those whose static pods went away while nobody looked are taken out of the API. */
  hideAllBut(isKnown: (uid: string) => boolean): void {
    for (const [uid, mirror] of this.#mirrors) if (!isKnown(uid)) this.#delete(mirror);
  }

  /** The API has a new state of a mirror. The file decides: one that is being deleted goes, and comes again. */
  onChange(uid: string, mirror: Pod): void {
    this.#mirrors.set(uid, mirror);
    if (mirror.metadata.deletionTimestamp !== undefined) this.#delete(mirror);
  }

  /** The API has it no more. */
  onGone(uid: string): void {
    this.#mirrors.delete(uid);
  }

  #delete({ metadata: { namespace, name, uid } }: Pod): void {
    const { client, log } = this.#dependencies;
    client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } }).catch((error: unknown) => log.debug({ error }, 'a mirror was gone already'));
  }
}

/** The uid of the static pod that this one only shows. */
export function mirroredUid(pod: Pod): string | undefined {
  return pod.metadata.annotations?.[annotationKeys.configMirror];
}

export function isStatic(pod: Pod): boolean {
  return pod.metadata.annotations?.[annotationKeys.configSource] === 'file';
}
