/** Records calls as the policy says. */
import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import { StatusError, internalError } from '#apimachinery/status-error.ts';
import type { ApiCall, ApiResult, CallOrigin } from '../request/api-call.ts';
import type { CallHandler } from '../request/in-process.ts';
import { isLongRunning } from '../request/long-running.ts';
import type { RequestInfo } from '../request/request-info.ts';
import { anonymousUser } from '../authn/authenticate.ts';
import { AuditMetrics } from './audit-metrics.ts';
import type { AuditEvent } from './event.ts';
import { auditUser, failureStatusOf, microTime, objectReference, requestUriOf, responseObjectOf, responseStatusOf, withoutManagedFields } from './event.ts';
import { onEnd } from './on-end.ts';
import type { AuditDecision, AuditPolicy, AuditStage } from './policy.ts';
import { decideLevel } from './policy.ts';

/** Where events go. */
export interface AuditSink {
  readonly name: 'log' | 'webhook';
  /** `strict`: a request whose arrival cannot be recorded is refused. */
  readonly isStrict: boolean;
  /** Resolves when the event is written, or at once where nobody waits for that. Rejects when it is lost. */
  take(event: AuditEvent): Promise<void> | void;
  /** Writes what still waits. */
  close(): Promise<void>;
}

export interface AuditDependencies {
  readonly policy: AuditPolicy;
  readonly sinks: readonly AuditSink[];
  readonly clock: Clock;
  readonly random: Random;
  /** Counts what is recorded; whoever makes sinks counts into the same. */
  readonly metrics?: AuditMetrics;
}

type Outcome = Pick<AuditEvent, 'responseStatus' | 'responseObject'>;

export class Audit {
  readonly #dependencies: AuditDependencies;
  readonly #metrics: AuditMetrics;

  constructor(dependencies: AuditDependencies) {
    this.#dependencies = dependencies;
    this.#metrics = dependencies.metrics ?? new AuditMetrics();
  }

  /** `handle`, recorded. */
  recorded(handle: CallHandler): CallHandler {
    return (call) => {
      const decision = decideLevel(this.#dependencies.policy, call.info, call.origin?.sender ?? call.user);
      this.#metrics.level(decision.level);
      return decision.level === 'None' ? handle(call) : this.#record(handle, call, decision);
    };
  }

  /** A request whose sender could not be told. */
  async refused(info: RequestInfo, origin: CallOrigin, error: unknown): Promise<void> {
    const decision = decideLevel(this.#dependencies.policy, info, anonymousUser);
    this.#metrics.level(decision.level);
    if (decision.level === 'None') return;
    const now = microTime(this.#dependencies.clock.nowMs());
    const base = this.#base({ info, origin, query: {}, userAgent: origin.userAgent }, decision, now);
    await this.#send({ ...base, user: { username: '' }, responseStatus: { ...failureStatusOf(error), message: 'Authentication failed, attempted: bearer' }, stage: 'ResponseStarted', stageTimestamp: now }, decision);
  }

  text(): string {
    return this.#metrics.text();
  }

  async close(): Promise<void> {
    for (const sink of this.#dependencies.sinks) await sink.close();
  }

  async #record(handle: CallHandler, call: ApiCall, decision: AuditDecision): Promise<ApiResult> {
    const { clock } = this.#dependencies;
    const annotations: Record<string, string> = {};
    const recorded = withAnnotations(call, annotations, decision);
    const beganMs = clock.monotonicMs();
    const noteIfSlow = (): void => {
      const tookMs = clock.monotonicMs() - beganMs;
      if (tookMs > slowMs && !isLongRunning(call.info)) annotations['apiserver.latency.k8s.io/total'] = goDuration(tookMs);
    };
    const base = this.#base(call, decision, microTime(clock.nowMs()));
    const tell = (stage: AuditStage, outcome: Outcome = {}): Promise<void> => this.#send({ ...base, ...this.#requested(call, decision, stage), ...outcome, stage, stageTimestamp: microTime(clock.nowMs()), ...(Object.keys(annotations).length > 0 && { annotations: { ...annotations } }) }, decision);
    await tell('RequestReceived');
    let result: ApiResult;
    try {
      result = await handle(recorded);
    } catch (error) {
      noteIfSlow();
      await tell(error instanceof StatusError ? 'ResponseComplete' : 'Panic', { responseStatus: failureStatusOf(error), ...(decision.level === 'RequestResponse' && error instanceof StatusError && { responseObject: error.toStatus() }) });
      throw error;
    }
    noteIfSlow();
    const responseStatus = responseStatusOf(result);
    if (isLongRunning(call.info)) {
      await tell('ResponseStarted', { responseStatus });
      return onEnd(result, () => void tell('ResponseComplete', { responseStatus }));
    }
    const document = decision.level === 'RequestResponse' ? responseObjectOf(result) : undefined;
    await tell('ResponseComplete', { responseStatus, ...(document !== undefined && { responseObject: decision.omitManagedFields ? withoutManagedFields(document) : document }) });
    return result;
  }

  #base(call: Pick<ApiCall, 'info' | 'origin' | 'query' | 'userAgent'> & { readonly user?: ApiCall['user'] }, { level }: AuditDecision, received: string): Omit<AuditEvent, 'stage' | 'stageTimestamp'> {
    const { info, origin, user = anonymousUser, userAgent } = call;
    const reference = objectReference(info, undefined);
    const sender = origin?.sender ?? user;
    return {
      kind: 'Event', apiVersion: 'audit.k8s.io/v1', level, auditID: origin?.auditId ?? this.#dependencies.random.uuid(),
      requestURI: requestUriOf(call), verb: info.verb, user: auditUser(sender),
      ...(sender !== user && origin !== undefined && { impersonatedUser: auditUser(user) }),
      ...(origin?.impersonationConstraint !== undefined && { authenticationMetadata: { impersonationConstraint: origin.impersonationConstraint } }),
      ...(origin !== undefined && { sourceIPs: origin.sourceIps }),
      ...(userAgent !== '' && { userAgent }),
      ...(reference !== undefined && { objectRef: reference }),
      requestReceivedTimestamp: received,
    };
  }

  /** The object that was sent, from the moment on when it is read anyway. */
  #requested(call: ApiCall, { level, omitManagedFields }: AuditDecision, stage: AuditStage): Pick<AuditEvent, 'requestObject' | 'objectRef'> {
    if (level === 'Metadata' || stage === 'RequestReceived' || !call.info.isResource) return {};
    let sent: ReturnType<ApiCall['body']>;
    try {
      sent = call.body();
    } catch {
      // It cannot be read, which is what the answer says.
      return {};
    }
    if (sent === undefined) return {};
    const reference = objectReference(call.info, sent.json);
    return { requestObject: omitManagedFields ? withoutManagedFields(sent.json) : sent.json, ...(reference !== undefined && { objectRef: reference }) };
  }

  async #send(event: AuditEvent, { omits }: AuditDecision): Promise<void> {
    if (omits.has(event.stage)) return;
    this.#metrics.event();
    for (const sink of this.#dependencies.sinks) {
      try {
        await sink.take(event);
      } catch (error) {
        this.#metrics.lost(sink.name, 1);
        if (!sink.isStrict || event.stage !== 'RequestReceived') continue;
        this.#metrics.rejected();
        throw internalError(new Error('audit failed', { cause: error }));
      }
    }
  }
}

/** Requests that take longer say how long in their event. */
const slowMs = 500;

/** As Go writes durations: 1m2.5s. */
function goDuration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const seconds = `${Number(((ms - minutes * 60_000) / 1000).toFixed(6))}s`;
  return minutes === 0 ? seconds : minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

/** The call, with a place for annotations; the first of a name counts. */
function withAnnotations(call: ApiCall, annotations: Record<string, string>, { level }: AuditDecision): ApiCall {
  return {
    ...call,
    annotate: (key, value, weight) => {
      if (weight !== 'detail' || level !== 'Metadata') annotations[key] ??= value;
    },
  };
}
