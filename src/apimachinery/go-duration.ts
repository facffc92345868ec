/** Durations as Go prints and reads them: 1h2m3.5s. */

const nanosPerUnit: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** In nanoseconds; what is no duration counts as far as it can be read. */
export function durationNanos(text: string): number {
  let nanos = 0;
  for (const [, amount = '0', unit = 's'] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) nanos += Number(amount) * (nanosPerUnit[unit] ?? 0);
  return Math.round(text.startsWith('-') ? -nanos : nanos);
}

export function durationText(nanos: number): string {
  if (nanos === 0) return '0s';
  const sign = nanos < 0 ? '-' : '';
  const total = Math.abs(nanos);
  if (total < 1e3) return `${sign}${total}ns`;
  if (total < 1e6) return `${sign}${total / 1e3}µs`;
  if (total < 1e9) return `${sign}${total / 1e6}ms`;
  const hours = Math.floor(total / 3600e9);
  const minutes = Math.floor((total % 3600e9) / 60e9);
  const seconds = (total % 60e9) / 1e9;
  return `${sign}${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`;
}

/** A duration, strictly: nanoseconds, or in Go's words what is wrong with the text. */
export function parseDuration(text: string): { readonly nanos: number } | { readonly fault: string } {
  const quoted = JSON.stringify(text);
  let rest = text.replace(/^[-+]/, '');
  if (rest === '0') return { nanos: 0 };
  if (rest === '') return { fault: `time: invalid duration ${quoted}` };
  let nanos = 0;
  while (rest !== '') {
    const [part = '', amount = '', unit = ''] = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest) ?? [];
    if (part === '') return { fault: `time: invalid duration ${quoted}` };
    if (unit === '') return { fault: `time: missing unit in duration ${quoted}` };
    const size = nanosPerUnit[unit];
    if (size === undefined) return { fault: `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}` };
    nanos += Number(amount) * size;
    rest = rest.slice(part.length);
  }
  return { nanos: Math.round(text.startsWith('-') ? -nanos : nanos) };
}
