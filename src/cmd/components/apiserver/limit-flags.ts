/** How much, how long, and which parts of the API. */
import { Option } from 'commander';
import { InvalidArgumentError } from 'commander';
import { usualWatchLimits } from '#apiserver/request/watch-limits.ts';
import type { FlagGroup } from '../flags.ts';
import { alreadySo, durationOption, listOption, notBuilt, numberOption, switchOption, textOption } from '../flags.ts';

export interface LimitFlags {
  readonly featureGates?: readonly string[];
  readonly runtimeConfig?: readonly string[];
  readonly emulatedVersion?: string;
  readonly maxRequestsInflight: number;
  readonly maxMutatingRequestsInflight: number;
  readonly enablePriorityAndFairness: boolean;
  readonly maxWatches: number;
  readonly maxWatchesPerUser: number;
  readonly requestTimeout: number;
  readonly minRequestTimeout: number;
  readonly eventTtl: number;
  readonly profiling: boolean;
  readonly enableLogsHandler: boolean;
}

export const limitFlags: FlagGroup = {
  title: 'Requests and parts of the API:',
  options: [
    listOption('--feature-gates <gate=bool,...>', 'features on or off, also AllAlpha and AllBeta; what is not built is refused'),
    listOption('--runtime-config <api=bool,...>', 'parts of the API on or off: api/all, api/ga, api/beta, api/alpha, group/version, group/version/resource'),
    new Option('--emulated-version <version>', 'not built: versions other than 1.36').argParser(ownVersion),
    new Option('--min-compatibility-version <version>', 'not built: versions other than 1.36').argParser(ownVersion),
    notBuilt('--emulation-forward-compatible [bool]', 'emulation of older versions', ['false']),
    notBuilt('--runtime-config-emulation-forward-compatible [bool]', 'emulation of older versions', ['false']),
    numberOption('--max-requests-inflight <count>', 'how many requests that only read run at once', 400),
    numberOption('--max-mutating-requests-inflight <count>', 'how many that write; with priority and fairness both make one sum', 200),
    switchOption('--enable-priority-and-fairness', 'sort requests by priority and let them queue', true),
    numberOption('--max-watches <count>', 'Skiff\'s own: how many watches may be open', usualWatchLimits.total),
    numberOption('--max-watches-per-user <count>', 'Skiff\'s own: how many of them one user may have', usualWatchLimits.perUser),
    durationOption('--request-timeout <duration>', 'how long a request may take that is no watch').default(60_000, '1m'),
    numberOption('--min-request-timeout <seconds>', 'how long a watch lasts at least that does not say', 1800),
    durationOption('--event-ttl <duration>', 'how long events are kept').default(3_600_000, '1h'),
    switchOption('--profiling', 'show where time and memory go at /debug/pprof/', true),
    alreadySo('--contention-profiling [bool]', 'there are no locks to wait for'),
    switchOption('--enable-logs-handler', 'deprecated: show the files of /var/log at /logs/', true),
    notBuilt('--debug-socket-path <path>', 'profiles over a socket of their own'),
    alreadySo('--strict-transport-security-directives <directives>', 'not for browsers'),
    alreadySo('--endpoint-reconciler-type <type>', 'each server publishes its address'),
    alreadySo('--apiserver-count <count>', 'each server publishes its address'),
    alreadySo('--identity-lease-duration-seconds <seconds>', 'servers have no leases'),
    alreadySo('--identity-lease-renew-interval-seconds <seconds>', 'servers have no leases'),
    notBuilt('--coordinated-leadership-lease-duration <duration>', 'coordinated leader election'),
    notBuilt('--coordinated-leadership-renew-deadline <duration>', 'coordinated leader election'),
    notBuilt('--coordinated-leadership-retry-period <duration>', 'coordinated leader election'),
    notBuilt('--cloud-provider <name>', 'cloud providers inside of the API server', ['external']),
    notBuilt('--cloud-config <file>', 'cloud providers inside of the API server'),
    alreadySo('--enable-aggregator-routing [bool]', 'API servers behind this one are reached at their pods'),
    alreadySo('--aggregator-reject-forwarding-redirect [bool]', 'redirects are handed on'),
    textOption('--master-service-namespace <namespace>', 'taken without effect: it is always default'),
    notBuilt('--kubernetes-service-node-port <port>', 'a node port for the kubernetes Service', ['0']),
    alreadySo('--vmodule <pattern=level,...>', 'one level counts for all'),
    alreadySo('--log-flush-frequency <duration>', 'lines are written at once'),
    notBuilt('--logging-format <format>', 'log formats other than JSON lines', ['json', 'text']),
    alreadySo('--log-json-info-buffer-size <size>', 'lines are written at once'),
    alreadySo('--log-json-split-stream [bool]', 'everything goes to standard error'),
    alreadySo('--log-text-info-buffer-size <size>', 'lines are written at once'),
    alreadySo('--log-text-split-stream [bool]', 'everything goes to standard error'),
    notBuilt('--tracing-config-file <file>', 'traces'),
    alreadySo('--show-hidden-metrics-for-version <version>', 'no metric is hidden'),
    alreadySo('--disabled-metrics <names>', 'every metric is shown'),
    alreadySo('--allow-metric-labels <labels>', 'labels are bounded already'),
    alreadySo('--allow-metric-labels-manifest <file>', 'labels are bounded already'),
  ],
};

function ownVersion(text: string): string {
  if (text !== '' && !/^(?:kube=)?v?1\.36(?:\.\d+)?$/.test(text)) throw new InvalidArgumentError('It is 1.36: other versions are not emulated.');
  return text;
}
