import type { BenchRow } from './bench-row.ts';

export interface TablePaint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
}

const columns = [
  { title: 'work', width: 40 },
  { title: 'rate', width: 10 },
  { title: 'p50 / p99 ms', width: 15 },
  { title: 'used per op', width: 15 },
  { title: 'goal', width: 8 },
  { title: 'original', width: 9 },
  { title: 'RSS MiB', width: 8 },
] as const;

/** The head of the table. */
export function tableHead(paint: TablePaint): string {
  return paint.dim(columns.map(({ title, width }, index) => (index === 0 ? title.padEnd(width) : title.padStart(width))).join(' '));
}

/** One row; a missed goal is said. */
export function tableRow(row: BenchRow, paint: TablePaint): string {
  const used = row.cpuMsPerOp === undefined ? (row.value === undefined ? '-' : `${digits(row.value)} ${row.unit}`) : `${digits(row.cpuMsPerOp)} CPU-ms`;
  const cells = [
    row.name,
    row.perSecond === undefined ? '' : `${Math.round(row.perSecond).toLocaleString('en-US')}/s`,
    row.p50Ms === undefined || row.p99Ms === undefined ? '' : `${digits(row.p50Ms)} / ${digits(row.p99Ms)}`,
    used, String(row.goal), String(row.original), row.residentMiB.toFixed(0),
  ];
  const line = columns.map(({ width }, index) => (index === 0 ? (cells[index] ?? '').padEnd(width) : (cells[index] ?? '').padStart(width))).join(' ');
  const mark = row.isMissed ? paint.bad('  missed') : paint.good('  ok');
  return `${line}${mark}${row.remark === undefined ? '' : `  ${row.remark}`}`;
}

/** One line of JSON for machines. */
export function jsonRow(row: BenchRow): string {
  return JSON.stringify(row);
}

/** Three digits that matter. */
function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toPrecision(2);
}
