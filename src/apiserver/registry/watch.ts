/**
 * WATCH: a cursor on the log of a resource.
 *
 * Source: Kubernetes documentation, "API concepts: efficient detection of changes", "Streaming lists", "Watch bookmarks".
 */
import type { ResourceKind } from '#apimachinery/resource.ts';
import { hasReason, invalid } from '#apimachinery/status-error.ts';
import type { ApiCall, WatchItem, WatchResult } from '../request/api-call.ts';
import { isTrue } from '../request/api-call.ts';
import { CachedObject } from '../watch-cache/cached-object.ts';
import type { CacheEvent, EventLog } from '../watch-cache/event-log.ts';
import { freshEnough, selectedObjects, selectsConverted, versionNumber } from './read.ts';
import type { RegistryContext } from './registry-context.ts';
import { storePrefix } from './registry-context.ts';
import type { Selection } from './selection.ts';
import { fieldOf, selectingKind, selectionOf } from './selection.ts';
import { hubOf, readyCached, takesTime } from './served.ts';

/** A watch without `timeoutSeconds` ends between these, so that clients spread over servers again. */
const minTimeoutSeconds = 1800;
/** How many events go out at once; between two batches other work gets its turn. */
const batchSize = 500;
const bookmarkIntervalMs = 60_000;

/** Opens a watch. Throws before the first batch for what the request itself says (400, 410, 422). */
export async function watchFromCall(context: RegistryContext, served: ResourceKind, call: ApiCall): Promise<WatchResult> {
  const { resourceVersion, resourceVersionMatch } = call.query;
  const initial = call.query['sendInitialEvents'];
  checkInitialEvents(initial, resourceVersionMatch, context.streamsLists ?? true);
  const selection = selectionOf(served, call);
  const startsWithState = initial !== undefined ? isTrue(initial) : resourceVersion === undefined || resourceVersion === '' || resourceVersion === '0';
  await freshEnough(context, resourceVersion);
  const { log, release } = logFor(context, served, selection);
  try {
    // State and position are taken in one turn: nothing falls between them, nothing comes twice.
    const kind = hubOf(served);
    const later = selectsConverted(served, call);
    const state = !startsWithState ? [] : [...(later ? context.cache.of(kind).range(storePrefix(kind, call.info.namespace)) : selectedObjects(context, served, call, selection))];
    const fromNow = startsWithState || resourceVersion === undefined || resourceVersion === '' || resourceVersion === '0';
    const position = fromNow ? log.endPosition : log.positionAfter(versionNumber(resourceVersion));
    const start: Start = { selection, state, log, position, release, marksEndOfState: isTrue(initial), stateRevision: context.cache.revision };
    return { is: 'watch', kind: served, batches: follow(context, served, call, start) };
  } catch (error) {
    release();
    // As upstream: that the version is too old is told in the stream.
    if (hasReason(error, 'Expired')) return { is: 'watch', kind: served, batches: failing(error) };
    throw error;
  }
}

// eslint-disable-next-line require-yield -- it has nothing to say but the error
async function* failing(error: Error): AsyncGenerator<readonly WatchItem[]> {
  throw error;
}

/** The shortest log that has all events of a selection: that of one value of a field, where it asks for one. */
function logFor(context: RegistryContext, served: ResourceKind, { fields }: Selection): { readonly log: EventLog; readonly release: () => void } {
  const cache = context.cache.of(hubOf(served));
  const kind = selectingKind(served);
  const term = takesTime(served) ? undefined : fields.terms.find(({ negated, value, field }) => !negated && value !== '' && field !== 'metadata.namespace');
  if (term === undefined) return { log: cache.log, release: () => {} };
  const { field, value } = term;
  let isReleased = false;
  return {
    log: cache.takeLane(field, value, (object) => fieldOf(kind, object, field)),
    release() {
      if (!isReleased) cache.releaseLane(field, value);
      isReleased = true;
    },
  };
}

interface Start {
  readonly selection: Selection;
  /** What is still to be shown. */
  readonly state: CachedObject[];
  readonly log: EventLog;
  /** Gives the log back. */
  readonly release: () => void;
  readonly position: number;
  readonly marksEndOfState: boolean;
  readonly stateRevision: number;
}

async function* follow(context: RegistryContext, served: ResourceKind, call: ApiCall, start: Start): AsyncGenerator<readonly WatchItem[]> {
  const kind = hubOf(served);
  const slow = takesTime(served);
  const { selection, log } = start;
  const wantsBookmarks = isTrue(call.query['allowWatchBookmarks']);
  const { namespace } = call.info;
  const seconds = Number(call.query['timeoutSeconds'] ?? 0);
  const timeoutSeconds = seconds > 0 ? seconds : (context.minWatchSeconds ?? minTimeoutSeconds) * (1 + context.random.next());
  // Not AbortSignal.any: it looks at its sources anew on every question, and this is asked for every event.
  const ended = new AbortController();
  const { signal } = ended;
  const end = (): void => ended.abort();
  const timer = context.clock.after(timeoutSeconds * 1000, end);
  if (call.signal.aborted) end();
  else call.signal.addEventListener('abort', end, { once: true });
  const waiter = log.waiter(signal);
  try {
    // Shown and let go: the watch lives longer than what it began with.
    for (let some = start.state.splice(0, batchSize); some.length > 0; some = start.state.splice(0, batchSize)) {
      const state = slow ? (await readyCached(served, some)).filter((cached) => selection.matches(cached)) : some;
      yield state.map((cached) => ({ type: 'ADDED', cached }) as const);
    }
    if (start.marksEndOfState) yield [{ type: 'BOOKMARK', cached: bookmark(kind, start.stateRevision), initialEventsEnd: true }];
    let position = start.position;
    let marked = start.stateRevision;
    let markedAtMs = context.clock.nowMs();
    while (!signal.aborted) {
      const { isEnded } = log;
      const events = log.eventsFrom(position);
      if (events.length > 0) {
        position += events.length;
        for (let from = 0; from < events.length; from += batchSize) {
          const some = events.slice(from, from + batchSize);
          const items = slow ? await convertedItems(served, some, selection, namespace) : itemsFor(kind, some, selection, namespace);
          if (items.length > 0) yield items;
        }
        continue;
      }
      if (isEnded) return;
      const nowMs = context.clock.nowMs();
      if (wantsBookmarks && nowMs - markedAtMs >= bookmarkIntervalMs) {
        if (context.cache.revision > marked) yield [{ type: 'BOOKMARK', cached: bookmark(kind, context.cache.revision) }];
        marked = context.cache.revision;
        markedAtMs = nowMs;
        continue;
      }
      await waiter.changed();
    }
  } finally {
    timer.cancel();
    call.signal.removeEventListener('abort', end);
    waiter.dispose();
    start.release();
  }
}

/** `itemsFor` of a version to which conversion takes time. */
async function convertedItems(served: ResourceKind, events: readonly CacheEvent[], selection: Selection, namespace: string): Promise<readonly WatchItem[]> {
  const [currents, previous] = await Promise.all([
    readyCached(served, events.map(({ current }) => current)),
    readyCached(served, events.flatMap((event) => event.previous ?? [])),
  ]);
  let at = 0;
  const shown = events.map((event, index): CacheEvent => ({ ...event, current: currents[index] ?? event.current, previous: event.previous === undefined ? undefined : previous[at++] }));
  const items = itemsFor(hubOf(served), shown, selection, namespace);
  const held = await readyCached(served, items.map(({ cached }) => cached));
  return items.map((item, index) => ({ ...item, cached: held[index] ?? item.cached }));
}

/** What a watcher with this selection sees of the events: an object that starts to match is added, one that ceases to is deleted. */
function itemsFor(kind: ResourceKind, events: readonly CacheEvent[], selection: Selection, namespace: string): WatchItem[] {
  const items: WatchItem[] = [];
  for (const { type, current, previous, revision } of events) {
    if (namespace !== '' && kind.scope === 'Namespaced' && current.object.metadata.namespace !== namespace) continue;
    if (selection.selectsAll) {
      items.push({ type, cached: current });
      continue;
    }
    const matched = previous !== undefined && selection.matches(previous);
    const matches = type !== 'DELETED' && selection.matches(current);
    if (matches) items.push({ type: matched ? 'MODIFIED' : 'ADDED', cached: current });
    else if (matched) {
      items.push({ type: 'DELETED', cached: type === 'DELETED' ? current : new CachedObject(kind, previous.key, revision, previous.bytes) });
    }
  }
  return items;
}

/** An object that has nothing but a resourceVersion. */
function bookmark(kind: ResourceKind, revision: number): CachedObject {
  const bytes = Buffer.from(`{"kind":${JSON.stringify(kind.kind)},"apiVersion":${JSON.stringify(kind.apiVersion)},"metadata":{"creationTimestamp":null}}`);
  return new CachedObject(kind, '', revision, bytes);
}

function checkInitialEvents(initial: string | undefined, match: string | undefined, isOn: boolean): void {
  const options = { group: 'meta.k8s.io', kind: 'ListOptions' };
  if (initial !== undefined && !isOn) {
    throw invalid(options, '', [{ type: 'FieldValueForbidden', path: 'sendInitialEvents', detail: 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled' }]);
  }
  if (initial !== undefined && match !== 'NotOlderThan') {
    throw invalid(options, '', [{ type: 'FieldValueForbidden', path: 'resourceVersionMatch', detail: 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan' }]);
  }
  if (initial === undefined && match !== undefined && match !== '') {
    throw invalid(options, '', [{ type: 'FieldValueForbidden', path: 'resourceVersionMatch', detail: 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided' }]);
  }
}
