import { tooManyRequests } from '#apimachinery/status-error.ts';
import type { CallHandler } from './in-process.ts';
import { isLongRunning } from './long-running.ts';

/** How many requests run at once; 0: as many as come. */
export interface InFlightLimits {
  readonly readOnly: number;
  readonly mutating: number;
}

const readVerbs = new Set(['get', 'list', 'watch']);

/**
 * `handle`, for so many requests at once that read and so many that write; what is too much is a 429. Takes the place of
 * priority and fairness. Administrators are let through. Source: --max-requests-inflight of kube-apiserver.
 */
export function withMaxInFlight(handle: CallHandler, limits: InFlightLimits): CallHandler {
  const running = { readOnly: 0, mutating: 0 };
  return async (call) => {
    if (isLongRunning(call.info) || call.user.groups.includes('system:masters')) return handle(call);
    const of = readVerbs.has(call.info.verb) ? 'readOnly' : 'mutating';
    if (limits[of] > 0 && running[of] >= limits[of]) {
      if (call.notes !== undefined) call.notes.isTerminated = true;
      throw tooManyRequests('Too many requests, please try again later.', 1);
    }
    running[of]++;
    try {
      return await handle(call);
    } finally {
      running[of]--;
    }
  };
}
