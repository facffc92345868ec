/** Times as API objects hold them. */

/** `metav1.Time`: RFC 3339, UTC, whole seconds (cut, not rounded). */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** `metav1.MicroTime`: RFC 3339, UTC, microseconds. */
export function microTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}

/** Milliseconds since the epoch; 0 for an absent time. */
export function timeMs(time: string | undefined): number {
  return time === undefined ? 0 : Date.parse(time);
}
