import type { LogQuery } from './log-query.ts';

export interface LogLine {
  readonly atMs: number;
  /** RFC 3339 with nanoseconds, where it is known more exactly. */
  readonly timestamp?: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  /** The line goes on in the next one, or was not ended. */
  readonly isPartial?: boolean;
  /** It goes on with the one before. */
  readonly continues?: boolean;
}

/** The lines a query asks for, as they are sent. Pure. */
export function formatLogLines(lines: readonly LogLine[], query: LogQuery): Uint8Array {
  let wanted = lines.filter((line) => selects(query, line));
  if (query.tailLines !== undefined) wanted = query.tailLines === 0 ? [] : wanted.slice(-query.tailLines);
  const text = wanted.map((line) => formatLogLine(line, query)).join('');
  const bytes = new TextEncoder().encode(text);
  return query.limitBytes === undefined ? bytes : bytes.subarray(0, query.limitBytes);
}

export function selects(query: LogQuery, line: Pick<LogLine, 'atMs' | 'stream'>): boolean {
  if (query.sinceMs !== undefined && line.atMs < query.sinceMs) return false;
  return query.stream === undefined || query.stream === 'All' || query.stream.toLowerCase() === line.stream;
}

export function formatLogLine({ atMs, timestamp, text, isPartial, continues }: LogLine, query: LogQuery): string {
  const time = query.timestamps === true && continues !== true ? `${timestamp ?? new Date(atMs).toISOString()} ` : '';
  return `${time}${text}${isPartial === true ? '' : '\n'}`;
}
