import type { Command } from 'commander';
import { Option } from 'commander';
import { readFileSync } from 'node:fs';
import type { ControllerOptions } from '#controllers/index.ts';
import { controllersFor } from '#controllers/index.ts';
import { controllerIdentities } from '#cluster/controller-identities.ts';
import { runControllers } from '#reconcile/run-controllers.ts';
import { UserError } from '../fail.ts';
import { componentCommand, durationMs, list, switchOption, wholeNumber } from './flags.ts';
import type { LeaderElectionFlags } from './leader-election.ts';
import { leaderElectionOf, withLeaderElection } from './leader-election.ts';
import type { ComponentFlags } from './run-component.ts';
import { runComponent, serveHealth } from './run-component.ts';

interface Flags extends ComponentFlags, LeaderElectionFlags {
  readonly controllers: readonly string[];
  readonly clusterCidr?: readonly string[];
  readonly allocateNodeCidrs: boolean;
  readonly nodeCidrMaskSize?: number;
  readonly nodeCidrMaskSizeIpv4?: number;
  readonly nodeCidrMaskSizeIpv6?: number;
  readonly nodeMonitorPeriod?: number;
  readonly nodeMonitorGracePeriod?: number;
  readonly nodeStartupGracePeriod?: number;
  readonly rootCaFile?: string;
  readonly useServiceAccountCredentials: boolean;
  readonly bindAddress: string;
  readonly securePort: number;
}

/** `skiff controller-manager`, in the place of kube-controller-manager. */
export function command(): Command {
  const built = componentCommand('The controllers, against the API server that the kubeconfig names. Flags as kube-controller-manager\'s.')
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option('--master <url>', 'its address, in place of the kubeconfig\'s')
    .addOption(new Option('--controllers <names>', 'which: * for all, -NAME for all but that one').argParser(list).default(['*'], '*'))
    .addOption(new Option('--cluster-cidr <ranges>', 'pod ranges of the cluster').argParser(list))
    .addOption(switchOption('--allocate-node-cidrs', 'give every node a range of its own', true))
    .addOption(new Option('--node-cidr-mask-size <bits>', 'size of a node\'s range').argParser(wholeNumber))
    .addOption(new Option('--node-cidr-mask-size-ipv4 <bits>', 'the same for IPv4').argParser(wholeNumber))
    .addOption(new Option('--node-cidr-mask-size-ipv6 <bits>', 'the same for IPv6').argParser(wholeNumber))
    .addOption(new Option('--node-monitor-period <duration>', 'how often nodes are looked at').argParser(durationMs))
    .addOption(new Option('--node-monitor-grace-period <duration>', 'a node that said nothing for so long is unreachable').argParser(durationMs))
    .addOption(new Option('--node-startup-grace-period <duration>', 'the same for one that never said anything').argParser(durationMs))
    .option('--root-ca-file <file>', 'root certificates that every namespace gets in kube-root-ca.crt')
    .addOption(switchOption('--use-service-account-credentials', 'every controller writes as its own service account, for which the default roles are made', true))
    .option('--bind-address <address>', 'where the health port listens', '0.0.0.0')
    .addOption(new Option('--secure-port <port>', 'the health port (HTTPS); 0 for none').argParser(wholeNumber).default(10_257))
    .action(async (flags: Flags) => {
      const controllers = controllersFor(optionsOf(flags));
      await serveHealth({ bindAddress: flags.bindAddress, port: flags.securePort });
      const leaderElection = leaderElectionOf(flags);
      await runComponent('kube-controller-manager', flags, (context, { connection }) => runControllers(context, controllers, {
        ...(flags.useServiceAccountCredentials && { identityOf: controllerIdentities(context, connection) }),
        ...(leaderElection === undefined ? {} : { leaderElection }),
        onLeadershipLost() {
          context.log.error({}, 'leadership was lost');
          process.exit(1);
        },
      }));
    });
  return withLeaderElection(built, 'kube-controller-manager');
}

function optionsOf(flags: Flags): ControllerOptions {
  const { clusterCidr, nodeCidrMaskSizeIpv6, nodeMonitorPeriod, nodeMonitorGracePeriod, nodeStartupGracePeriod, rootCaFile } = flags;
  const ipv4Bits = flags.nodeCidrMaskSizeIpv4 ?? flags.nodeCidrMaskSize;
  return {
    enabled: flags.allocateNodeCidrs ? flags.controllers : [...flags.controllers, '-node-ipam-controller'],
    ...(rootCaFile === undefined ? {} : { rootCaPem: readPemFile('--root-ca-file', rootCaFile) }),
    ...(clusterCidr === undefined ? {} : { clusterCidrs: clusterCidr }),
    ...(ipv4Bits === undefined ? {} : { nodeCidrMaskSizeIpv4: ipv4Bits }),
    ...(nodeCidrMaskSizeIpv6 === undefined ? {} : { nodeCidrMaskSizeIpv6 }),
    ...(nodeMonitorPeriod === undefined ? {} : { nodeMonitorPeriodMs: nodeMonitorPeriod }),
    ...(nodeMonitorGracePeriod === undefined ? {} : { nodeMonitorGracePeriodMs: nodeMonitorGracePeriod }),
    ...(nodeStartupGracePeriod === undefined ? {} : { nodeStartupGracePeriodMs: nodeStartupGracePeriod }),
  };
}

/** A file that a flag names. Throws a message with the flag in it. */
export function readPemFile(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`${flag}: ${file} cannot be read`, { cause: error });
  }
}
