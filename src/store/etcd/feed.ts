import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Commit } from '../change-log.ts';
import type { StoreChange, StoreEntry } from '../store.ts';
import type { EtcdClient } from './etcd-client.ts';
import type { KeySpace } from './key-space.ts';
import { openWatchStream, type EtcdEvent, type WatchStream } from './watch-stream.ts';

export interface FeedOptions {
  readonly client: EtcdClient;
  readonly keys: KeySpace;
  readonly log: Logger;
  /** The machine's own: the other end is a real program. */
  readonly clock: Clock;
  /** Everything up to here is known. */
  readonly afterRevision: number;
  /** The array that a caller gave for these very bytes, if there is one. */
  readonly originalOf: (key: string, value: Uint8Array) => Uint8Array;
  readonly onCommits: (commits: readonly Commit[]) => void;
  /** History was compacted while no member could be reached: what happened meanwhile is not known. */
  readonly onGap: (compactRevision: number) => void;
}

const firstDelayMs = 50;
const maxDelayMs = 1_000;

/**
 * All changes there are, in order, from one watch of etcd's whole key space, so that every revision shows itself and
 * nothing has to be asked about progress. When a member is lost, the watch goes on at another one where it ended.
 */
export class Feed {
  readonly #options: FeedOptions;
  #revision: number;
  #stream: WatchStream | undefined;
  #delayMs = firstDelayMs;
  #isClosed = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#revision = options.afterRevision;
    this.#open();
  }

  close(): void {
    this.#isClosed = true;
    this.#stream?.close();
  }

  #open(): void {
    const { client, clock, log } = this.#options;
    this.#stream = openWatchStream(client, { startRevision: this.#revision + 1 }, {
      onEvents: (events) => {
        this.#delayMs = firstDelayMs;
        this.#take(events);
      },
      onEnd: ({ failure, compactRevision }) => {
        if (this.#isClosed) return;
        if (compactRevision > 0) {
          this.#isClosed = true;
          return this.#options.onGap(compactRevision);
        }
        log.warn({ why: failure.details, revision: this.#revision }, 'the watch of etcd broke; it goes on at another member');
        client.leaveMember(failure);
        clock.after(this.#delayMs, () => {
          if (!this.#isClosed) this.#open();
        });
        this.#delayMs = Math.min(maxDelayMs, this.#delayMs * 2);
      },
    });
  }

  #take(events: readonly EtcdEvent[]): void {
    const commits = commitsOf(events, { keys: this.#options.keys, afterRevision: this.#revision, originalOf: this.#options.originalOf });
    const last = commits.at(-1);
    if (last === undefined) return;
    this.#revision = last.revision;
    this.#options.onCommits(commits);
  }
}

/** The commits of events, one per revision without gaps: revisions that changed only others' keys are empty. */
export function commitsOf(
  events: readonly EtcdEvent[], { keys, afterRevision, originalOf }: Pick<FeedOptions, 'keys' | 'afterRevision' | 'originalOf'>,
): Commit[] {
  const commits: { revision: number; changes: StoreChange[] }[] = [];
  let revision = afterRevision;
  for (const { type, kv } of events) {
    if (kv === undefined || kv.modRevision <= afterRevision) continue;
    while (revision < kv.modRevision) commits.push({ revision: ++revision, changes: [] });
    const key = keys.keyOf(kv.key);
    if (key === undefined) continue;
    const entry: StoreEntry | undefined = type === deleted ? undefined : { key, value: originalOf(key, kv.value), createRevision: kv.createRevision, modRevision: kv.modRevision };
    commits.at(-1)?.changes.push({ type: entry === undefined ? 'delete' : 'put', key, revision: kv.modRevision, entry });
  }
  return commits;
}

/** Of etcd's event types. */
const deleted = 1;
