import type { WatchItem } from '../request/api-call.ts';

type Batches = AsyncIterable<readonly WatchItem[]>;

/**
 * The same batches; calls `done` once when the initial events have been taken, or the watch has ended before. From then
 * on the reader reads `batches` itself.
 */
export function afterInitialEvents(batches: Batches, done: () => void): Batches {
  return {
    [Symbol.asyncIterator]() {
      const inner = batches[Symbol.asyncIterator]();
      let isDone = false;
      let isLast = false;
      const finish = (): void => {
        if (!isDone) done();
        isDone = true;
      };
      const next = async (): Promise<IteratorResult<readonly WatchItem[]>> => {
        // The reader asks for more: what it had is sent.
        if (isLast) finish();
        try {
          const result = await inner.next();
          if (result.done === true) finish();
          else isLast ||= result.value.some(({ initialEventsEnd }) => initialEventsEnd === true);
          return result;
        } catch (error) {
          finish();
          throw error;
        }
      };
      return {
        next: () => (isDone ? inner.next() : next()),
        async return() {
          finish();
          await inner.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
