import { seededRandom } from '#base/random.ts';
import type { StoreWrite } from './store.ts';

/** Writes under way at once in the killed process. */
export const writersInProcess = 6;
/** Keys that are written alone, and trios that are only ever written together. */
const singles = 40;
const trios = 10;

/** The write number `n` of a round; the writing and the checking process both compute it. */
export function crashOperation(round: number, n: number): readonly StoreWrite[] {
  const random = seededRandom(round * 1_000_003 + n);
  const tag = new TextEncoder().encode(`${round} ${n} `);
  // Some values fill more than a page of the file.
  const value = new Uint8Array(tag.byteLength + Math.floor(random.next() ** 4 * 9000)).fill(n % 251);
  value.set(tag);
  const choice = random.next();
  if (choice < 0.3) {
    const trio = Math.floor(random.next() * trios);
    return [0, 1, 2].map((part) => ({ key: `/trio/${trio}/${part}`, value, expect: { any: true } }));
  }
  const key = `/single/${Math.floor(random.next() * singles)}`;
  return choice < 0.5 ? [{ key, value: undefined, expect: { any: true } }] : [{ key, value, expect: { any: true } }];
}

/** Round and number of the write that made a value. */
export function operationOf(value: Uint8Array): { readonly round: number; readonly n: number } {
  const [round, n] = new TextDecoder().decode(value.subarray(0, 24)).split(' ');
  return { round: Number(round), n: Number(n) };
}
