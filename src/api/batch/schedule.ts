/** Checks the five fields of a cron schedule. Source: Kubernetes documentation "CronJob", schedule syntax. */
const macros = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

interface FieldBounds {
  readonly low: number;
  readonly high: number;
  readonly names?: readonly string[];
}
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const bounds: readonly FieldBounds[] = [
  { low: 0, high: 59 },
  { low: 0, high: 23 },
  { low: 1, high: 31 },
  { low: 1, high: 12, names: ['', ...months] },
  { low: 0, high: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

/** What is wrong with the schedule; undefined when nothing is. */
export function scheduleError(schedule: string): string | undefined {
  const text = schedule.trim();
  if (text.startsWith('@every ')) return /^@every (\d+(\.\d+)?(ms|s|m|h))+$/.test(text) ? undefined : `failed to parse duration ${text}`;
  if (text.startsWith('@')) return macros.has(text) ? undefined : `unrecognized descriptor: ${text}`;
  const fields = text.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== bounds.length) return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  for (const [index, field] of fields.entries()) {
    const limits = bounds[index];
    if (limits === undefined) continue;
    for (const part of field.split(',')) {
      const error = partError(part, limits);
      if (error !== undefined) return error;
    }
  }
  return undefined;
}

/** `*`, `?`, `5`, `1-5`, each with `/step`. */
function partError(part: string, { low, high, names }: FieldBounds): string | undefined {
  const [range = '', step, ...more] = part.split('/');
  if (more.length > 0) return `too many slashes: ${part}`;
  if (step !== undefined && (!/^\d+$/.test(step) || Number(step) === 0)) return `step of range should be a positive number: ${part}`;
  if (range === '*' || range === '?') return undefined;
  const ends = range.split('-');
  if (ends.length > 2) return `too many hyphens: ${part}`;
  const numbers = ends.map((end) => (/^\d+$/.test(end) ? Number(end) : (names?.indexOf(end.toLowerCase()) ?? -1)));
  for (const [index, number] of numbers.entries()) if (number < 0) return `failed to parse int from ${ends[index] ?? ''}`;
  const [first = low, last = first] = numbers;
  if (first < low) return `beginning of range (${first}) below minimum (${low}): ${part}`;
  if (last > high) return `end of range (${last}) above maximum (${high}): ${part}`;
  return first > last ? `beginning of range (${first}) beyond end of range (${last}): ${part}` : undefined;
}
