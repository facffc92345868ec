/** Starts controllers, alone or as one of several processes of which one leads. */
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import type { Controller, ControllerEnvironment } from './controller.ts';
import type { LeaderElectionOptions } from './leader-election.ts';
import { runElected } from './leader-election.ts';
import type { QueueMetricsSource } from './queue-metrics.ts';

export interface RunControllersOptions {
  /** Without it the controllers start at once. */
  readonly leaderElection?: LeaderElectionOptions;
  /** Leadership was lost: controllers have stopped. A process of its own exits here. */
  readonly onLeadershipLost?: () => void;
  readonly queueMetrics?: QueueMetricsSource;
  /** The identity a controller writes as. Default: that of the context, for all. */
  readonly identityOf?: (controller: string) => Pick<ComponentContext, 'client' | 'recorderFor'>;
}

/** `ready` resolves when every controller works; with leader election, when this process stands for election. */
export function runControllers(context: ComponentContext, controllers: readonly Controller[], options: RunControllersOptions = {}): RunningComponent {
  const environment: ControllerEnvironment = { ...context, queueMetrics: options.queueMetrics };
  const start = (): RunningComponent => startAll(environment, controllers, options.identityOf);
  if (options.leaderElection === undefined) return start();

  const stop = new AbortController();
  const recorder = context.recorderFor('kube-controller-manager', { host: options.leaderElection.identity });
  const elected = runElected({ ...context, recorder }, options.leaderElection, async (signal) => {
    const running = start();
    await aborted(signal);
    await running.close();
  }, stop.signal).then(() => {
    if (!stop.signal.aborted) options.onLeadershipLost?.();
  });
  return {
    ready: Promise.resolve(),
    async close() {
      stop.abort(new Error('controllers are closing'));
      await elected;
    },
  };
}

function startAll(environment: ControllerEnvironment, controllers: readonly Controller[], identityOf: RunControllersOptions['identityOf']): RunningComponent {
  const running = controllers.map((controller) => controller.start({ ...environment, ...identityOf?.(controller.name) }));
  const ready = Promise.all(running.map((each) => each.ready)).then(() => {});
  ready.catch(() => {});
  return {
    ready,
    async close() {
      await Promise.all(running.map((each) => each.close()));
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
