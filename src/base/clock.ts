/**
 * Time as components see it. Nobody but this file calls `Date.now` or the timer functions, so a whole cluster can run
 * on a simulated clock and a failure replays exactly.
 */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start; never steps back. For measuring durations. */
  monotonicMs(): number;
  /** Runs `callback` once after `delayMs` (less than 0 counts as 0). Does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export interface Timer {
  /** Idempotent; does nothing when the timer has fired. */
  cancel(): void;
}

/** The longest delay the platform's timers take; longer ones are cut to it. */
const maxDelayMs = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const handle = setTimeout(callback, Math.min(Math.max(0, delayMs), maxDelayMs)) as unknown as { unref?: () => void };
    handle.unref?.();
    return { cancel: () => clearTimeout(handle as never) };
  },
  sleep: (delayMs, signal) => sleepOn(systemClock, delayMs, signal),
};

/**
 * Keeps the process alive although only timers are left, which do not: for whoever waits for something to happen.
 * Returns how to let go.
 */
export function stayAwake(): () => void {
  const handle = setInterval(() => {}, maxDelayMs);
  return () => clearInterval(handle);
}

/**
 * A clock that stands still until told to move. Timers fire in the order of their due times, those due at the same
 * instant in the order they were set; between two timers the microtask queue and I/O callbacks get their turn.
 */
export class SimulatedClock implements Clock {
  #nowMs: number;
  readonly #startMs: number;
  #sequence = 0;
  readonly #timers: { dueMs: number; sequence: number; callback: () => void }[] = [];

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, callback };
    const at = this.#timers.findIndex((other) => other.dueMs > timer.dueMs);
    this.#timers.splice(at < 0 ? this.#timers.length : at, 0, timer);
    return {
      cancel: () => {
        const index = this.#timers.indexOf(timer);
        if (index >= 0) this.#timers.splice(index, 1);
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** When the next timer is due (wall clock, ms), or undefined when none is set. */
  nextDueMs(): number | undefined {
    return this.#timers[0]?.dueMs;
  }

  /** Moves on by `byMs`, firing every timer that falls due on the way, and lets their consequences settle. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settle();
    for (;;) {
      const next = this.#timers[0];
      if (next === undefined || next.dueMs > untilMs) break;
      this.#timers.shift();
      this.#nowMs = next.dueMs;
      next.callback();
      await settle();
    }
    this.#nowMs = untilMs;
  }
}

/** Lets promise callbacks and already queued event-loop turns run; 4 turns cover a request through the pipeline. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

function sleepOn(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
