import type { Command } from 'commander';
import type { Registry } from 'prom-client';
import { runElected } from '#reconcile/leader-election.ts';
import { createScheduler } from '#scheduler/scheduler.ts';
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import type { LeaderElectionOptions } from '#reconcile/leader-election.ts';
import type { PortFlags } from './component-port.ts';
import { componentRegistry, portFlags, serveComponentPort } from './component-port.ts';
import { componentView, portPaths } from './component-view.ts';
import { componentCommand, withFlagGroups } from './flags.ts';
import type { LeaderElectionFlags } from './leader-election.ts';
import { leaderElectionOf, withLeaderElection } from './leader-election.ts';
import type { ComponentFlags } from './run-component.ts';
import { runComponent } from './run-component.ts';

interface Flags extends ComponentFlags, LeaderElectionFlags, PortFlags {}

/** `skiff scheduler`, in the place of kube-scheduler. */
export function command(): Command {
  const built = componentCommand('The scheduler, against the API server that the kubeconfig names. Flags as kube-scheduler\'s.')
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option('--master <url>', 'its address, in place of the kubeconfig\'s');
  const whole = withLeaderElection(withFlagGroups(built, [portFlags(10_259)]), 'kube-scheduler');
  const view = componentView('kube-scheduler', whole, portPaths);
  return whole.action(async (flags: Flags) => {
    const election = leaderElectionOf(flags);
    await runComponent('kube-scheduler', flags, async (context, { connection, log }) => {
      const registry = componentRegistry(new AbortController().signal);
      await serveComponentPort('kube-scheduler', flags, { registry, connection, log, view });
      return election === undefined ? createScheduler(context, { registry }) : electedScheduler(context, election, registry);
    });
  });
}

/** Schedules while it leads; ends the process when it no longer does, as the original. */
function electedScheduler(context: ComponentContext, election: LeaderElectionOptions, registry: Registry): RunningComponent {
  const stop = new AbortController();
  const recorder = context.recorderFor('kube-scheduler', { host: election.identity });
  const elected = runElected({ ...context, recorder }, election, async (signal) => {
    const scheduler = createScheduler(context, { registry });
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await scheduler.close();
  }, stop.signal).then(() => {
    if (stop.signal.aborted) return;
    context.log.error({}, 'leadership was lost');
    process.exit(1);
  });
  return {
    ready: Promise.resolve(),
    async close() {
      stop.abort(new Error('the scheduler is closing'));
      await elected;
    },
  };
}
