/** What flow control does, under upstream's names. Source: Kubernetes metrics reference, `apiserver_flowcontrol_*`. */
import type { Distribution, Sum } from '../metrics/series.ts';
import { Distributions, Sums, gaugeText, labelText } from '../metrics/series.ts';
import type { PriorityLevel } from './priority-level.ts';
import type { Refusal } from './seats.ts';

const durationBounds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const prefix = 'apiserver_flowcontrol_';

/** The numbers of one schema at one priority level: looked up once, counted on every request. */
export interface FlowStats {
  readonly dispatched: Sum;
  readonly executing: Sum;
  readonly executingSeats: Sum;
  readonly waiting: Sum;
  readonly waitingSeats: Sum;
  readonly noAccommodation: Sum;
  readonly waited: Distribution;
  readonly waitedInVain: Distribution;
  readonly executed: Distribution;
  readonly watchStarted: Distribution;
  readonly seats: Distribution;
  readonly watchers: Distribution;
  readonly queueLength: Distribution;
  rejected(reason: Refusal): Sum;
}

export class FlowMetrics {
  readonly #rejected = new Sums(`${prefix}rejected_requests_total`, 'Number of requests rejected by API Priority and Fairness subsystem');
  readonly #dispatched = new Sums(`${prefix}dispatched_requests_total`, 'Number of requests executed by API Priority and Fairness subsystem');
  readonly #executing = new Sums(`${prefix}current_executing_requests`, 'Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and Fairness subsystem', 'gauge');
  readonly #executingSeats = new Sums(`${prefix}current_executing_seats`, 'Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem', 'gauge');
  readonly #waiting = new Sums(`${prefix}current_inqueue_requests`, 'Number of requests currently pending in queues of the API Priority and Fairness subsystem', 'gauge');
  readonly #waitingSeats = new Sums(`${prefix}current_inqueue_seats`, 'Number of seats currently pending in queues of the API Priority and Fairness subsystem', 'gauge');
  readonly #noAccommodation = new Sums(`${prefix}request_dispatch_no_accommodation_total`, 'Number of times a dispatch attempt resulted in a non accommodation due to lack of available seats');
  readonly #waited = new Distributions(`${prefix}request_wait_duration_seconds`, 'Length of time a request spent waiting in its queue', durationBounds);
  readonly #executed = new Distributions(`${prefix}request_execution_seconds`, 'Duration of initial stage (for a WATCH) or any (for a non-WATCH) stage of request execution in the API Priority and Fairness subsystem', durationBounds);
  readonly #seats = new Distributions(`${prefix}work_estimated_seats`, 'Number of estimated seats (maximum of initial and final seats) associated with requests in API Priority and Fairness', [1, 2, 4, 10]);
  readonly #watchers = new Distributions(`${prefix}watch_count_samples`, 'count of watchers for mutating requests in API Priority and Fairness', [0, 1, 10, 100, 1000, 10_000]);
  readonly #queueLength = new Distributions(`${prefix}request_queue_length_after_enqueue`, 'Length of queue in the API Priority and Fairness subsystem, as seen by each request after it is enqueued', [0, 10, 25, 50, 100, 250, 500, 1000]);

  of(schema: string, level: string): FlowStats {
    const both = { priority_level: level, flow_schema: schema };
    const labels = labelText(both);
    return {
      dispatched: this.#dispatched.of(labels),
      executing: this.#executing.of(labels),
      executingSeats: this.#executingSeats.of(labels),
      waiting: this.#waiting.of(labels),
      waitingSeats: this.#waitingSeats.of(labels),
      noAccommodation: this.#noAccommodation.of(labels),
      waited: this.#waited.of(labelText({ ...both, execute: 'true' })),
      waitedInVain: this.#waited.of(labelText({ ...both, execute: 'false' })),
      executed: this.#executed.of(labelText({ ...both, type: 'regular' })),
      watchStarted: this.#executed.of(labelText({ ...both, type: 'watch' })),
      seats: this.#seats.of(labels),
      watchers: this.#watchers.of(labels),
      queueLength: this.#queueLength.of(labels),
      rejected: (reason) => this.#rejected.of(labelText({ ...both, reason })),
    };
  }

  text(levels: readonly PriorityLevel[], fairFraction: number): string {
    const gauge = (name: string, help: string, value: (level: PriorityLevel) => number): string =>
      gaugeText(`${prefix}${name}`, help, levels.map((level) => [{ priority_level: level.name }, value(level)]));
    const bounds = (name: string, help: string, value: (level: PriorityLevel) => readonly [number, number] | undefined): string =>
      gaugeText(`${prefix}${name}`, help, levels.flatMap((level) => {
        const pair = value(level);
        return pair === undefined ? [] : [[{ priority_level: level.name, bound: 'min' }, pair[0]] as const, [{ priority_level: level.name, bound: 'max' }, pair[1]] as const];
      }));
    const queued = levels.filter(({ queues }) => queues.dispatchState !== undefined);
    const state = (name: string, help: string, value: (level: PriorityLevel) => number): string =>
      gaugeText(`${prefix}${name}`, help, queued.map((level) => [{ priority_level: level.name }, value(level)]));
    return [
      this.#rejected.text(), this.#dispatched.text(), this.#executing.text(), this.#executingSeats.text(), this.#waiting.text(), this.#waitingSeats.text(),
      this.#noAccommodation.text(), this.#waited.text(), this.#executed.text(), this.#seats.text(), this.#watchers.text(), this.#queueLength.text(),
      gauge('nominal_limit_seats', 'Nominal number of execution seats configured for each priority level', ({ limits }) => limits.nominal),
      gauge('lower_limit_seats', 'Configured lower bound on number of execution seats available to each priority level', ({ limits }) => limits.lower),
      gauge('upper_limit_seats', 'Configured upper bound on number of execution seats available to each priority level', ({ limits }) => limits.upper),
      gauge('current_limit_seats', 'current derived number of execution seats available to each priority level', ({ current }) => current),
      gauge('demand_seats_high_watermark', 'High watermark, over last adjustment period, of demand_seats', ({ demand }) => demand.peak),
      gauge('demand_seats_average', 'Time-weighted average, over last adjustment period, of demand_seats', ({ demand }) => demand.average),
      gauge('demand_seats_stdev', 'Time-weighted standard deviation, over last adjustment period, of demand_seats', ({ demand }) => demand.deviation),
      gauge('demand_seats_smoothed', 'Smoothed seat demands', ({ demand }) => demand.smoothed),
      gauge('target_seats', 'Seat allocation targets', ({ target }) => target),
      gaugeText(`${prefix}seat_fair_frac`, 'Fair fraction of server\'s concurrency to allocate to each priority level that can use it', [[{}, fairFraction]]),
      gauge('current_r', 'R(time of last change)', ({ queues }) => queues.currentR),
      state('dispatch_r', 'R(time of last dispatch)', ({ queues }) => queues.dispatchState?.dispatchR ?? 0),
      state('latest_s', 'S(most recently dispatched request)', ({ queues }) => queues.dispatchState?.latestS ?? 0),
      bounds('next_s_bounds', 'min and max, over queues, of S(oldest waiting request in queue)', ({ queues }) => queues.dispatchState?.nextS),
      bounds('next_discounted_s_bounds', 'min and max, over queues, of S(oldest waiting request in queue) - estimated work in progress', ({ queues }) => queues.dispatchState?.discountedS),
      ratios('priority_level_seat_utilization', 'Observations, at the end of every nanosecond, of utilization of seats for any stage of execution (but only initial stage for WATCHes)', levels, (level, name) => level.seatRatio.text(name, labelText({ phase: 'executing', priority_level: level.name }))),
      ratios('priority_level_request_utilization', 'Observations, at the end of every nanosecond, of number of requests (as a fraction of the relevant limit) waiting or in any stage of execution (but only initial stage for WATCHes)', levels, (level, name) =>
        level.executingRatio.text(name, labelText({ phase: 'executing', priority_level: level.name })) + level.waitingRatio.text(name, labelText({ phase: 'waiting', priority_level: level.name }))),
      ratios('demand_seats', 'Observations, at the end of every nanosecond, of (the number of seats each priority level could use) / (nominal number of seats for that level)', levels, (level, name) => level.demandRatio.text(name, labelText({ priority_level: level.name }))),
    ].join('');
  }
}

function ratios(name: string, help: string, levels: readonly PriorityLevel[], lines: (level: PriorityLevel, name: string) => string): string {
  const full = `${prefix}${name}`;
  return `# HELP ${full} ${help}\n# TYPE ${full} histogram\n${levels.map((level) => lines(level, full)).join('')}`;
}
