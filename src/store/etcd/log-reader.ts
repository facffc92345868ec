import type { Commit } from '../change-log.ts';
import { StoreError } from '../store.ts';
import type { EtcdClient } from './etcd-client.ts';
import { storeErrorOf } from './etcd-errors.ts';
import { commitsOf } from './feed.ts';
import type { KeySpace } from './key-space.ts';
import { methods } from './methods.ts';
import { openWatchStream, type EtcdEvent } from './watch-stream.ts';

export interface LogReaderOptions {
  readonly client: EtcdClient;
  readonly keys: KeySpace;
  /** Hears of compaction by others. */
  readonly onCompacted: (revision: number) => void;
}

/** Attempts at different members. */
const maxAttempts = 4;

/** Some commits directly above `afterRevision` and not above `upTo`, from etcd's history. Throws `compacted`. */
export async function readLog({ client, keys, onCompacted }: LogReaderOptions, afterRevision: number, upTo: number): Promise<readonly Commit[]> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await firstEvents(client, afterRevision);
    if ('events' in outcome) {
      return commitsOf(outcome.events, { keys, afterRevision, originalOf: (_key, value) => value }).filter(({ revision }) => revision <= upTo);
    }
    if (outcome.compactRevision > 0) {
      onCompacted(outcome.compactRevision);
      throw new StoreError('compacted', `revision ${afterRevision} has been compacted; the oldest is ${outcome.compactRevision}`);
    }
    if (attempt >= maxAttempts) throw storeErrorOf(Object.assign(new Error(outcome.failure.details), outcome.failure));
    client.leaveMember(outcome.failure);
  }
}

type Outcome = { readonly events: readonly EtcdEvent[] } | Parameters<Parameters<typeof openWatchStream>[2]['onEnd']>[0];

function firstEvents(client: EtcdClient, afterRevision: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const stream = openWatchStream(client, { startRevision: afterRevision + 1 }, {
      onEvents(events) {
        stream.close();
        resolve({ events });
      },
      onEnd: resolve,
    });
  });
}

/**
 * Up to where history is gone, not above `head`; 0: nowhere (or to the first revision, which is empty). etcd tells it to
 * nobody but a watch that asks for what is gone, and to that only some time later; so it is found by reads.
 */
export async function findCompacted(client: EtcdClient, head: number): Promise<number> {
  const isReadable = async (revision: number): Promise<boolean> => {
    try {
      await client.call(methods.range, { key: Buffer.from([0]), revision, countOnly: true });
      return true;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'compacted') return false;
      throw error;
    }
  };
  if (head <= 1 || (await isReadable(1))) return 0;
  let gone = 1;
  let kept = head;
  while (kept - gone > 1) {
    const middle = Math.floor((gone + kept) / 2);
    if (await isReadable(middle)) kept = middle;
    else gone = middle;
  }
  return kept;
}
