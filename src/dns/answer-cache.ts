import type { Clock } from '#base/clock.ts';
import type { RelayedAnswer } from './relayed-answer.ts';

/** Entries, and the bytes of one: together at most 8 MiB, for names that pods ask for again within seconds. */
const maxEntries = 2000;
const maxAnswerBytes = 4096;
/** As CoreDNS comes with Kubernetes (`cache 30`): what changes elsewhere is seen within this time. */
const maxAgeMs = 30_000;

interface Entry {
  readonly answer: RelayedAnswer;
  readonly storedMs: number;
  readonly expiresMs: number;
}

/** Answers of others for as long as they hold; the one asked for longest ago makes room. */
export class AnswerCache {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Pick<Clock, 'monotonicMs'>;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): { readonly answer: RelayedAnswer; readonly ageSeconds: number } | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    const nowMs = this.#clock.monotonicMs();
    if (nowMs >= entry.expiresMs) return undefined;
    this.#entries.set(key, entry);
    return { answer: entry.answer, ageSeconds: Math.floor((nowMs - entry.storedMs) / 1000) };
  }

  /** Keeps the answer if it is whole and says something lasting: that names are so, or that there are none. */
  put(key: string, answer: RelayedAnswer): void {
    const { rcode, isTruncated, ttl } = answer.survey;
    if (isTruncated || ttl === 0 || (rcode !== 0 && rcode !== 3) || answer.bytes.length > maxAnswerBytes) return;
    const storedMs = this.#clock.monotonicMs();
    this.#entries.delete(key);
    this.#entries.set(key, { answer, storedMs, expiresMs: storedMs + Math.min(ttl * 1000, maxAgeMs) });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= maxEntries) break;
      this.#entries.delete(oldest);
    }
  }
}
