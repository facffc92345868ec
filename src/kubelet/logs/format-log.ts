import type { LogQuery } from './log-query.ts';

export interface LogLine {
  readonly atMs: number;
  /** RFC 3339 with nanoseconds, where it is known more exactly. */
  readonly timestamp?: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
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

export function formatLogLine(line: LogLine, query: LogQuery): string {
  return query.timestamps === true ? `${line.timestamp ?? new Date(line.atMs).toISOString()} ${line.text}\n` : `${line.text}\n`;
}
