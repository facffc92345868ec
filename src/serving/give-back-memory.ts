import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** When a start is over and nobody waits for anything. */
export const giveBackAfterMs = 500;

/**
 * Collects all garbage now and gives the memory back: for the moment when a server has started and begins to wait. What
 * starting leaves behind is about an eighth of an idle server, and nothing else would collect it for a long time. Takes
 * about 30 ms.
 */
export function giveBackMemory(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;
  collect({ type: 'major', flavor: 'last-resort' });
}
