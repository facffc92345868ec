import type { Clock } from '#base/clock.ts';
import type { Pod as PodObject } from '#api/core/pod.ts';
import { PersistentVolume } from '#api/core/persistent-volume.ts';
import { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import { Pod } from '#api/core/pod.ts';
import { VolumeAttachment } from '#api/storage/volume-attachment.ts';
import type { ObjectReader } from '../admission/admission.ts';
import type { CacheEvent } from '../watch-cache/event-log.ts';
import type { CacheSource } from './binding-index.ts';
import { loadIndex } from './load-index.ts';
import type { ReferencedResource } from './pod-references.ts';
import { podReferences, referenceKey, volumeSecrets } from './pod-references.ts';

/**
 * What each node may know: the objects that the pods bound to it refer to. A change of a pod costs as much as the pod has
 * references, and most changes (status) cost nothing.
 */
export class NodeGraph {
  readonly #caches: CacheSource;
  readonly #objects: ObjectReader;
  /** Per node, how many pods refer to an object. */
  readonly #byNode = new Map<string, Map<string, number>>();
  /** What was counted for a pod, by its store key. */
  readonly #counted = new Map<string, { readonly node: string; readonly references: readonly string[] }>();

  constructor(dependencies: { readonly caches: CacheSource; readonly objects: ObjectReader }) {
    this.#caches = dependencies.caches;
    this.#objects = dependencies.objects;
  }

  /** Learns of the pods there are and follows their changes. To be called once, when the caches are filled. */
  async start(clock: Clock): Promise<void> {
    await loadIndex(this.#caches.of(Pod), {
      has: (key) => this.#counted.has(key),
      add: (key, pod) => this.#add(key, pod),
      change: (event) => this.#change(event),
    }, clock);
  }

  /** Whether a pod on `node` refers to the object, directly or, for a secret, through a volume. */
  refersTo(node: string, resource: ReferencedResource, namespace: string, name: string): boolean {
    const known = this.#byNode.get(node);
    if (known === undefined) return false;
    const key = referenceKey(resource, namespace, name);
    if (known.has(key)) return true;
    return resource === 'secrets' && this.#volumesOf(known).some((volume) => volumeSecrets(volume).includes(key));
  }

  /** Whether a pod on `node` has a claim that this volume is bound to. */
  usesVolume(node: string, name: string): boolean {
    const known = this.#byNode.get(node);
    const claim = this.#objects.get(PersistentVolume, name)?.spec.claimRef;
    return claim !== undefined && known?.has(referenceKey('persistentvolumeclaims', claim.namespace ?? '', claim.name ?? '')) === true;
  }

  hasAttachment(node: string, name: string): boolean {
    return this.#objects.get(VolumeAttachment, name)?.spec.nodeName === node;
  }

  hasPod(node: string, namespace: string, name: string): boolean {
    return this.#objects.get(Pod, name, namespace)?.spec.nodeName === node;
  }

  #volumesOf(known: ReadonlyMap<string, number>): PersistentVolume[] {
    const volumes: PersistentVolume[] = [];
    for (const key of known.keys()) {
      const [resource, namespace = '', name = ''] = key.split('/');
      if (resource !== 'persistentvolumeclaims') continue;
      const volumeName = this.#objects.get(PersistentVolumeClaim, name, namespace)?.spec.volumeName ?? '';
      const volume = volumeName === '' ? undefined : this.#objects.get(PersistentVolume, volumeName);
      if (volume !== undefined) volumes.push(volume);
    }
    return volumes;
  }

  #change({ type, current, previous }: CacheEvent<PodObject>): void {
    if (type === 'MODIFIED' && previous !== undefined && this.#counted.has(current.key) && refersAlike(previous.object, current.object)) return;
    this.#remove(current.key);
    if (type !== 'DELETED') this.#add(current.key, current.object);
  }

  #add(key: string, pod: PodObject): void {
    const node = pod.spec.nodeName ?? '';
    if (node === '') return;
    const references = [...new Set(podReferences(pod))];
    this.#counted.set(key, { node, references });
    let known = this.#byNode.get(node);
    if (known === undefined) {
      known = new Map();
      this.#byNode.set(node, known);
    }
    for (const each of references) known.set(each, (known.get(each) ?? 0) + 1);
  }

  #remove(key: string): void {
    const counted = this.#counted.get(key);
    if (counted === undefined) return;
    this.#counted.delete(key);
    const known = this.#byNode.get(counted.node);
    for (const each of counted.references) {
      const left = (known?.get(each) ?? 1) - 1;
      if (left === 0) known?.delete(each);
      else known?.set(each, left);
    }
    if (known?.size === 0) this.#byNode.delete(counted.node);
  }
}

/** A running pod's references change in few places only. */
function refersAlike(left: PodObject, right: PodObject): boolean {
  return left.metadata.uid === right.metadata.uid
    && left.spec.nodeName === right.spec.nodeName
    && left.spec.ephemeralContainers?.length === right.spec.ephemeralContainers?.length
    && left.status.resourceClaimStatuses?.length === right.status.resourceClaimStatuses?.length;
}
