import type { Clock } from '#base/clock.ts';
import type { Commit } from '../change-log.ts';
import { AgeMarks } from '../age-marks.ts';
import { entryBytes } from '../limits.ts';
import type { Retention } from '../store.ts';

/** Decides up to where history may go. It counts what passes; others may have compacted further. */
export class Past {
  readonly #clock: Clock;
  readonly #retention: Retention;
  readonly #ages: AgeMarks;
  /** Cumulated bytes at some revisions, not more than 32 in what may stay. */
  #marks: { readonly revision: number; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(clock: Clock, retention: Retention) {
    this.#clock = clock;
    this.#retention = retention;
    this.#ages = new AgeMarks(retention.ageMs);
  }

  /** Notes new commits; answers the revision to compact to (0: none). It waits until half as much again has gathered as may stay. */
  add(commits: readonly Commit[], compacted: number): number {
    const { revisions, bytes } = this.#retention;
    let head = 0;
    for (const { revision, changes } of commits) {
      head = revision;
      for (const { key, entry } of changes) this.#bytes += entryBytes(key, entry?.value);
      const last = this.#marks.at(-1);
      if (last === undefined || this.#bytes - last.bytes >= bytes / 32) this.#marks.push({ revision, bytes: this.#bytes });
    }
    let target = this.#ages.note(this.#clock.monotonicMs(), head);
    if (head - compacted > revisions * 1.5) target = Math.max(target, head - revisions);
    if (this.#bytes - (this.#marks[0]?.bytes ?? this.#bytes) > bytes * 1.5) {
      const kept = this.#marks.findIndex((mark) => this.#bytes - mark.bytes <= bytes);
      this.#marks = this.#marks.slice(Math.max(0, kept));
      target = Math.max(target, (this.#marks[0]?.revision ?? 1) - 1);
    }
    return target > compacted ? target : 0;
  }
}
