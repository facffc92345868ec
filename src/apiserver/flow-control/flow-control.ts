import type { Clock, Timer } from '#base/clock.ts';
import { FlowSchema } from '#api/flowcontrol/flow-schema.ts';
import { PriorityLevelConfiguration } from '#api/flowcontrol/priority-level-configuration.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { tooManyRequests } from '#apimachinery/status-error.ts';
import type { CacheSource } from '../authz/binding-index.ts';
import type { ApiCall, ApiResult } from '../request/api-call.ts';
import { isTrue } from '../request/api-call.ts';
import type { CallHandler } from '../request/in-process.ts';
import { isLongRunning } from '../request/long-running.ts';
import type { FlowStats } from './flow-metrics.ts';
import { FlowMetrics } from './flow-metrics.ts';
import type { SchemaState } from './flow-request.ts';
import { FlowRequest } from './flow-request.ts';
import { afterInitialEvents } from './initial-events.ts';
import type { DefaultConfiguration } from './keep-configuration.ts';
import { schemaMatches } from './match-schema.ts';
import { mandatoryNames } from './plan-defaults.ts';
import { PriorityLevel } from './priority-level.ts';
import { ReadWriteRatios } from './read-write-ratios.ts';
import type { Refusal, Seat } from './seats.ts';
import type { Claimant } from './share-seats.ts';
import { divide, seatLimits } from './share-seats.ts';
import type { ResourceLoad } from './work-estimate.ts';
import { estimateWork, oneSeat } from './work-estimate.ts';

/** A request waits for a quarter of the time that it may take, which is a minute where nobody has said. As upstream. */
const waitPart = 0.25;
const usualTimeoutMs = 60_000;
/** How often seats are divided anew by demand. */
const adjustMs = 10_000;

export interface FlowControlOptions {
  readonly caches: CacheSource;
  readonly clock: Clock;
  /** How many requests run at once, all levels together. */
  readonly totalSeats: number;
  readonly load: ResourceLoad;
  /** How long a request may take. Default: a minute. */
  readonly requestTimeoutMs?: number | undefined;
  /** The objects that the server comes with; the mandatory ones hold whether they are there or not. */
  readonly defaults: DefaultConfiguration;
}

/**
 * Sorts requests by FlowSchemas and lets only so many of each priority level run at once; the others queue, fairly, or
 * are refused with 429. Levels lend each other the seats they do not need. Follows the schemas and levels in the watch
 * cache.
 *
 * Source: KEP-1040; Kubernetes documentation, "API Priority and Fairness".
 */
export class FlowControl {
  readonly #options: FlowControlOptions;
  readonly #metrics = new FlowMetrics();
  readonly #readWrite: ReadWriteRatios;
  readonly #maxWaitMs: number;
  readonly #mandatory: DefaultConfiguration;
  readonly #levels = new Map<string, PriorityLevel>();
  /** In the order in which they are asked. */
  #schemas: readonly SchemaState[] = [];
  #fairFraction = 0;
  #adjusting: Timer | undefined;
  #isClosed = false;

  constructor(options: FlowControlOptions) {
    this.#options = options;
    this.#readWrite = new ReadWriteRatios(options.clock);
    this.#maxWaitMs = (options.requestTimeoutMs ?? usualTimeoutMs) * waitPart;
    const { schemas, levels } = options.defaults;
    this.#mandatory = { schemas: schemas.filter(isMandatory), levels: levels.filter(isMandatory) };
  }

  /** To be called when the caches are filled. */
  start(): void {
    const { caches } = this.#options;
    caches.of(FlowSchema).subscribe(() => this.#configure());
    caches.of(PriorityLevelConfiguration).subscribe(() => this.#configure());
    this.#configure();
  }

  close(): void {
    this.#isClosed = true;
    this.#adjusting?.cancel();
  }

  get levels(): readonly PriorityLevel[] {
    return [...this.#levels.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1));
  }

  get schemas(): readonly SchemaState[] {
    return this.#schemas;
  }

  /** `handle`, entered only with seats. A watch gives them back when it has begun. Components of the server's process need none. */
  limited(handle: CallHandler): CallHandler {
    return (call) => {
      if (call.needsNoSeat === true || (isLongRunning(call.info) && call.info.verb !== 'watch')) return handle(call);
      const schema = this.#sort(call);
      return schema === undefined ? handle(call) : this.#seated(handle, call, schema);
    };
  }

  text(): string {
    return this.#metrics.text(this.levels, this.#fairFraction) + this.#readWrite.text();
  }

  async #seated(handle: CallHandler, call: ApiCall, schema: SchemaState): Promise<ApiResult> {
    const { level } = schema;
    const { clock } = this.#options;
    call.addHeaders?.(schema.headers);
    const arrivedMs = clock.monotonicMs();
    const request = new FlowRequest(call, schema, level.isExempt ? oneSeat : estimateWork(call, level.limits.perRequest, schema.load));
    const got = level.queues.acquire(request, { maxWaitMs: this.#maxWaitMs, nowMs: arrivedMs });
    if (this.#adjusting === undefined) this.#demanded();
    level.noteChange(arrivedMs);
    let seat = got;
    let startedMs = arrivedMs;
    if (seat instanceof Promise) {
      this.#readWrite.add('waiting', call.info, { by: 1, nowMs: arrivedMs });
      seat = await seat;
      startedMs = clock.monotonicMs();
      if (call.notes !== undefined) call.notes.outsideMs += startedMs - arrivedMs;
      this.#readWrite.add('waiting', call.info, { by: -1, nowMs: startedMs });
      request.onWaited();
    }
    if (typeof seat === 'string' && call.notes !== undefined) call.notes.isTerminated = true;
    if (typeof seat === 'string') throw this.#refuse(seat, schema, (startedMs - arrivedMs) / 1000);
    request.onStart((startedMs - arrivedMs) / 1000);
    this.#readWrite.add('executing', call.info, { by: 1, nowMs: startedMs });
    let isHeld = false;
    try {
      const result = await handle(call);
      const granted = seat;
      const leave = (): void => this.#leave(request, granted, startedMs);
      // What lists cost, streaming ones too, comes when they are sent.
      if (result.is === 'list' && call.whenAnswered !== undefined) {
        isHeld = true;
        call.whenAnswered(leave);
      } else if (result.is === 'watch' && isTrue(call.query['sendInitialEvents'])) {
        isHeld = true;
        return { ...result, batches: afterInitialEvents(result.batches, leave) };
      }
      return result;
    } finally {
      if (!isHeld) this.#leave(request, seat, startedMs);
    }
  }

  #leave(request: FlowRequest, seat: Seat, startedMs: number): void {
    seat.release();
    const { level } = request.schema;
    const nowMs = this.#options.clock.monotonicMs();
    request.onEnd((nowMs - startedMs) / 1000);
    this.#readWrite.add('executing', request.call.info, { by: -1, nowMs });
    level.noteChange(nowMs);
    if (level.isQuiescing && level.queues.isIdle) this.#configure();
  }

  #refuse(reason: Refusal, { stats, level }: SchemaState, waitedSeconds: number): Error {
    stats.rejected(reason).value++;
    if (reason === 'time-out' || reason === 'cancelled') stats.waitedInVain.observe(waitedSeconds);
    const { seconds } = level.retryAfter;
    level.retryAfter.note(Math.floor(this.#options.clock.nowMs() / 1000));
    return tooManyRequests('Too many requests, please try again later.', seconds);
  }

  #sort({ user, info }: ApiCall): SchemaState | undefined {
    for (const schema of this.#schemas) if (schemaMatches(schema.object.spec, user, info)) return schema;
    // Nobody is in neither group that the last schema names; should it be so, it is as if they were.
    return this.#schemas.at(-1);
  }

  #configure(): void {
    const { caches, clock, totalSeats } = this.#options;
    const mandatory = this.#mandatory;
    const objects = new Map(mandatory.levels.map((object) => [object.metadata.name, object]));
    for (const { object } of caches.of(PriorityLevelConfiguration).range('')) if (isUsable(object)) objects.set(object.metadata.name, object);
    for (const [name, level] of this.#levels) {
      if (objects.has(name)) continue;
      if (level.queues.isIdle) this.#levels.delete(name);
      // Whoever is in it still gets a seat by its shares.
      else objects.set(name, level.object);
      level.isQuiescing = true;
    }
    const limits = seatLimits(new Map([...objects].map(([name, { spec }]) => [name, spec])), totalSeats);
    const wanted = new Set([...mandatory.levels, ...[...caches.of(PriorityLevelConfiguration).range('')].map(({ object }) => object)].map(({ metadata }) => metadata.name));
    for (const [name, object] of objects) {
      const ofLevel = limits.get(name);
      if (ofLevel === undefined) continue;
      const known = this.#levels.get(name);
      if (known === undefined) this.#levels.set(name, new PriorityLevel(clock, object, ofLevel));
      else {
        known.isQuiescing = !wanted.has(name);
        known.reconfigure(object, ofLevel);
      }
    }
    this.#schemas = this.#sortedSchemas(wanted);
    this.#adjust();
  }

  #sortedSchemas(wanted: ReadonlySet<string>): readonly SchemaState[] {
    const { caches, load } = this.#options;
    const mandatory = this.#mandatory;
    const objects = new Map(mandatory.schemas.map((object) => [object.metadata.name, object]));
    for (const { object } of caches.of(FlowSchema).range('')) objects.set(object.metadata.name, object);
    return [...objects.values()]
      .sort((left, right) => left.spec.matchingPrecedence - right.spec.matchingPrecedence || (left.metadata.name < right.metadata.name ? -1 : 1))
      .flatMap((object) => {
        const level = this.#levels.get(object.spec.priorityLevelConfiguration.name);
        if (level === undefined || !wanted.has(level.name)) return [];
        const headers = { 'x-kubernetes-pf-flowschema-uid': object.metadata.uid, 'x-kubernetes-pf-prioritylevel-uid': level.object.metadata.uid };
        const stats = this.#metrics.of(object.metadata.name, level.name);
        return [{ object, level, headers, stats, load: observed(load, stats) }];
      });
  }

  /** Seats are divided anew in a while; not, while nobody asks for any. */
  #demanded(): void {
    if (this.#adjusting !== undefined || this.#isClosed) return;
    this.#adjusting = this.#options.clock.after(adjustMs, () => {
      this.#adjusting = undefined;
      this.#adjust();
      // Demand that has passed gives its seats back step by step.
      if ([...this.#levels.values()].some(({ demand, queues }) => !queues.isIdle || demand.smoothed >= 0.5)) this.#demanded();
    });
  }

  #adjust(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const levels = [...this.#levels.values()];
    const claimants: readonly Claimant[] = levels.map((level) => ({ ...level.judge(level.queues.demand.take(nowMs)), upper: level.limits.upper }));
    const division = divide(levels.reduce((sum, { limits }) => sum + limits.nominal, 0), claimants);
    if (division === undefined) return;
    this.#fairFraction = division.fairFraction;
    for (const [index, level] of levels.entries()) level.give(Math.round(division.shares[index] ?? level.current));
  }
}

/** The same, noting how many watchers writes have. */
function observed(load: ResourceLoad, { watchers }: FlowStats): ResourceLoad {
  return {
    objects: (info) => load.objects(info),
    watchers(info) {
      const count = load.watchers(info);
      watchers.observe(count);
      return count;
    },
  };
}

function isMandatory({ metadata }: KubeObject): boolean {
  return mandatoryNames.has(metadata.name);
}

/** Whether it says what its type has to say; one that does not counts as none. */
function isUsable({ metadata, spec }: PriorityLevelConfiguration): boolean {
  return (spec.type === 'Exempt') === (metadata.name === 'exempt') && (spec.type === 'Limited') === (spec.limited !== undefined);
}
