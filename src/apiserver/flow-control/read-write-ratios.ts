import type { Clock } from '#base/clock.ts';
import { labelText } from '../metrics/series.ts';
import type { RequestInfo } from '../request/request-info.ts';
import { TimedRatio } from './timed-ratios.ts';

const bounds = [0, 0.001, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1];
const readVerbs = new Set(['get', 'list', 'watch']);
const phases = ['waiting', 'executing'] as const;
const kinds = ['readOnly', 'mutating'] as const;

type Phase = (typeof phases)[number];
type Kind = (typeof kinds)[number];

/** How many requests that read, and that write, wait or are served at any time. */
export class ReadWriteRatios {
  readonly #counts: Readonly<Record<Phase, Record<Kind, { value: number; readonly ratio: TimedRatio }>>>;

  constructor(clock: Clock) {
    // Both sorts share one limit: the counts are not divided by anything.
    const one = (): { value: number; readonly ratio: TimedRatio } => ({ value: 0, ratio: new TimedRatio(clock, bounds, 1) });
    const both = (): Record<Kind, { value: number; readonly ratio: TimedRatio }> => ({ readOnly: one(), mutating: one() });
    this.#counts = { waiting: both(), executing: both() };
  }

  add(phase: Phase, { verb }: RequestInfo, more: { readonly by: 1 | -1; readonly nowMs: number }): void {
    const count = this.#counts[phase][readVerbs.has(verb) ? 'readOnly' : 'mutating'];
    count.value += more.by;
    count.ratio.set(count.value, more.nowMs);
  }

  text(): string {
    const name = 'apiserver_flowcontrol_read_vs_write_current_requests';
    const lines = phases.flatMap((phase) => kinds.map((kind) => this.#counts[phase][kind].ratio.text(name, labelText({ phase, request_kind: kind }))));
    return `# HELP ${name} Observations, at the end of every nanosecond, of the number of requests (as a fraction of the relevant limit) waiting or in regular stage of execution\n# TYPE ${name} histogram\n${lines.join('')}`;
  }
}
