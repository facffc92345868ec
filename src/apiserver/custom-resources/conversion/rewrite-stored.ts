import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import type { RegistryContext } from '../../registry/registry-context.ts';
import { storePrefix } from '../../registry/registry-context.ts';
import type { CachedObject } from '../../watch-cache/cached-object.ts';
import { encodeStored, sealDraft } from '../../watch-cache/cached-object.ts';
import type { WebhookConversion } from './webhook-conversion.ts';

/** The apiVersion under which an object lies in the store. */
export function storedVersion({ stored }: CachedObject): string | undefined {
  return /^\{"kind":"[^"]*","apiVersion":"([^"]*)"/.exec(Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength).toString('latin1', 0, maxHead))?.[1];
}

/** Kind and apiVersion stand in front; no names are longer than this. */
const maxHead = 1024;
/** How many rounds are tried to catch up with writers that still store the old version. */
const maxRounds = 10;

/**
 * Rewrites what is stored in the old storage version before the new one takes over: what is in the store can then be
 * read without asking a webhook. Until then `old` goes on to show the objects as they were.
 */
export async function rewriteStored(registry: RegistryContext, old: ResourceKind, next: ResourceKind, conversion: WebhookConversion): Promise<void> {
  for (let round = 0; round < maxRounds; round++) {
    const left = [...registry.cache.of(old).range(storePrefix(old, ''))].filter((cached) => storedVersion(cached) !== next.apiVersion);
    if (left.length === 0) return;
    await conversion.load(left.map(({ object }) => object), next.apiVersion);
    for (const { key, revision, object } of left) {
      const { resourceVersion: _version, ...metadata } = conversion.converted(object, next.apiVersion).metadata;
      const bytes = encodeStored(next, { ...conversion.converted(object, next.apiVersion), metadata } as unknown as Draft<KubeObject>);
      registry.cache.expect(bytes, (written) => sealDraft({ ...object, metadata: { ...object.metadata } } as Draft<KubeObject>, written));
      const result = await registry.store.put(key, bytes, { modRevision: revision });
      if (!result.ok) continue;
      await registry.cache.reached(result.revision);
    }
  }
}
