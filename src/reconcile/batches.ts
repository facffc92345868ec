/** What came of a number of like writes. */
export interface BatchResult {
  readonly succeeded: number;
  /** The first failure. When there is one, later batches were not tried. */
  readonly error?: unknown;
}

/**
 * Does `count` like writes: first one, then twice as many at once each time, and stops at the first batch with a failure.
 * So a write that cannot succeed (a quota is used up) costs the server few requests.
 */
export async function slowStartBatches(count: number, write: (index: number) => Promise<unknown>): Promise<BatchResult> {
  let succeeded = 0;
  let next = 0;
  for (let size = 1; next < count; size *= 2) {
    const batch = Array.from({ length: Math.min(size, count - next) }, (_, offset) => write(next + offset));
    next += batch.length;
    const results = await Promise.allSettled(batch);
    succeeded += results.filter((result) => result.status === 'fulfilled').length;
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) return { succeeded, error: failed.reason };
  }
  return { succeeded };
}
