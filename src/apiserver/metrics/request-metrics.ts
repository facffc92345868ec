/**
 * What requests cost, under the names that dashboards of Kubernetes know.
 * Source: Kubernetes metrics reference, `apiserver_*`.
 */
import type { Clock } from '#base/clock.ts';
import { StatusError } from '#apimachinery/status-error.ts';
import type { ApiCall, ApiResult, WatchItem, WatchResult } from '../request/api-call.ts';
import { isTrue } from '../request/api-call.ts';
import type { CallHandler } from '../request/in-process.ts';
import { isLongRunning } from '../request/long-running.ts';
import type { Distribution, Sum } from './series.ts';
import { Distributions, Sums, labelText } from './series.ts';

/** Seconds; upstream's. */
const durationBounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
/** Seconds; upstream's for what clients wait for because of the server alone. */
const sliBounds = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
/** Bytes. */
const sizeBounds = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/** Seconds. */
const watchListBounds = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60];
/** Seconds: from expired over half an hour to a year. */
const expirationBounds = [0, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 345_600, 604_800, 2_592_000, 7_776_000, 15_552_000, 31_104_000];
/** Paths and resources that do not exist must not fill the memory with labels. */
const maxKinds = 5_000;
const readVerbs = new Set(['get', 'list', 'watch']);

export class RequestMetrics {
  readonly #clock: Clock;
  readonly #requests = new Sums('apiserver_request_total', 'Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.');
  readonly #durations = new Distributions('apiserver_request_duration_seconds', 'Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.', durationBounds);
  readonly #terminations = new Sums('apiserver_request_terminations_total', 'Number of requests which apiserver terminated in self-defense.');
  readonly #sliDurations = new Distributions('apiserver_request_sli_duration_seconds', 'Response latency distribution (not counting webhook duration and priority & fairness queue wait times) in seconds for each verb, group, version, resource, subresource, scope and component.', sliBounds);
  readonly #sizes = new Distributions('apiserver_response_sizes', 'Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.', sizeBounds);
  readonly #watchLists = new Distributions('apiserver_watch_list_duration_seconds', 'Response latency distribution in seconds for watch list requests broken by group, version, resource and scope.', watchListBounds);
  readonly #expirations = new Distributions('apiserver_client_certificate_expiration_seconds', 'Distribution of the remaining lifetime on the certificate used to authenticate a request.', expirationBounds);
  readonly #inflight = new Sums('apiserver_current_inflight_requests', 'Number of currently used inflight request limit of this apiserver per request kind.', 'gauge');
  readonly #longRunning = new Sums('apiserver_longrunning_requests', 'Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component.', 'gauge');
  readonly #watchEvents = new Sums('apiserver_watch_events_total', 'Number of events sent in watch clients.');
  readonly #mutating = this.#inflight.of(labelText({ request_kind: 'mutating' }));
  readonly #readOnly = this.#inflight.of(labelText({ request_kind: 'readOnly' }));
  #expiration: Distribution | undefined;
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
      const { notes } = call;
      if (notes !== undefined && (info.verb === 'get' || info.verb === 'list')) notes.onSent = kind.sent;
      inflight.value++;
      if (isLongRunning(info) && info.verb !== 'watch') this.#connected(call, kind.labels);
      let code = 500;
      try {
        const result = await handle(call);
        code = codeOf(result);
        return result.is === 'watch' ? this.#followed(result, call, kind.labels, startedMs) : result;
      } catch (error) {
        if (error instanceof StatusError) code = error.code;
        throw error;
      } finally {
        inflight.value--;
        this.#countOf(kind, code).value++;
        if (notes?.isTerminated === true) this.#terminations.of(`${kind.labels},code="${code}"`).value++;
        // How long a watch lasts says nothing about the server.
        if (info.verb !== 'watch') {
          const ms = this.#clock.monotonicMs() - startedMs;
          kind.duration.observe(ms / 1000);
          kind.sliDuration.observe((ms - (notes?.outsideMs ?? 0)) / 1000);
        }
      }
    };
  }

  /** A client certificate that holds until then has been shown. */
  certificateShown(notAfterMs: number): void {
    this.#expiration ??= this.#expirations.of('');
    this.#expiration.observe((notAfterMs - this.#clock.nowMs()) / 1000);
  }

  text(): string {
    return [this.#requests, this.#terminations, this.#durations, this.#sliDurations, this.#sizes, this.#watchLists, this.#expirations, this.#inflight, this.#longRunning, this.#watchEvents].map((each) => each.text()).join('');
  }

  /** A connection to a pod, service or node, counted as long as it lasts. */
  #connected({ whenAnswered }: ApiCall, labels: string): void {
    if (whenAnswered === undefined) return;
    const running = this.#longRunning.of(labels);
    running.value++;
    whenAnswered(() => running.value--);
  }

  /** The watch, counted as long as it runs. */
  #followed(result: WatchResult, { info: { group, version, resource, namespace }, query }: ApiCall, labels: string, startedMs: number): WatchResult {
    const running = this.#longRunning.of(labels);
    const sent = this.#watchEvents.of(labelText({ group, version, resource }));
    let isOver = false;
    let isListing = isTrue(query['sendInitialEvents']);
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
        if (isListing && step.done !== true && step.value.some(({ initialEventsEnd }) => initialEventsEnd === true)) {
          isListing = false;
          this.#watchLists.of(labelText({ group, version, resource, scope: namespace === '' ? 'cluster' : 'namespace' })).observe((this.#clock.monotonicMs() - startedMs) / 1000);
        }
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
    const { info } = call;
    const { group, version, resource, subresource, namespace, name, isResource } = info;
    const scope = !isResource ? '' : name !== '' ? 'resource' : namespace !== '' ? 'namespace' : 'cluster';
    const verb = verbOf(call);
    const dryRun = call.query['dryRun'] === undefined ? '' : 'All';
    const id = `${verb} ${group} ${version} ${resource} ${subresource} ${scope} ${dryRun}`;
    let kind = this.#kinds.get(id);
    if (kind === undefined) {
      const isKnown = this.#kinds.size < maxKinds;
      const labels = labelText({ verb, group: isKnown ? group : '', version: isKnown ? version : '', resource: isKnown ? resource : '', subresource: isKnown ? subresource : '', scope, component: 'apiserver' });
      const withDryRun = `${labels},dry_run="${dryRun}"`;
      const sizes = info.verb === 'get' || info.verb === 'list' ? this.#sizes.of(labels) : undefined;
      kind = { labels, withDryRun, duration: this.#durations.of(withDryRun), sliDuration: this.#sliDurations.of(labels), sent: (bytes) => sizes?.observe(bytes), counts: new Map() };
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
  readonly sliDuration: Distribution;
  /** How large an answer was, of those that are measured. */
  readonly sent: (bytes: number) => void;
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

