import type { Clock } from '#base/clock.ts';
import { FlowSchema } from '#api/flowcontrol/flow-schema.ts';
import type { PriorityLevelConfigurationSpec } from '#api/flowcontrol/priority-level-configuration.ts';
import { PriorityLevelConfiguration } from '#api/flowcontrol/priority-level-configuration.ts';
import { tooManyRequests } from '#apimachinery/status-error.ts';
import type { CacheSource } from '../authz/binding-index.ts';
import { Distributions, Sums, gaugeText, labelText } from '../metrics/series.ts';
import type { ApiCall, ApiResult } from '../request/api-call.ts';
import type { CallHandler } from '../request/in-process.ts';
import type { Release } from './fair-queues.ts';
import { FairQueues } from './fair-queues.ts';
import { flowOf, schemaMatches } from './match-schema.ts';

/** How long a request waits at most: a quarter of the minute that it may take, as upstream. */
const maxWaitMs = 15_000;
const waitBounds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
/** Where no schema matches or a schema names no level that exists. */
const lastResort = 'catch-all';
/** Connections that last: they take no seat. */
const longSubresources = new Set(['exec', 'attach', 'portforward', 'proxy', 'log']);

interface Level {
  readonly isExempt: boolean;
  readonly queues: FairQueues;
}

/**
 * Sorts requests by FlowSchemas and lets only so many of each priority level run at once; the others queue, fairly, or
 * are refused with 429. Follows the schemas and levels in the watch cache.
 *
 * Levels do not lend each other seats, and every request takes one seat.
 *
 * Source: KEP-1040; Kubernetes documentation, "API Priority and Fairness".
 */
export class FlowControl {
  readonly #clock: Clock;
  readonly #caches: CacheSource;
  readonly #totalSeats: number;
  /** By precedence; made anew when a schema has changed. */
  #schemas: readonly FlowSchema[] | undefined;
  readonly #levels = new Map<string, Level>();
  readonly #rejected = new Sums('apiserver_flowcontrol_rejected_requests_total', 'Number of requests rejected by API Priority and Fairness subsystem');
  readonly #dispatched = new Sums('apiserver_flowcontrol_dispatched_requests_total', 'Number of requests executed by API Priority and Fairness subsystem');
  readonly #waited = new Distributions('apiserver_flowcontrol_request_wait_duration_seconds', 'Length of time a request spent waiting in its queue', waitBounds);

  /** `totalSeats`: how many requests run at once, all levels together. */
  constructor(options: { readonly caches: CacheSource; readonly clock: Clock; readonly totalSeats: number }) {
    this.#clock = options.clock;
    this.#caches = options.caches;
    this.#totalSeats = options.totalSeats;
  }

  /** To be called when the caches are filled. */
  start(): void {
    this.#caches.of(FlowSchema).subscribe(() => {
      this.#schemas = undefined;
    });
    this.#caches.of(PriorityLevelConfiguration).subscribe(() => this.#configure());
    this.#configure();
  }

  /** `handle`, entered only with a seat. A watch gives its seat back when it has begun. */
  limited(handle: CallHandler): CallHandler {
    return (call) => {
      if (longSubresources.has(call.info.subresource)) return handle(call);
      const { schema, level, levelName } = this.#sort(call);
      if (level === undefined || level.isExempt) return handle(call);
      const flow = `${schema?.metadata.name ?? ''} ${schema === undefined ? '' : flowOf(schema.spec, call.user, call.info)}`;
      return this.#seated(handle, call, { queues: level.queues, flow, labels: labelText({ priority_level: levelName, flow_schema: schema?.metadata.name ?? '' }) });
    };
  }

  text(): string {
    const each = (value: (queues: FairQueues) => number): (readonly [Record<string, string>, number])[] => [...this.#levels].filter(([, level]) => !level.isExempt).map(([name, { queues }]) => [{ priority_level: name }, value(queues)]);
    return [
      this.#rejected.text(), this.#dispatched.text(), this.#waited.text(),
      gaugeText('apiserver_flowcontrol_current_inqueue_requests', 'Number of requests currently pending in queues of the API Priority and Fairness subsystem', each((queues) => queues.queued)),
      gaugeText('apiserver_flowcontrol_current_executing_requests', 'Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and Fairness subsystem', each((queues) => queues.executing)),
      gaugeText('apiserver_flowcontrol_nominal_limit_seats', 'Nominal number of execution seats configured for each priority level', each((queues) => queues.seats)),
    ].join('');
  }

  async #seated(handle: CallHandler, call: ApiCall, { queues, flow, labels }: { readonly queues: FairQueues; readonly flow: string; readonly labels: string }): Promise<ApiResult> {
    const startedMs = this.#clock.monotonicMs();
    const got = queues.acquire(flow, { maxWaitMs, signal: call.signal });
    const release: Release | undefined = got instanceof Promise ? await got : got;
    const reason = release === undefined ? (got instanceof Promise ? 'time-out' : 'queue-full') : undefined;
    if (release === undefined) {
      this.#rejected.of(`${labels},reason="${reason}"`).value++;
      throw tooManyRequests('Too many requests, please try again later.', 1);
    }
    this.#dispatched.of(labels).value++;
    this.#waited.of(`${labels},execute="true"`).observe((this.#clock.monotonicMs() - startedMs) / 1000);
    try {
      return await handle(call);
    } finally {
      release();
    }
  }

  #sort({ user, info }: ApiCall): { readonly schema: FlowSchema | undefined; readonly level: Level | undefined; readonly levelName: string } {
    const schema = this.#sorted().find(({ spec }) => schemaMatches(spec, user, info));
    const levelName = schema?.spec.priorityLevelConfiguration.name ?? lastResort;
    return { schema, level: this.#levels.get(levelName) ?? this.#levels.get(lastResort), levelName };
  }

  #sorted(): readonly FlowSchema[] {
    this.#schemas ??= [...this.#caches.of(FlowSchema).range('')]
      .map((cached) => cached.object)
      .sort((left, right) => left.spec.matchingPrecedence - right.spec.matchingPrecedence || (left.metadata.name < right.metadata.name ? -1 : 1));
    return this.#schemas;
  }

  #configure(): void {
    const specs = new Map([...this.#caches.of(PriorityLevelConfiguration).range('')].map(({ object }) => [object.metadata.name, object.spec]));
    const total = [...specs.values()].reduce((sum, spec) => sum + sharesOf(spec), 0);
    for (const name of this.#levels.keys()) if (!specs.has(name)) this.#levels.delete(name);
    for (const [name, spec] of specs) {
      const seats = Math.ceil((this.#totalSeats * sharesOf(spec)) / Math.max(1, total));
      const queuing = spec.limited?.limitResponse.type === 'Queue' ? spec.limited.limitResponse.queuing : undefined;
      const known = this.#levels.get(name);
      if (known !== undefined && known.isExempt === (spec.type === 'Exempt')) known.queues.configure(seats, queuing);
      else this.#levels.set(name, { isExempt: spec.type === 'Exempt', queues: new FairQueues(this.#clock, seats, queuing) });
    }
  }
}

function sharesOf({ limited, exempt }: PriorityLevelConfigurationSpec): number {
  return limited?.nominalConcurrencyShares ?? exempt?.nominalConcurrencyShares ?? 0;
}
