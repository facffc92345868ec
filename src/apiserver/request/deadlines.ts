import type { Clock, Timer } from '#base/clock.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { ApiResult } from './api-call.ts';
import type { CallHandler } from './in-process.ts';
import { isLongRunning } from './long-running.ts';

/** Requests are looked at this often: one timer for all, and only while some run. */
const tickMs = 500;

interface Running {
  readonly sinceMs: number;
  readonly give: (error: StatusError) => void;
}

/**
 * `handle`, answered with a 504 when it takes longer than `timeoutMs`, up to half a second more; what it was about may
 * happen nevertheless. Source: --request-timeout of kube-apiserver.
 */
export function withDeadline(handle: CallHandler, { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number }): CallHandler {
  /** In the order in which they came. */
  const running = new Set<Running>();
  let timer: Timer | undefined;

  const look = (): void => {
    timer = undefined;
    const nowMs = clock.monotonicMs();
    for (const each of running) {
      if (nowMs - each.sinceMs < timeoutMs) break;
      running.delete(each);
      each.give(new StatusError(504, 'Timeout', 'Timeout: request did not complete within the allotted timeout', {}));
    }
    if (running.size > 0) timer = clock.after(tickMs, look);
  };

  return (call) => {
    if (isLongRunning(call.info)) return handle(call);
    return new Promise<ApiResult>((resolve, reject) => {
      const entry: Running = { sinceMs: clock.monotonicMs(), give: reject };
      running.add(entry);
      timer ??= clock.after(tickMs, look);
      handle(call).then(resolve, reject).finally(() => running.delete(entry));
    });
  };
}
