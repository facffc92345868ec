/**
 * How many watches clients may have open. They take no seats of flow control once they have begun, and each costs memory as
 * long as it lasts; kube-apiserver has no such limit.
 */
import { tooManyRequests } from '#apimachinery/status-error.ts';
import type { Sum } from '../metrics/series.ts';
import { Sums, gaugeText, labelText } from '../metrics/series.ts';
import type { CallHandler } from './in-process.ts';

export interface WatchLimits {
  /** Of all users together. Administrators (system:masters) may have more, so that somebody can look what is wrong. */
  readonly total: number;
  /** Of one user: nobody's clients can take all. */
  readonly perUser: number;
}

/**
 * Room for the watches of a cluster's nodes (kubelet and proxy have some fifteen each) at one of three servers. Measured:
 * ten thousand watches take about 190 MiB.
 */
export const usualWatchLimits: WatchLimits = { total: 40_000, perUser: 10_000 };

const retryAfterSeconds = 5;
type Bound = 'total' | 'user';

/** Counts the watches of HTTP clients and refuses those beyond the limits with 429. */
export class WatchLimiter {
  readonly #limits: WatchLimits;
  #open = 0;
  readonly #ofUsers = new Map<string, number>();
  readonly #refusals = new Sums('skiff_apiserver_watches_refused_total', 'Watches that were refused because too many are open, of all users (total) or of one (user).');
  readonly #refused: Readonly<Record<Bound, Sum>> = { total: this.#refusals.of(labelText({ limit: 'total' })), user: this.#refusals.of(labelText({ limit: 'user' })) };

  constructor(limits: WatchLimits) {
    this.#limits = limits;
  }

  /** `handle`, for calls that tell when they have been answered. */
  limited(handle: CallHandler): CallHandler {
    return (call) => {
      const { info, user, whenAnswered } = call;
      if (info.verb !== 'watch' || !info.isResource || whenAnswered === undefined) return handle(call);
      const { total, perUser } = this.#limits;
      const own = this.#ofUsers.get(user.name) ?? 0;
      if (own >= perUser) return this.#refuse('user', `user "${user.name}" has ${own} watches open, which is the limit`);
      if (this.#open >= total && !user.groups.includes('system:masters')) return this.#refuse('total', `${this.#open} watches are open, which is the limit of this server`);
      this.#count(user.name, 1);
      whenAnswered(() => this.#count(user.name, -1));
      return handle(call);
    };
  }

  text(): string {
    return `${gaugeText('skiff_apiserver_watches', 'Open watches of HTTP clients.', [[{}, this.#open]])}${this.#refusals.text()}`;
  }

  #count(user: string, by: 1 | -1): void {
    this.#open += by;
    const left = (this.#ofUsers.get(user) ?? 0) + by;
    if (left > 0) this.#ofUsers.set(user, left);
    else this.#ofUsers.delete(user);
  }

  #refuse(bound: Bound, message: string): Promise<never> {
    this.#refused[bound].value++;
    return Promise.reject(tooManyRequests(message, retryAfterSeconds));
  }
}
