/**
 * When a cron schedule is due. Times are whole minutes in a time zone; what does not exist there (a clock that is set
 * forward) is skipped.
 *
 * Source: Kubernetes documentation "CronJob", schedule syntax.
 */
const minuteMs = 60_000;
const dayMs = 86_400_000;
/** No schedule that is ever due waits longer: 29 February may be 8 years away. */
const maxSearchDays = 366 * 9;

const macros: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *', '@monthly': '0 0 1 * *', '@weekly': '0 0 * * 0', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@hourly': '0 * * * *',
};
const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

export interface CronSchedule {
  /** The first time after `afterMs`, in ms since the epoch; undefined when there is none. */
  next(afterMs: number): number | undefined;
}

/** Throws when the schedule or the time zone is none; validated objects have good ones. */
export function parseSchedule(text: string, timeZone = 'UTC'): CronSchedule {
  const trimmed = text.trim();
  if (trimmed.startsWith('@every ')) return everySchedule(trimmed.slice('@every '.length));
  const fields = (macros[trimmed] ?? trimmed).split(/\s+/);
  if (fields.length !== 5) throw new RangeError(`not a schedule: ${text}`);
  const [minute = '*', hour = '*', day = '*', month = '*', weekday = '*'] = fields;
  const minutes = [...fieldValues(minute, 0, 59)].sort(ascending);
  const hours = [...fieldValues(hour, 0, 23)].sort(ascending);
  const days = fieldValues(day, 1, 31);
  const months = fieldValues(month, 1, 12, ['', ...monthNames]);
  const weekdays = fieldValues(weekday, 0, 7, dayNames);
  if (weekdays.has(7)) weekdays.add(0);
  const isAnyDay = /^[*?]/.test(day);
  const isAnyWeekday = /^[*?]/.test(weekday);
  const zone = new Zone(timeZone);

  const isDue = (date: Date): boolean => {
    if (!months.has(date.getUTCMonth() + 1)) return false;
    const [byDay, byWeekday] = [days.has(date.getUTCDate()), weekdays.has(date.getUTCDay())];
    // When both are given, either will do.
    return isAnyDay || isAnyWeekday ? byDay && byWeekday : byDay || byWeekday;
  };

  return {
    next(afterMs) {
      const startDay = Math.floor(zone.toLocal(afterMs) / dayMs) * dayMs;
      for (let ahead = 0; ahead <= maxSearchDays; ahead++) {
        const localDay = startDay + ahead * dayMs;
        if (!isDue(new Date(localDay))) continue;
        for (const atHour of hours) for (const atMinute of minutes) {
          const atMs = zone.toUtc(localDay + (atHour * 60 + atMinute) * minuteMs);
          if (atMs !== undefined && atMs > afterMs) return atMs;
        }
      }
      return undefined;
    },
  };
}

/** Local times are written as if they were UTC. */
class Zone {
  readonly #format: Intl.DateTimeFormat;

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    });
  }

  toLocal(utcMs: number): number {
    const part: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(utcMs)) part[type] = Number(value);
    return Date.UTC(part['year'] ?? 0, (part['month'] ?? 1) - 1, part['day'] ?? 1, part['hour'] ?? 0, part['minute'] ?? 0, part['second'] ?? 0);
  }

  /** undefined when that local time is left out by the clock being set forward; the first when it comes twice. */
  toUtc(localMs: number): number | undefined {
    const guessed = localMs - (this.toLocal(localMs) - localMs);
    const candidates = [guessed, guessed - 3_600_000, guessed + 3_600_000].filter((utcMs) => this.toLocal(utcMs) === localMs);
    return candidates.length === 0 ? undefined : Math.min(...candidates);
  }
}

function ascending(left: number, right: number): number {
  return left - right;
}

function fieldValues(field: string, low: number, high: number, names: readonly string[] = []): Set<number> {
  const values = new Set<number>();
  const number = (text: string): number => {
    const named = names.indexOf(text.toLowerCase());
    return named >= 0 && text !== '' ? named : Number(text);
  };
  for (const part of field.split(',')) {
    const [range = '*', step = '1'] = part.split('/');
    const isAny = range === '*' || range === '?';
    const [from = '', to] = range.split('-');
    const first = isAny ? low : number(from);
    // `5/10` goes on to the end.
    const last = isAny ? (high === 7 ? 6 : high) : to === undefined ? (part.includes('/') ? high : first) : number(to);
    for (let value = first; value <= last; value += Math.max(1, Number(step))) values.add(value);
  }
  return values;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: minuteMs, h: 3_600_000 };

function everySchedule(duration: string): CronSchedule {
  let everyMs = 0;
  for (const [, amount = '0', unit = 's'] of duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) everyMs += Number(amount) * (unitMs[unit] ?? 0);
  // Whole seconds, at least one.
  const stepMs = Math.max(1000, Math.floor(everyMs / 1000) * 1000);
  return { next: (afterMs) => Math.floor(afterMs / 1000) * 1000 + stepMs };
}
