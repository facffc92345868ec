import type { Store, StoreEntry } from '#store/store.ts';
import { pagesOf } from './copy-store.ts';

export interface StoreReport {
  readonly revision: number;
  readonly compactedRevision: number;
  readonly objects: number;
  /** Of all keys and values. */
  readonly bytes: number;
  /** Objects by what their keys start with: `pods`, `apps/deployments`... */
  readonly byResource: ReadonlyMap<string, number>;
  /** What is wrong, one line each; at most `maxProblems`. */
  readonly problems: readonly string[];
}

const maxProblems = 50;
const prefix = '/registry/';

/** Reads everything and says what is there. */
export async function checkStore(store: Store): Promise<StoreReport> {
  const byResource = new Map<string, number>();
  const problems: string[] = [];
  let objects = 0;
  let bytes = 0;
  let last = 0;
  for await (const { entries, revision } of pagesOf(store)) {
    last = revision;
    for (const entry of entries) {
      objects++;
      bytes += entry.key.length + entry.value.length;
      const resource = resourceOf(entry.key);
      byResource.set(resource, (byResource.get(resource) ?? 0) + 1);
      const problem = problemOf(entry, revision);
      if (problem !== undefined && problems.length < maxProblems) problems.push(`${entry.key}: ${problem}`);
    }
  }
  return { revision: last, compactedRevision: await store.compactedRevision(), objects, bytes, byResource, problems };
}

function resourceOf(key: string): string {
  const [first = '', second = ''] = key.slice(prefix.length).split('/');
  return first.includes('.') ? `${first}/${second}` : first;
}

/** What is wrong with an entry; undefined when nothing is. Pure. */
export function problemOf({ key, value, createRevision, modRevision }: StoreEntry, revision: number): string | undefined {
  if (createRevision > modRevision || modRevision > revision) return `its revisions ${createRevision} and ${modRevision} do not fit the store's, ${revision}`;
  if (!key.startsWith(prefix)) return `no key of an object: it does not start with ${prefix}`;
  let object: unknown;
  try {
    object = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
  } catch (error) {
    if (value[0] === 0x6b && value[1] === 0x38 && value[2] === 0x73) return 'written by kube-apiserver in protobuf, which Skiff\'s store does not read';
    return `its value is no JSON: ${(error as Error).message}`;
  }
  const { apiVersion, kind, metadata } = (object ?? {}) as { apiVersion?: unknown; kind?: unknown; metadata?: { name?: unknown; namespace?: unknown; uid?: unknown } };
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return 'its value has no apiVersion and kind';
  if (typeof metadata?.name !== 'string' || key.slice(key.lastIndexOf('/') + 1) !== metadata.name) return `its value is called ${JSON.stringify(metadata?.name)}`;
  if (typeof metadata.namespace === 'string' && metadata.namespace !== '' && !key.endsWith(`/${metadata.namespace}/${metadata.name}`)) return `its value is of the namespace ${metadata.namespace}`;
  return undefined;
}
