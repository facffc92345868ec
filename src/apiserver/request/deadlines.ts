import type { Clock, Timer } from '#base/clock.ts';
import { parseDuration } from '#apimachinery/go-duration.ts';
import { StatusError, badRequest } from '#apimachinery/status-error.ts';
import type { ApiCall, ApiResult } from './api-call.ts';
import type { CallHandler } from './in-process.ts';
import { isLongRunning } from './long-running.ts';

/** Requests are looked at this often: one timer for all, and only while some run. */
const tickMs = 500;

interface Running {
  readonly sinceMs: number;
  readonly giveUp: () => void;
}

/**
 * `handle`, answered with a 504 when it takes longer than `timeoutMs` (up to half a second more), or than the request itself
 * allows (`timeout=5s`); what it was about may happen nevertheless. Source: --request-timeout of kube-apiserver.
 */
export function withDeadline(handle: CallHandler, { clock, timeoutMs = Infinity }: { readonly clock: Clock; readonly timeoutMs?: number | undefined }): CallHandler {
  /** In the order in which they came. */
  const running = new Set<Running>();
  let timer: Timer | undefined;

  const look = (): void => {
    timer = undefined;
    const nowMs = clock.monotonicMs();
    for (const each of running) {
      if (nowMs - each.sinceMs < timeoutMs) break;
      running.delete(each);
      each.giveUp();
    }
    if (running.size > 0) timer = clock.after(tickMs, look);
  };

  return (call) => {
    if (isLongRunning(call.info)) return handle(call);
    const { timeout = '' } = call.query;
    if (timeout !== '') {
      const asked = parseDuration(timeout);
      if ('fault' in asked) return Promise.reject(badRequest(`invalid timeout specified in the request URL - ${asked.fault}`));
      const askedMs = asked.nanos / 1e6;
      if (askedMs > 0 && askedMs < timeoutMs) return within(askedMs, handle, call, clock);
    }
    if (timeoutMs === Infinity) return handle(call);
    return new Promise<ApiResult>((resolve, reject) => {
      const entry: Running = { sinceMs: clock.monotonicMs(), giveUp: () => reject(tookTooLong(call)) };
      running.add(entry);
      timer ??= clock.after(tickMs, look);
      handle(call).then(resolve, reject).finally(() => running.delete(entry));
    });
  };
}

function within(ms: number, handle: CallHandler, call: ApiCall, clock: Clock): Promise<ApiResult> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => reject(tookTooLong(call)));
    handle(call).then(resolve, reject).finally(() => timer.cancel());
  });
}

function tookTooLong({ notes }: ApiCall): StatusError {
  if (notes !== undefined) notes.isTerminated = true;
  return new StatusError(504, 'Timeout', 'Timeout: request did not complete within the allotted timeout', {});
}
