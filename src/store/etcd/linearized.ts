/**
 * Shares one question among all who ask at the same time. A caller never gets an answer to a question that was asked
 * before its call: whoever comes while one is under way shares the next one.
 */
export class Linearized<T> {
  readonly #ask: () => Promise<T>;
  #underWay: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  get(): Promise<T> {
    if (this.#underWay === undefined) return this.#start();
    this.#next ??= this.#underWay.then(() => this.#start(), () => this.#start());
    return this.#next;
  }

  #start(): Promise<T> {
    this.#next = undefined;
    const asked = this.#ask();
    this.#underWay = asked;
    const over = (): void => {
      if (this.#underWay === asked) this.#underWay = undefined;
    };
    asked.then(over, over);
    return asked;
  }
}
