/** How long to wait between restarts of a container that keeps ending. Source: Kubernetes, "Container restart policy". */
export interface BackoffEntry {
  readonly delayMs: number;
  /** When it was last lengthened. */
  readonly updatedAtMs: number;
}

export interface BackoffLimits {
  readonly initialMs: number;
  readonly maxMs: number;
}

export const restartBackoff: BackoffLimits = { initialMs: 10_000, maxMs: 300_000 };

/** The entry after another attempt. A container that ran well for twice the longest delay starts from the beginning. */
export function nextBackoff(entry: BackoffEntry | undefined, eventMs: number, nowMs: number, limits: BackoffLimits): BackoffEntry {
  const delayMs = entry === undefined || isExpired(entry, eventMs, limits) ? limits.initialMs : Math.min(entry.delayMs * 2, limits.maxMs);
  return { delayMs, updatedAtMs: nowMs };
}

/** Until when to wait after something that happened at `eventMs`; undefined when there is no need. */
export function backoffUntilMs(entry: BackoffEntry | undefined, eventMs: number, nowMs: number, limits: BackoffLimits): number | undefined {
  if (entry === undefined || isExpired(entry, eventMs, limits)) return undefined;
  const untilMs = eventMs + entry.delayMs;
  return untilMs > nowMs ? untilMs : undefined;
}

function isExpired(entry: BackoffEntry, eventMs: number, { maxMs }: BackoffLimits): boolean {
  return eventMs - entry.updatedAtMs > 2 * maxMs;
}

/** As Go prints a duration of whole seconds: 10s, 1m20s, 5m0s. */
export function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m${seconds % 60}s`;
}
