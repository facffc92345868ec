/**
 * What requests cost, under the names that dashboards of Kubernetes know.
 * Source: Kubernetes metrics reference, `apiserver_*`.
 */
import type { Clock } from '#base/clock.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { ApiCall, ApiResult, WatchItem, WatchResult } from '../request/api-call.ts';
import type { CallHandler } from '../request/in-process.ts';
import { isLongRunning } from '../request/long-running.ts';
import type { RequestInfo } from '../request/request-info.ts';
import type { Distribution, Sum } from './series.ts';
import { Distributions, Sums, labelText } from './series.ts';

/** Seconds; upstream's. */
const durationBounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
/** Paths and resources that do not exist must not fill the memory with labels. */
const maxKinds = 5_000;
const readVerbs = new Set(['get', 'list', 'watch']);

export class RequestMetrics {
  readonly #clock: Clock;
  readonly #requests = new Sums('apiserver_request_total', 'Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.');
  readonly #durations = new Distributions('apiserver_request_duration_seconds', 'Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.', durationBounds);
  readonly #inflight = new Sums('apiserver_current_inflight_requests', 'Number of currently used inflight request limit of this apiserver per request kind.', 'gauge');
  readonly #longRunning = new Sums('apiserver_longrunning_requests', 'Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component.', 'gauge');
  readonly #watchEvents = new Sums('apiserver_watch_events_total', 'Number of events sent in watch clients.');
  readonly #mutating = this.#inflight.of(labelText({ request_kind: 'mutating' }));
  readonly #readOnly = this.#inflight.of(labelText({ request_kind: 'readOnly' }));
  /** By what the labels are made of. */
  readonly #kinds = new Map<string, KindOfRequest>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `handle`, counted and timed. */
  measured(handle: CallHandler): CallHandler {
    return async (call) => {
      const { info } = call;
      const startedMs = this.#clock.monotonicMs();
      const kind = this.#kindOf(call);
      const inflight = readVerbs.has(info.verb) ? this.#readOnly : this.#mutating;
      inflight.value++;
      if (isLongRunning(info) && info.verb !== 'watch') this.#connected(call, kind.labels);
      let code = 500;
      try {
        const result = await handle(call);
        code = codeOf(result);
        return result.is === 'watch' ? this.#followed(result, info, kind.labels) : result;
      } catch (error) {
        if (error instanceof StatusError) code = error.code;
        throw error;
      } finally {
        inflight.value--;
        this.#countOf(kind, code).value++;
        // How long a watch lasts says nothing about the server.
        if (info.verb !== 'watch') kind.duration.observe((this.#clock.monotonicMs() - startedMs) / 1000);
      }
    };
  }

  text(): string {
    return [this.#requests, this.#durations, this.#inflight, this.#longRunning, this.#watchEvents].map((each) => each.text()).join('');
  }

  /** A connection to a pod, service or node, counted as long as it lasts. */
  #connected({ whenAnswered }: ApiCall, labels: string): void {
    if (whenAnswered === undefined) return;
    const running = this.#longRunning.of(labels);
    running.value++;
    whenAnswered(() => running.value--);
  }

  /** The watch, counted as long as it runs. */
  #followed(result: WatchResult, { group, version, resource }: RequestInfo, labels: string): WatchResult {
    const running = this.#longRunning.of(labels);
    const sent = this.#watchEvents.of(labelText({ group, version, resource }));
    let isOver = false;
    running.value++;
    const finish = (): void => {
      if (!isOver) running.value--;
      isOver = true;
    };
    const iterate = (): AsyncIterator<readonly WatchItem[]> => {
      const inner = result.batches[Symbol.asyncIterator]();
      const pass = (step: IteratorResult<readonly WatchItem[]>): IteratorResult<readonly WatchItem[]> => {
        if (step.done === true) finish();
        else sent.value += step.value.length;
        return step;
      };
      const fail = (error: unknown): never => {
        finish();
        throw error;
      };
      return {
        next: () => inner.next().then(pass, fail),
        async return() {
          finish();
          await inner.return?.();
          return { done: true, value: undefined };
        },
      };
    };
    return { ...result, batches: { [Symbol.asyncIterator]: iterate } };
  }

  #kindOf(call: ApiCall): KindOfRequest {
    const { group, version, resource, subresource, namespace, name, isResource } = call.info;
    const scope = !isResource ? '' : name !== '' ? 'resource' : namespace !== '' ? 'namespace' : 'cluster';
    const verb = verbOf(call);
    const dryRun = call.query['dryRun'] === undefined ? '' : 'All';
    const id = `${verb} ${group} ${version} ${resource} ${subresource} ${scope} ${dryRun}`;
    let kind = this.#kinds.get(id);
    if (kind === undefined) {
      const isKnown = this.#kinds.size < maxKinds;
      const labels = labelText({ verb, group: isKnown ? group : '', version: isKnown ? version : '', resource: isKnown ? resource : '', subresource: isKnown ? subresource : '', scope, component: 'apiserver' });
      const withDryRun = `${labels},dry_run="${dryRun}"`;
      kind = { labels, withDryRun, duration: this.#durations.of(withDryRun), counts: new Map() };
      if (isKnown) this.#kinds.set(id, kind);
    }
    return kind;
  }

  #countOf(kind: KindOfRequest, code: number): Sum {
    let count = kind.counts.get(code);
    if (count === undefined) {
      count = this.#requests.of(`${kind.withDryRun},code="${code}"`);
      kind.counts.set(code, count);
    }
    return count;
  }
}

/** Requests that share all labels but the code. */
interface KindOfRequest {
  readonly labels: string;
  readonly withDryRun: string;
  readonly duration: Distribution;
  readonly counts: Map<number, Sum>;
}

const verbs: Readonly<Record<string, string>> = { get: 'GET', list: 'LIST', watch: 'WATCH', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETECOLLECTION' };
const connects = new Set(['exec', 'attach', 'portforward', 'proxy', 'log']);

function verbOf({ info, contentType }: ApiCall): string {
  if (info.isResource && connects.has(info.subresource)) return 'CONNECT';
  if (info.verb === 'patch' && contentType === 'application/apply-patch+yaml') return 'APPLY';
  return verbs[info.verb] ?? 'other';
}

function codeOf(result: ApiResult): number {
  switch (result.is) {
    case 'object': case 'json': case 'raw':
      return result.code;
    case 'list': case 'watch':
      return 200;
    case 'upgrade':
      return result.code ?? 101;
  }
}

