import type { Command } from 'commander';
import { Option } from 'commander';
import { runElected } from '#reconcile/leader-election.ts';
import { createScheduler } from '#scheduler/scheduler.ts';
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import type { LeaderElectionOptions } from '#reconcile/leader-election.ts';
import { componentCommand, wholeNumber } from './flags.ts';
import type { LeaderElectionFlags } from './leader-election.ts';
import { leaderElectionOf, withLeaderElection } from './leader-election.ts';
import type { ComponentFlags } from './run-component.ts';
import { runComponent, serveHealth } from './run-component.ts';

interface Flags extends ComponentFlags, LeaderElectionFlags {
  readonly bindAddress: string;
  readonly securePort: number;
}

/** `skiff scheduler`, in the place of kube-scheduler. */
export function command(): Command {
  const built = componentCommand('The scheduler, against the API server that the kubeconfig names. Flags as kube-scheduler\'s.')
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option('--master <url>', 'its address, in place of the kubeconfig\'s')
    .option('--bind-address <address>', 'where the health port listens', '0.0.0.0')
    .addOption(new Option('--secure-port <port>', 'the health port (HTTPS); 0 for none').argParser(wholeNumber).default(10_259))
    .action(async (flags: Flags) => {
      await serveHealth({ bindAddress: flags.bindAddress, port: flags.securePort });
      const election = leaderElectionOf(flags);
      await runComponent('kube-scheduler', flags, (context) => (election === undefined ? createScheduler(context) : electedScheduler(context, election)));
    });
  return withLeaderElection(built, 'kube-scheduler');
}

/** Schedules while it leads; ends the process when it no longer does, as the original. */
function electedScheduler(context: ComponentContext, election: LeaderElectionOptions): RunningComponent {
  const stop = new AbortController();
  const recorder = context.recorderFor('kube-scheduler', { host: election.identity });
  const elected = runElected({ ...context, recorder }, election, async (signal) => {
    const scheduler = createScheduler(context);
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
