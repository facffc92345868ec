/** Lists of a job's indexes, as `1,3-5,7`. Source: API reference of Job (completedIndexes). */

export interface Interval {
  readonly first: number;
  readonly last: number;
}

/** The intervals of a list, or why it is none. `completions` is the number of indexes. */
export function parseIndexes(text: string, completions: number): readonly Interval[] | string {
  const intervals: Interval[] = [];
  if (text === '') return intervals;
  for (const part of text.split(',')) {
    const interval = parseInterval(part, completions);
    if (typeof interval === 'string') return interval;
    const previous = intervals.at(-1)?.last;
    if (previous !== undefined && previous >= interval.first) return `non-increasing order, previous: ${previous}, current: ${interval.first}`;
    intervals.push(interval);
  }
  return intervals;
}

function parseInterval(text: string, completions: number): Interval | string {
  const limits = text.split('-');
  if (limits.length > 2) return `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  const numbers: number[] = [];
  for (const limit of limits) {
    if (!/^\+?\d+$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`;
    if (Number(limit) >= completions) return `too large index: ${JSON.stringify(limit)}`;
    numbers.push(Number(limit));
  }
  const [first = 0, last = first] = numbers;
  return numbers.length === 2 && first >= last ? `non-increasing order, previous: ${first}, current: ${last}` : { first, last };
}

export function countIndexes(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** The first index that two lists share. */
export function sharedIndex(some: readonly Interval[], others: readonly Interval[]): number | undefined {
  for (const one of some) for (const other of others) if (one.first <= other.last && other.first <= one.last) return Math.max(one.first, other.first);
  return undefined;
}
