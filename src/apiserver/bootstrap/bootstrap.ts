import { decodeDraft } from '#apimachinery/decode.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { StoreWrite } from '#store/store.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import { nowText, storeKey } from '../registry/registry-context.ts';
import { encodeStored, sealDraft } from '../watch-cache/cached-object.ts';
import type { DefaultObject } from './default-objects.ts';

/**
 * Writes those of `objects` that are not there yet, in one transaction: the cluster has all of them or none.
 * Another server may do the same at the same time; whoever comes second finds them there.
 */
export async function bootstrap(context: RegistryContext, objects: readonly DefaultObject[]): Promise<void> {
  for (;;) {
    const writes = objects.flatMap((each) => writeOf(context, each));
    if (writes.length === 0) return;
    const result = await context.store.transaction(writes);
    if (result.ok) {
      await context.cache.reached(result.revision);
      return;
    }
    await context.cache.catchUp();
  }
}

function writeOf(context: RegistryContext, { kind, object }: DefaultObject): StoreWrite[] {
  const draft = decodeDraft<KubeObject>(kind, object, { defaults: true });
  const { metadata } = draft;
  const key = storeKey(kind, metadata.namespace ?? '', metadata.name);
  if (context.cache.of(kind).get(key) !== undefined) return [];
  draft.kind = kind.kind;
  draft.apiVersion = kind.apiVersion;
  kind.defaults?.(draft);
  metadata.uid = context.random.uuid();
  metadata.creationTimestamp = nowText(context.clock);
  const bytes = encodeStored(kind, draft);
  context.cache.expect(bytes, (revision) => sealDraft(draft, revision));
  return [{ key, value: bytes, expect: { absent: true } }];
}
