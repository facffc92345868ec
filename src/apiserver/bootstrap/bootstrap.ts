import type { ClusterRole as ClusterRoleObject } from '#api/rbac/cluster-role.ts';
import { ClusterRole } from '#api/rbac/cluster-role.ts';
import { decodeDraft } from '#apimachinery/decode.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { StoreError } from '#store/store.ts';
import type { StoreWrite } from '#store/store.ts';
import type { RegistryContext } from '../registry/registry-context.ts';
import { nowText, storeKey } from '../registry/registry-context.ts';
import type { CachedObject } from '../watch-cache/cached-object.ts';
import { encodeStored, sealDraft } from '../watch-cache/cached-object.ts';
import type { DefaultObject } from './default-object.ts';
import type { RoleOrBinding } from './reconcile-role.ts';
import { autoUpdate, planReconciliation } from './reconcile-role.ts';

/** What an etcd takes in one transaction when nobody has told it otherwise (its --max-txn-ops). */
const smallTransaction = 128;

/**
 * Writes those of `objects` that are not there yet and completes the default roles, in one transaction: the cluster has
 * all of it or none. An etcd may take fewer writes at once; there it is as many transactions as it needs, and a start
 * that was broken off is completed by the next one. Another server may do the same at the same time; whoever comes
 * second finds it there.
 *
 * A start on a store that has everything reads the bytes it has and decodes nothing.
 */
export async function bootstrap(context: RegistryContext, objects: readonly DefaultObject[]): Promise<void> {
  let atOnce = Infinity;
  for (;;) {
    const writes = objects.flatMap((each) => writeOf(context, each, objects));
    if (writes.length === 0) return;
    try {
      const result = await context.store.transaction(writes.slice(0, atOnce));
      if (result.ok) await context.cache.reached(result.revision);
      else await context.cache.catchUp();
      if (result.ok && writes.length <= atOnce) return;
    } catch (error) {
      const isTooLarge = error instanceof StoreError && error.code === 'too-large';
      if (!isTooLarge || atOnce === smallTransaction) throw error;
      atOnce = smallTransaction;
    }
  }
}

function writeOf(context: RegistryContext, wanted: DefaultObject, all: readonly DefaultObject[]): StoreWrite[] {
  const { kind } = wanted;
  const { namespace = '', name = '' } = wanted.object.metadata ?? {};
  const key = storeKey(kind, namespace, name);
  const cached = context.cache.of(kind).get(key);
  if (cached !== undefined) return kind.group === ClusterRole.group ? completion(context, wanted, cached) : [];
  const draft = draftOf(context, wanted);
  fillAggregated(draft as unknown as Draft<ClusterRoleObject>, all);
  return [{ key, value: encode(context, kind, draft), expect: { absent: true } }];
}

function draftOf(context: RegistryContext, { kind, object }: DefaultObject): Draft<KubeObject> {
  const draft = decodeDraft<KubeObject>(kind, object, { defaults: true });
  draft.kind = kind.kind;
  draft.apiVersion = kind.apiVersion;
  kind.defaults?.(draft);
  draft.metadata.uid = context.random.uuid();
  draft.metadata.creationTimestamp = nowText(context.clock);
  if (kind.strategy.generation ?? kind.fields.has('spec')) draft.metadata.generation = 1;
  return draft;
}

function encode(context: RegistryContext, kind: ResourceKind, draft: Draft<KubeObject>): Uint8Array {
  const bytes = encodeStored(kind, draft);
  context.cache.expect(bytes, (revision) => sealDraft(draft, revision));
  return bytes;
}

/** An aggregated role has its rules from the first moment on; later the controller keeps them up to date. */
function fillAggregated(role: Draft<ClusterRoleObject>, all: readonly DefaultObject[]): void {
  if (role.aggregationRule !== undefined) role.rules = rulesOf(role, all) as Draft<ClusterRoleObject>['rules'];
}

function rulesOf({ aggregationRule }: Pick<ClusterRoleObject, 'aggregationRule'>, all: readonly DefaultObject[]): NonNullable<ClusterRoleObject['rules']> {
  const wanted = (aggregationRule?.clusterRoleSelectors ?? []).flatMap((each) => Object.entries(each.matchLabels ?? {}));
  return all
    .filter(({ kind, object }) => kind === (ClusterRole as unknown) && wanted.some(([label, value]) => object.metadata?.labels?.[label] === value))
    .flatMap(({ object }) => {
      const role = object as ClusterRoleObject;
      return role.aggregationRule === undefined ? (role.rules ?? []) : rulesOf(role, all);
    });
}

function completion(context: RegistryContext, wanted: DefaultObject, cached: CachedObject): StoreWrite[] {
  if (isAsWritten(wanted.object as RoleOrBinding, cached.bytes)) return [];
  const { kind } = wanted;
  const plan = planReconciliation(cached.object, wanted.object as RoleOrBinding);
  if (plan === undefined) return [];
  const { resourceVersion: _version, ...metadata } = (plan.metadata ?? cached.object.metadata);
  const draft = { ...cached.object, ...plan, metadata } as unknown as Draft<KubeObject>;
  return [{ key: cached.key, value: encode(context, kind, draft), expect: { modRevision: cached.revision } }];
}

/** Whether the stored JSON holds every part of `wanted` word for word: the common case, found without decoding. */
function isAsWritten({ metadata, rules, aggregationRule, subjects }: RoleOrBinding, bytes: Uint8Array): boolean {
  const stored = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const parts = [
    `"${autoUpdate}":"true"`,
    ...Object.entries(metadata.labels ?? {}).map(([label, value]) => `"${label}":"${value}"`),
    ...(aggregationRule !== undefined ? [JSON.stringify(aggregationRule)] : rules === undefined ? [] : [`"rules":${JSON.stringify(rules)}`]),
    ...(subjects === undefined || subjects.length === 0 ? [] : [JSON.stringify(subjects)]),
  ];
  return parts.every((part) => stored.includes(part));
}
