/**
 * Keeps a sink equal to what the server has of one kind: lists, then watches from there, for as long as `signal` lasts.
 * Any failure is followed by a pause that grows (0.8 s to 30 s) and a new attempt; 410 leads to a new list at once.
 *
 * Source: client-go's documented list-watch behaviour; KEP-956 (bookmarks).
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { hasReason, StatusError } from '#apimachinery/status-error.ts';
import { Backoff } from './backoff.ts';
import type { Client, ListOptions } from './client.ts';
import type { InformerScope } from './informer.ts';
import type { WatchEvent } from './transport.ts';

/** What a reflector feeds. */
export interface ReflectorSink<T extends KubeObject> {
  /** Everything there is at `resourceVersion`. */
  replace(objects: readonly T[], resourceVersion: string): Promise<void>;
  /** Changes in order, bookmarks among them. */
  apply(events: readonly WatchEvent<T>[]): void;
}

export interface ReflectorDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Objects per page of the first list. Servers answer a list at version 0 from memory, whole. */
const pageSize = 500;
/** A watch is renewed after 5 to 10 minutes, so that clients spread over servers again. */
const minWatchSeconds = 300;
/** A connection that lived this long was a good one: the next pause starts small again. */
const goodWatchMs = 10_000;
const shortWatchMs = 1000;

/** Returns when `signal` aborts; never throws. */
export async function reflect<T extends KubeObject>(
  { client, clock, random, log }: ReflectorDependencies,
  kind: ResourceKind<T>,
  scope: InformerScope,
  sink: ReflectorSink<T>,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff({ initialMs: 800, maxMs: 30_000, factor: 2, jitter: 1 }, random);
  /** Where the sink is; undefined when it must be filled anew. */
  let at: string | undefined;
  /** The newest version ever shown, which a new list must not fall behind. '0': any will do. */
  let newest = '0';

  while (!signal.aborted) {
    const startedMs = clock.monotonicMs();
    try {
      if (at === undefined) {
        at = await list(newest);
        newest = at;
      }
      await watch();
      // The server ended the watch in good order; one that ends at once would be a busy loop.
      if (clock.monotonicMs() - startedMs >= shortWatchMs) continue;
    } catch (error) {
      if (signal.aborted) return;
      if (isGone(error)) {
        at = undefined;
        continue;
      }
      // A server that lags behind what was seen, or has lost the version: ask for the newest instead.
      if (hasReason(error, 'Timeout') && at === undefined) newest = '';
      log.debug({ kind: kind.kind, error }, 'list or watch failed, trying again');
    }
    if (clock.monotonicMs() - startedMs >= goodWatchMs) backoff.reset();
    await clock.sleep(backoff.nextMs(), signal).catch(() => {});
  }

  async function list(resourceVersion: string): Promise<string> {
    const objects: T[] = [];
    let next: string | undefined;
    let version: string;
    // Bounded by the server: every page brings at least one object or the end.
    do {
      const page = await client.list(kind, {
        ...scope,
        signal,
        ...(next !== undefined ? { limit: pageSize, continue: next } : firstPage(resourceVersion)),
      });
      for (const item of page.items) objects.push(item);
      version = page.metadata.resourceVersion;
      next = page.metadata.continue === '' ? undefined : page.metadata.continue;
    } while (next !== undefined);
    await sink.replace(objects, version);
    return version;
  }

  async function watch(): Promise<void> {
    const events = client.watch(kind, {
      ...scope,
      resourceVersion: at ?? '0',
      allowWatchBookmarks: true,
      timeoutSeconds: minWatchSeconds + Math.floor(random.next() * minWatchSeconds),
      signal,
    });
    for await (const batch of events) {
      sink.apply(batch);
      const last = batch.at(-1);
      if (last !== undefined) {
        at = last.object.metadata.resourceVersion;
        newest = at;
        backoff.reset();
      }
    }
  }
}

function firstPage(resourceVersion: string): Pick<ListOptions, 'limit' | 'resourceVersion' | 'resourceVersionMatch'> {
  switch (resourceVersion) {
    case '':
      return { limit: pageSize };
    case '0':
      return { resourceVersion };
    default:
      return { resourceVersion, resourceVersionMatch: 'NotOlderThan' };
  }
}

function isGone(error: unknown): boolean {
  return error instanceof StatusError && error.code === 410;
}
