/** Flunders in memory: their writes, and who watches them. */
import { randomUUID } from 'node:crypto';

export const groupVersion = 'wardle.example.com/v1alpha1';

export interface Flunder {
  readonly apiVersion: string;
  readonly kind: 'Flunder';
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string; readonly resourceVersion: string; readonly creationTimestamp: string; readonly labels?: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: object;
  readonly status: object;
}
export interface Event {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Flunder;
}
export type Given = Partial<Omit<Flunder, 'metadata'>> & { readonly metadata?: Partial<Flunder['metadata']> & { readonly generateName?: string } };

/** What the API answers in place of an object. */
export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

export class Flunders {
  readonly #objects = new Map<string, Flunder>();
  readonly #watchers = new Set<(event: Event) => void>();
  /** Everything that has happened, for watches that begin in the past. */
  readonly #events: Event[] = [];
  #revision = 1;

  get revision(): string {
    return String(this.#revision);
  }

  /** All of a namespace; '' means every one. */
  list(namespace: string, labelSelector = ''): readonly Flunder[] {
    const wanted = labelSelector === '' ? [] : labelSelector.split(',').map((each) => each.split(/==?/));
    return [...this.#objects.values()].filter(({ metadata }) => (namespace === '' || metadata.namespace === namespace) && wanted.every(([key = '', value]) => metadata.labels?.[key] === value));
  }

  get(namespace: string, name: string): Flunder {
    const found = this.#objects.get(`${namespace}/${name}`);
    if (found === undefined) throw new Refusal(404, 'NotFound', `flunders.wardle.example.com ${JSON.stringify(name)} not found`);
    return found;
  }

  create(namespace: string, given: Given): Flunder {
    const name = given.metadata?.name ?? `${given.metadata?.generateName ?? ''}${randomUUID().slice(0, 5)}`;
    if (this.#objects.has(`${namespace}/${name}`)) throw new Refusal(409, 'AlreadyExists', `flunders.wardle.example.com ${JSON.stringify(name)} already exists`);
    const metadata = { ...given.metadata, name, namespace, uid: randomUUID(), creationTimestamp: `${new Date().toISOString().slice(0, 19)}Z`, resourceVersion: '' };
    return this.#write('ADDED', { apiVersion: groupVersion, kind: 'Flunder', metadata, spec: given.spec ?? {}, status: {} });
  }

  update(namespace: string, name: string, given: Given): Flunder {
    const before = this.get(namespace, name);
    const version = given.metadata?.resourceVersion;
    if (version !== undefined && version !== before.metadata.resourceVersion) throw new Refusal(409, 'Conflict', `Operation cannot be fulfilled on flunders.wardle.example.com ${JSON.stringify(name)}: the object has been modified`);
    const { uid, creationTimestamp } = before.metadata;
    return this.#write('MODIFIED', { ...before, spec: given.spec ?? {}, metadata: { ...given.metadata, name, namespace, uid, creationTimestamp, resourceVersion: '' } });
  }

  /** A merge patch. Source: RFC 7386. */
  patch(namespace: string, name: string, patch: unknown): Flunder {
    return this.update(namespace, name, merged(this.get(namespace, name), patch) as Given);
  }

  delete(namespace: string, name: string): Flunder {
    const found = this.get(namespace, name);
    this.#objects.delete(`${namespace}/${name}`);
    this.#tell('DELETED', { ...found, metadata: { ...found.metadata, resourceVersion: String(++this.#revision) } });
    return found;
  }

  /** Calls back with every change since `version`; without one with what there is, and every change from now on. Returns how to end that. */
  watch(version: string, callback: (event: Event) => void): () => void {
    if (version === '' || version === '0') for (const object of this.#objects.values()) callback({ type: 'ADDED', object });
    else for (const event of this.#events) if (Number(event.object.metadata.resourceVersion) > Number(version)) callback(event);
    this.#watchers.add(callback);
    return () => void this.#watchers.delete(callback);
  }

  #write(type: Event['type'], object: Flunder): Flunder {
    const written = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#revision) } };
    this.#objects.set(`${written.metadata.namespace}/${written.metadata.name}`, written);
    this.#tell(type, written);
    return written;
  }

  #tell(type: Event['type'], object: Flunder): void {
    this.#events.push({ type, object });
    for (const watcher of this.#watchers) watcher({ type, object });
  }
}

function merged(before: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = typeof before === 'object' && before !== null && !Array.isArray(before) ? { ...before } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}
