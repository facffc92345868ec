import type { FlowSchema } from '#api/flowcontrol/flow-schema.ts';
import type { ApiCall } from '../request/api-call.ts';
import type { FlowStats } from './flow-metrics.ts';
import { flowOf } from './match-schema.ts';
import type { PriorityLevel } from './priority-level.ts';
import type { Asking } from './seats.ts';
import type { ResourceLoad, WorkEstimate } from './work-estimate.ts';
import { widthOf } from './work-estimate.ts';

/** A flow schema, ready to be matched. */
export interface SchemaState {
  readonly object: FlowSchema;
  readonly level: PriorityLevel;
  readonly stats: FlowStats;
  readonly load: ResourceLoad;
  /** What the client is told: ids, for names would tell how important it is taken to be. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A request on its way through flow control: one object, for there are many of them. */
export class FlowRequest implements Asking {
  readonly call: ApiCall;
  readonly schema: SchemaState;
  readonly work: WorkEstimate;

  constructor(call: ApiCall, schema: SchemaState, work: WorkEstimate) {
    this.call = call;
    this.schema = schema;
    this.work = work;
    schema.stats.seats.observe(widthOf(work));
  }

  get distinguisher(): string {
    return flowOf(this.schema.object.spec, this.call.user, this.call.info);
  }

  get flow(): string {
    return `${this.schema.object.metadata.name} ${this.distinguisher}`;
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }

  onWait(queueLength: number): void {
    const { stats } = this.schema;
    stats.queueLength.observe(queueLength);
    stats.waiting.value++;
    stats.waitingSeats.value += widthOf(this.work);
  }

  onNoAccommodation(): void {
    this.schema.stats.noAccommodation.value++;
  }

  /** It waits no longer, whatever came of it. */
  onWaited(): void {
    const { stats } = this.schema;
    stats.waiting.value--;
    stats.waitingSeats.value -= widthOf(this.work);
  }

  onStart(waitedSeconds: number): void {
    const { stats, level } = this.schema;
    stats.dispatched.value++;
    if (!level.isExempt) stats.waited.observe(waitedSeconds);
    stats.executing.value++;
    stats.executingSeats.value += widthOf(this.work);
  }

  onEnd(lastedSeconds: number): void {
    const { stats } = this.schema;
    stats.executing.value--;
    stats.executingSeats.value -= widthOf(this.work);
    (this.call.info.verb === 'watch' ? stats.watchStarted : stats.executed).observe(lastedSeconds);
  }
}
