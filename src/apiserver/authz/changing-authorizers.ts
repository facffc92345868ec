import type { Authorizer } from './authorizer.ts';
import { decide, decideFully } from './authorizer.ts';

/** Authorizers in an order that may change while the server runs: what a file lists. */
export class ChangingAuthorizers implements Authorizer {
  readonly name = 'configured';
  #current: readonly Authorizer[];

  constructor(current: readonly Authorizer[]) {
    this.#current = current;
  }

  replace(next: readonly Authorizer[]): void {
    this.#current = next;
  }

  authorize(...given: Parameters<Authorizer['authorize']>): ReturnType<Authorizer['authorize']> {
    return decide(this.#current, ...given);
  }

  ask(...given: Parameters<Authorizer['authorize']>): ReturnType<typeof decideFully> {
    return decideFully(this.#current, ...given);
  }
}
