/** What the original needs for each row on a machine like ours, and what Skiff aims at. CPU-milliseconds per operation. */
export interface Goal {
  readonly original: number;
  readonly goal: number;
}

/** One line of the result. */
export interface BenchRow {
  readonly name: string;
  /** Undefined where the row is no stream of operations. */
  readonly perSecond?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly cpuMsPerOp?: number;
  /** For rows of another unit than CPU-milliseconds. */
  readonly value?: number;
  readonly unit: string;
  readonly original: number;
  readonly goal: number;
  readonly isMissed: boolean;
  /** Of all server processes, when the row was over. */
  readonly residentMiB: number;
  readonly remark?: string;
}
