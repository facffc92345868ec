/**
 * GET and LIST, answered from the watch cache with Kubernetes' resourceVersion semantics.
 *
 * Source: Kubernetes documentation, "API concepts: resource versions", "Retrieving large results sets in chunks".
 */
import type { ResourceKind } from '#apimachinery/resource.ts';
import { StatusError, badRequest, expired, notFound, timeout } from '#apimachinery/status-error.ts';
import { StoreError } from '#store/store.ts';
import type { ApiCall, ListResult, ObjectResult } from '../request/api-call.ts';
import { CachedObject } from '../watch-cache/cached-object.ts';
import { decodeContinueToken, encodeContinueToken } from './continue-token.ts';
import type { RegistryContext } from './registry-context.ts';
import { storeKey, storePrefix } from './registry-context.ts';
import type { Selection } from './selection.ts';
import { selectionOf } from './selection.ts';
import { hubOf, ready, readyCached, takesTime, toServed } from './served.ts';

/** How long a read waits for a revision that the cache has not reached. */
const catchUpMs = 3_000;

/** GET of one object. */
export async function getFromCall(context: RegistryContext, served: ResourceKind, call: ApiCall): Promise<ObjectResult> {
  const kind = hubOf(served);
  await freshEnough(context, call.query['resourceVersion']);
  const cached = context.cache.of(kind).get(storeKey(kind, call.info.namespace, call.info.name));
  if (cached === undefined) throw notFound(kind, call.info.name);
  if (!takesTime(served)) return { is: 'object', code: 200, kind: served, object: toServed(served, cached.object), cached };
  const { object } = cached;
  await ready(served, [object]);
  return { is: 'object', code: 200, kind: served, object: toServed(served, object) };
}

/** LIST of a resource, or of one namespace of it. */
export async function listFromCall(context: RegistryContext, served: ResourceKind, call: ApiCall): Promise<ListResult> {
  const limit = limitOf(call);
  const { resourceVersion, resourceVersionMatch } = call.query;
  const token = call.query['continue'] ?? '';
  checkVersionMatch(resourceVersion, resourceVersionMatch, token);
  const selection = selectionOf(served, call);
  if (token !== '') return listPast(context, served, call, { selection, limit, ...decodeContinueToken(token) });
  if (resourceVersionMatch === 'Exact') {
    return listPast(context, served, call, { selection, limit, revision: versionNumber(resourceVersion ?? ''), from: undefined });
  }
  await freshEnough(context, resourceVersion);
  const { revision } = context.cache;
  const items: CachedObject[] = [];
  let remaining = 0;
  for (const cached of selectsConverted(served, call) ? await selectedWhenReady(context, served, call, selection) : selectedObjects(context, served, call, selection)) {
    if (limit > 0 && items.length === limit) remaining++;
    else items.push(cached);
  }
  const last = items.at(-1);
  return {
    is: 'list',
    kind: served,
    items: takesTime(served) ? await readyCached(served, items) : items,
    resourceVersion: String(revision),
    ...(remaining > 0 && last !== undefined && { continue: encodeContinueToken({ revision, from: `${last.key}\0` }) }),
    ...(remaining > 0 && selection.selectsAll && { remainingItemCount: remaining }),
  };
}

/** Whether field selectors look at a version that is not stored, where conversion takes time. */
export function selectsConverted(served: ResourceKind, call: ApiCall): boolean {
  return takesTime(served) && (call.query['fieldSelector'] ?? '') !== '';
}

/** As `selectedObjects`, at the state the cache has when it is called, where `selectsConverted`. */
export async function selectedWhenReady(
  context: RegistryContext, served: ResourceKind, call: ApiCall, selection = selectionOf(served, call),
): Promise<readonly CachedObject[]> {
  const kind = hubOf(served);
  const all = await readyCached(served, [...context.cache.of(kind).range(storePrefix(kind, call.info.namespace))]);
  return all.filter((cached) => selection.matches(cached));
}

/** The cached objects that the call's namespace and selectors name, in key order. */
export function* selectedObjects(
  context: RegistryContext, served: ResourceKind, call: ApiCall, selection = selectionOf(served, call),
): Generator<CachedObject> {
  const kind = hubOf(served);
  const cache = context.cache.of(kind);
  const { namespace } = call.info;
  if (selection.name !== undefined && (kind.scope === 'Cluster' || namespace !== '')) {
    const cached = cache.get(storeKey(kind, namespace, selection.name));
    if (cached !== undefined && selection.matches(cached)) yield cached;
    return;
  }
  for (const cached of cache.range(storePrefix(kind, namespace))) {
    if (selection.selectsAll || selection.matches(cached)) yield cached;
  }
}

interface PastList {
  readonly selection: Selection;
  readonly limit: number;
  /** The revision to read at; 0 lets the list go on at the newest state (an inconsistent continuation). */
  readonly revision: number;
  readonly from: string | undefined;
}

/** A list at an exact revision, or the next page of one: read from the store's history. */
async function listPast(context: RegistryContext, served: ResourceKind, call: ApiCall, past: PastList): Promise<ListResult> {
  const kind = hubOf(served);
  const prefix = storePrefix(kind, call.info.namespace);
  if (past.from !== undefined && !past.from.startsWith(prefix)) throw badRequest('continue key is not valid: it does not belong to this list');
  const items: CachedObject[] = [];
  let { from } = past;
  let revision = past.revision === 0 ? undefined : past.revision;
  let remaining = 0;
  try {
    for (;;) {
      const page = await context.store.range(prefix, {
        ...(revision !== undefined && { revision }), ...(from !== undefined && { from }), limit: past.limit > 0 ? past.limit : 5_000,
      });
      revision ??= page.revision;
      for (const entry of page.entries) {
        from = `${entry.key}\0`;
        const cached = new CachedObject(kind, entry.key, entry.modRevision, entry.value);
        if (takesTime(served)) await ready(served, [cached.object]);
        if (past.selection.selectsAll || past.selection.matches(cached)) items.push(cached);
        if (past.limit > 0 && items.length === past.limit) break;
      }
      const last = page.entries.at(-1);
      const isPartial = last !== undefined && from !== `${last.key}\0`;
      remaining = page.remaining;
      if ((past.limit > 0 && items.length >= past.limit && (page.more || isPartial)) || !page.more) break;
    }
  } catch (error) {
    if (error instanceof StoreError && error.code === 'compacted') throw expiredToken(past.from !== undefined ? encodeContinueToken({ revision: 0, from: past.from }) : undefined);
    if (error instanceof StoreError && error.code === 'future-revision') throw tooLargeVersion(past.revision, context.cache.revision);
    throw error;
  }
  const more = remaining > 0 && past.limit > 0 && items.length >= past.limit;
  return {
    is: 'list',
    kind: served,
    items,
    resourceVersion: String(revision),
    ...(more && from !== undefined && { continue: encodeContinueToken({ revision, from }) }),
    ...(more && past.selection.selectsAll && { remainingItemCount: remaining }),
  };
}

function expiredToken(goOn: string | undefined): StatusError {
  if (goOn === undefined) return expired('The resourceVersion for the provided list is too old.');
  const text =
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, ' +
    'or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an ' +
    'inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';
  return new StatusError(410, 'Expired', text, undefined, { cause: { continue: goOn } });
}

/** Waits until the cache shows what the client asks for: everything written so far, or at least a given revision. */
export async function freshEnough(context: RegistryContext, resourceVersion: string | undefined): Promise<void> {
  if (resourceVersion === undefined || resourceVersion === '') return context.cache.catchUp();
  if (resourceVersion === '0') return;
  const revision = versionNumber(resourceVersion);
  const waits = context.cache.reached(revision);
  if (waits === undefined) return;
  // Others' keys in the same store may have made the revision; it then shows only to who asks.
  context.cache.catchUp().catch(() => {});
  const timer = new AbortController();
  const late = context.clock.sleep(catchUpMs, timer.signal).then(() => true, () => false);
  const isLate = await Promise.race([waits.then(() => false), late]);
  timer.abort();
  if (isLate) throw tooLargeVersion(revision, context.cache.revision);
}

function tooLargeVersion(asked: number, current: number): StatusError {
  const error = timeout(`Too large resource version: ${asked}, current: ${current}`, 1);
  return new StatusError(error.code, error.reason, error.message, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1,
  });
}

/** A resourceVersion as the number it stands for here. Throws a 400. */
export function versionNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`invalid resource version ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function limitOf(call: ApiCall): number {
  const text = call.query['limit'];
  if (text === undefined || text === '') return 0;
  const limit = Number(text);
  if (!Number.isInteger(limit)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Math.max(0, limit);
}

function checkVersionMatch(version: string | undefined, match: string | undefined, token: string): void {
  const has = version !== undefined && version !== '';
  if (token !== '' && has && version !== '0') throw badRequest('specifying resource version is not allowed when using continue');
  if (match === undefined || match === '') return;
  if (match !== 'Exact' && match !== 'NotOlderThan') throw badRequest(`resourceVersionMatch: Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`);
  if (token !== '') throw badRequest('resourceVersionMatch is forbidden for continue');
  if (!has) throw badRequest('resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (match === 'Exact' && version === '0') throw badRequest('resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
}
