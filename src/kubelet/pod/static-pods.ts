import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Clock, Timer } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { decodeDraft, deepFreeze } from '#apimachinery/decode.ts';
import { Pod } from '#api/core/pod.ts';
import { timestamp } from '#client/timestamp.ts';
import { annotationKeys } from './labels.ts';

export interface StaticPodOptions {
  readonly directory: string;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onAdded: (pod: Pod) => void;
  readonly onRemoved: (pod: Pod) => void;
}

/** Directories are looked through this often even when nobody tells of a change; the original's default. */
const scanEveryMs = 20_000;
/** Editors write a file in several steps. */
const settleMs = 100;

/**
 * Pods from manifest files in a directory of the node. A changed file is another pod: its uid comes from its content.
 * Files that cannot be read or decoded are skipped with a word in the log. Source: Kubernetes documentation, "Static Pods".
 */
export class StaticPods {
  readonly #options: StaticPodOptions;
  #pods: ReadonlyMap<string, Pod> = new Map();
  #timer: Timer | undefined;
  #watcher: FSWatcher | undefined;
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: StaticPodOptions) {
    this.#options = options;
  }

  /** The first look is complete when it resolves. */
  async start(): Promise<void> {
    try {
      this.#watcher = watch(this.#options.directory, () => this.#schedule(settleMs));
      this.#watcher.on('error', () => this.#watcher?.close());
      this.#watcher.unref();
    } catch {
      // Not there yet, or no notifications here: the periodic look finds what comes.
    }
    await this.#scan();
    this.#schedule(scanEveryMs);
  }

  /** The pod of that uid, as long as its file is there. */
  get(uid: string): Pod | undefined {
    return this.#pods.get(uid);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#watcher?.close();
    await this.#running;
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#running = this.#scan().finally(() => this.#schedule(scanEveryMs));
    });
  }

  async #scan(): Promise<void> {
    const { directory, nodeName, clock, log, onAdded, onRemoved } = this.#options;
    const found = new Map<string, Pod>();
    for (const file of await readdir(directory).catch(() => [])) {
      if (!/\.(ya?ml|json)$/.test(file) || file.startsWith('.')) continue;
      try {
        for (const pod of parseManifest(await readFile(join(directory, file), 'utf8'), nodeName, clock.nowMs())) found.set(pod.metadata.uid, pod);
      } catch (error) {
        log.warn({ error, file: join(directory, file) }, 'not a manifest of a pod');
      }
    }
    const before = this.#pods;
    this.#pods = new Map([...found].map(([uid, pod]) => [uid, before.get(uid) ?? pod]));
    for (const [uid, pod] of before) if (!found.has(uid)) onRemoved(pod);
    for (const [uid, pod] of this.#pods) if (!before.has(uid)) onAdded(pod);
  }
}

/** The pods of one file, as this node runs them. Pure but for the time of creation. Throws what is wrong with it. */
export function parseManifest(text: string, nodeName: string, nowMs: number): readonly Pod[] {
  return parseAllDocuments(text).flatMap((document) => {
    const given = document.toJS() as { kind?: unknown; metadata?: { name?: string; namespace?: string; annotations?: object } } | null;
    if (given === null) return [];
    if (document.errors[0] !== undefined) throw document.errors[0];
    if (given.kind !== 'Pod' || given.metadata?.name === undefined) throw new Error('it does not name a Pod');
    const uid = createHash('md5').update(nodeName).update(JSON.stringify(given)).digest('hex');
    const draft = decodeDraft<Pod>(Pod, {
      ...given,
      metadata: {
        ...given.metadata, uid, name: `${given.metadata.name}-${nodeName}`, namespace: given.metadata.namespace ?? 'default',
        resourceVersion: '0', creationTimestamp: timestamp(nowMs),
        annotations: { ...given.metadata.annotations, [annotationKeys.configHash]: uid, [annotationKeys.configSource]: 'file', [annotationKeys.configSeen]: new Date(nowMs).toISOString() },
      },
      status: {},
    }, { defaults: true });
    Pod.defaults?.(draft);
    draft.kind = 'Pod';
    draft.apiVersion = 'v1';
    draft.spec.nodeName = nodeName;
    // Nobody but this node decides about it, so it tolerates everything.
    draft.spec.tolerations = [...(draft.spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }];
    return [deepFreeze(draft)];
  });
}
