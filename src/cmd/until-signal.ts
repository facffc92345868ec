import type { Logger } from '#base/log.ts';

export interface Ending {
  /** Resolves at SIGINT, SIGTERM or SIGHUP; a second signal ends the process at once. */
  readonly signalled: Promise<void>;
  dispose(): void;
}

/** Makes this process end in order when it is told to, and with a line in the log when something breaks. */
export function endOnSignal(log: Logger): Ending {
  const { promise, resolve } = Promise.withResolvers<void>();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let count = 0;
  const onSignal = (): void => {
    if (++count > 1) process.exit(1);
    resolve();
  };
  const onCrash = (error: unknown): void => {
    log.error({ error }, 'a bug: this must not happen; the process ends');
    process.exit(70);
  };
  for (const name of names) process.on(name, onSignal);
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onCrash);
  return {
    signalled: promise,
    dispose() {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
