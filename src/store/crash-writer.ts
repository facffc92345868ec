/**
 * The process that `crash.test.ts` kills: writes without end and says on its output what has been acknowledged, as
 * lines of number and revision. Arguments: file, round, revisions to keep.
 */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { systemClock } from '#base/clock.ts';
import { systemRandom } from '#base/random.ts';
import { crashOperation, writersInProcess } from './crash-operation.ts';
import { openSqliteStore } from './sqlite.ts';

const [file = '', round = '', revisions = ''] = process.argv.slice(2);
const store = await openSqliteStore({ file, clock: systemClock, random: systemRandom, retention: { revisions: Number(revisions) } });
// At the end would be too late.
flushCompileCache();
let next = 0;

async function write(): Promise<never> {
  for (;;) {
    const n = next++;
    const writes = crashOperation(Number(round), n);
    const only = writes.length === 1 ? writes[0] : undefined;
    // All three ways to write are taken.
    const result = await (only === undefined
      ? store.transaction(writes)
      : only.value === undefined
        ? store.delete(only.key, only.expect)
        : store.put(only.key, only.value, only.expect));
    report(`${n} ${result.ok ? result.revision : 0}\n`);
  }
}

/** At once, whatever comes next: a pipe that is full says EAGAIN until the reader has read. */
function report(line: string): void {
  for (;;) {
    try {
      writeSync(1, line);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

await Promise.all(Array.from({ length: writersInProcess }, write));
