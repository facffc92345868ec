import assert from 'node:assert/strict';
import { after, before } from 'node:test';

/**
 * What the tests of a file or a suite share: started before the first of them and closed after the last.
 * Gives the way to it, for use in tests. Where `skip` gives a reason, nothing is started.
 */
export function shared<T extends { close(): Promise<void> | void }>(start: () => Promise<T> | T, skip: string | false = false): () => T {
  let it: T | undefined;
  before(async () => {
    if (skip === false) it = await start();
  });
  after(() => it?.close());
  return () => {
    assert.ok(it !== undefined, 'what tests share is there while they run');
    return it;
  };
}
