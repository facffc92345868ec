/** Remembers when revisions were written, coarsely, to tell which are older than an age. */
export class AgeMarks {
  readonly #ageMs: number;
  /** At most 256 marks in the age, and not more often than each second. */
  readonly #everyMs: number;
  #marks: { readonly atMs: number; readonly revision: number }[] = [];
  #passed = 0;

  constructor(ageMs: number) {
    this.#ageMs = ageMs;
    this.#everyMs = Math.max(1000, ageMs / 256);
  }

  /** Notes that `revision` is the newest at `nowMs`; answers the newest revision that is older than the age (0: none). */
  note(nowMs: number, revision: number): number {
    const last = this.#marks.at(-1);
    if (last === undefined || nowMs - last.atMs >= this.#everyMs) this.#marks.push({ atMs: nowMs, revision });
    const fresh = this.#marks.findIndex((mark) => nowMs - mark.atMs <= this.#ageMs);
    const old = fresh < 0 ? this.#marks.length : fresh;
    if (old > 0) {
      this.#passed = this.#marks[old - 1]?.revision ?? this.#passed;
      this.#marks = this.#marks.slice(old);
    }
    return this.#passed;
  }
}
