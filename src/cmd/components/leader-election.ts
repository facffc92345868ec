import type { Command } from 'commander';
import { Option } from 'commander';
import { hostname } from 'node:os';
import { systemRandom } from '#base/random.ts';
import type { LeaderElectionOptions } from '#reconcile/leader-election.ts';
import { durationMs, switchOption } from './flags.ts';

export interface LeaderElectionFlags {
  readonly leaderElect: boolean;
  readonly leaderElectLeaseDuration: number;
  readonly leaderElectRenewDeadline: number;
  readonly leaderElectRetryPeriod: number;
  readonly leaderElectResourceName: string;
  readonly leaderElectResourceNamespace: string;
}

/** The flags under the original's names. */
export function withLeaderElection(command: Command, resourceName: string): Command {
  return command
    .addOption(switchOption('--leader-elect', 'only one of several processes works', true))
    .addOption(new Option('--leader-elect-lease-duration <duration>', 'how long a lease lasts that is not renewed').argParser(durationMs).default(15_000, '15s'))
    .addOption(new Option('--leader-elect-renew-deadline <duration>', 'the leader gives up when it could not renew for so long').argParser(durationMs).default(10_000, '10s'))
    .addOption(new Option('--leader-elect-retry-period <duration>', 'pause between attempts').argParser(durationMs).default(2000, '2s'))
    .option('--leader-elect-resource-name <name>', 'name of the Lease', resourceName)
    .option('--leader-elect-resource-namespace <namespace>', 'its namespace', 'kube-system');
}

/** Undefined when the component is to work without being elected. */
export function leaderElectionOf(flags: LeaderElectionFlags): LeaderElectionOptions | undefined {
  if (!flags.leaderElect) return undefined;
  return {
    name: flags.leaderElectResourceName,
    namespace: flags.leaderElectResourceNamespace,
    identity: `${hostname()}_${systemRandom.uuid()}`,
    leaseDurationMs: flags.leaderElectLeaseDuration,
    renewDeadlineMs: flags.leaderElectRenewDeadline,
    retryPeriodMs: flags.leaderElectRetryPeriod,
  };
}
