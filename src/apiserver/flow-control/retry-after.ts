/** The most that a client is asked to stay away. Seconds. */
const maxSeconds = 32;

/**
 * How long who is refused should stay away: twice as long when many were refused lately, a little shorter when few were.
 * Of one priority level. Time is given in whole seconds.
 *
 * Source: behaviour of the v1.36 API server, header Retry-After.
 */
export class RetryAfter {
  /** How many were refused in each of the latest seconds, at most `maxSeconds` and one of them. */
  readonly #history: { readonly second: number; readonly count: number }[] = [];
  #second = 0;
  #count = 0;
  #seconds = 1;
  #raisedAt = 0;

  get seconds(): number {
    return this.#seconds;
  }

  /** Somebody was refused. */
  note(second: number): void {
    if (second === this.#second) {
      this.#count++;
      return;
    }
    this.#history.push({ second: this.#second, count: this.#count });
    while (this.#second - (this.#history[0]?.second ?? this.#second) > maxSeconds) this.#history.shift();
    this.#second = second;
    this.#count = 1;
    this.#judge(second);
  }

  #judge(now: number): void {
    const refused = this.#history.reduce((sum, { second, count }) => sum + (now - second <= this.#seconds ? count : 0), 0);
    if (now - this.#raisedAt >= this.#seconds && refused >= 3 * this.#seconds) {
      this.#seconds = Math.min(maxSeconds, this.#seconds * 2);
      this.#raisedAt = now;
    } else if (refused < this.#seconds && this.#seconds > 1) {
      this.#seconds--;
    }
  }
}
