/**
 * How long ago something was, as `kubectl get` shows it: two units at most, the finer one only while it matters.
 *
 * Source: behaviour of Kubernetes' printers (AGE columns).
 */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** `age('2026-01-01T00:00:00Z', nowMs)` is `3m20s`; `<unknown>` where there is no time. */
export function age(timestamp: string | null | undefined, nowMs: number): string {
  if (timestamp === undefined || timestamp === null || timestamp === '') return '<unknown>';
  return humanDuration(nowMs - Date.parse(timestamp));
}

/** `45s`, `3m20s`, `5h10m`, `3d4h`, `2y35d`. Up to a second into the future counts as now. */
export function humanDuration(durationMs: number): string {
  if (durationMs <= -2 * second) return '<invalid>';
  if (durationMs < 0) return '0s';
  if (durationMs < 2 * minute) return whole(durationMs, second, 's');
  if (durationMs < 10 * minute) return split(durationMs, minute, 'm', second, 's');
  if (durationMs < 3 * hour) return whole(durationMs, minute, 'm');
  if (durationMs < 8 * hour) return split(durationMs, hour, 'h', minute, 'm');
  if (durationMs < 2 * day) return whole(durationMs, hour, 'h');
  if (durationMs < 8 * day) return split(durationMs, day, 'd', hour, 'h');
  if (durationMs < 2 * year) return whole(durationMs, day, 'd');
  if (durationMs < 8 * year) return split(durationMs, year, 'y', day, 'd');
  return whole(durationMs, year, 'y');
}

function whole(durationMs: number, unitMs: number, name: string): string {
  return `${Math.floor(durationMs / unitMs)}${name}`;
}

function split(durationMs: number, unitMs: number, name: string, finerMs: number, finerName: string): string {
  const finer = Math.floor((durationMs % unitMs) / finerMs);
  return finer === 0 ? whole(durationMs, unitMs, name) : `${whole(durationMs, unitMs, name)}${finer}${finerName}`;
}
