import type { ApiResult, WatchItem } from '../request/api-call.ts';

/** The result, which calls back once when it is over: a watch that ended, a stream that was read, a connection that closed. */
export function onEnd(result: ApiResult, callback: () => void): ApiResult {
  let isOver = false;
  const end = (): void => {
    if (!isOver) callback();
    isOver = true;
  };
  switch (result.is) {
    case 'watch':
      return { ...result, batches: followed<readonly WatchItem[]>(result.batches, end) };
    case 'raw':
      if (typeof result.body === 'string' || result.body instanceof Uint8Array) break;
      return { ...result, body: followed(result.body, end) };
    case 'upgrade':
      return { ...result, take: (...given) => result.take(...given).finally(end) };
    default:
  }
  end();
  return result;
}

async function* followed<T>(inner: AsyncIterable<T>, end: () => void): AsyncGenerator<T> {
  try {
    yield* inner;
  } finally {
    end();
  }
}
