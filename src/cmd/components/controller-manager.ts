import type { Command } from 'commander';
import { Option } from 'commander';
import { readFileSync } from 'node:fs';
import type { ControllerOptions } from '#controllers/index.ts';
import { controllersFor } from '#controllers/index.ts';
import { controllerIdentities } from '#cluster/controller-identities.ts';
import { createQueueMetrics } from '#reconcile/queue-metrics.ts';
import { runControllers } from '#reconcile/run-controllers.ts';
import { UserError } from '../fail.ts';
import { readPair } from './apiserver/serving-flags.ts';
import type { PortFlags } from './component-port.ts';
import { componentRegistry, portFlags, serveComponentPort } from './component-port.ts';
import { alreadySo, componentCommand, durationMs, listOption, switchOption, textOption, wholeNumber, withFlagGroups } from './flags.ts';
import type { LeaderElectionFlags } from './leader-election.ts';
import { leaderElectionOf, withLeaderElection } from './leader-election.ts';
import type { ComponentFlags } from './run-component.ts';
import { runComponent } from './run-component.ts';

interface Flags extends ComponentFlags, LeaderElectionFlags, PortFlags {
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
  readonly clusterSigningCertFile?: string;
  readonly clusterSigningKeyFile?: string;
}

/** `skiff controller-manager`, in the place of kube-controller-manager. */
export function command(): Command {
  const built = componentCommand('The controllers, against the API server that the kubeconfig names. Flags as kube-controller-manager\'s.')
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option('--master <url>', 'its address, in place of the kubeconfig\'s')
    .addOption(listOption('--controllers <names>', 'which: * for all, -NAME for all but that one', ['*']))
    .addOption(listOption('--cluster-cidr <ranges>', 'pod ranges of the cluster'))
    .addOption(switchOption('--allocate-node-cidrs', 'give every node a range of its own', true))
    .addOption(new Option('--node-cidr-mask-size <bits>', 'size of a node\'s range').argParser(wholeNumber))
    .addOption(new Option('--node-cidr-mask-size-ipv4 <bits>', 'the same for IPv4').argParser(wholeNumber))
    .addOption(new Option('--node-cidr-mask-size-ipv6 <bits>', 'the same for IPv6').argParser(wholeNumber))
    .addOption(new Option('--node-monitor-period <duration>', 'how often nodes are looked at').argParser(durationMs))
    .addOption(new Option('--node-monitor-grace-period <duration>', 'a node that said nothing for so long is unreachable').argParser(durationMs))
    .addOption(new Option('--node-startup-grace-period <duration>', 'the same for one that never said anything').argParser(durationMs))
    .option('--root-ca-file <file>', 'root certificates that every namespace gets in kube-root-ca.crt')
    .addOption(switchOption('--use-service-account-credentials', 'every controller writes as its own service account, for which the default roles are made', true))
    .addOption(textOption('--cluster-signing-cert-file <file>', 'authority that signs certificate requests'))
    .addOption(textOption('--cluster-signing-key-file <file>', 'its key'))
    .addOption(alreadySo('--service-account-private-key-file <file>', 'the API server signs tokens'))
    .addOption(alreadySo('--service-cluster-ip-range <ranges>', 'the API server gives Services their addresses'))
    .addOption(alreadySo('--cluster-name <name>', 'nothing bears it'))
    .action(async (flags: Flags) => {
      const controllers = controllersFor(optionsOf(flags));
      const leaderElection = leaderElectionOf(flags);
      const registry = componentRegistry(new AbortController().signal);
      await runComponent('kube-controller-manager', flags, async (context, { connection, log }) => {
        await serveComponentPort('kube-controller-manager', flags, { registry, connection, log });
        return runControllers(context, controllers, {
          queueMetrics: createQueueMetrics(registry),
          ...(flags.useServiceAccountCredentials && { identityOf: controllerIdentities(context, connection) }),
          ...(leaderElection === undefined ? {} : { leaderElection }),
          onLeadershipLost() {
            context.log.error({}, 'leadership was lost');
            process.exit(1);
          },
        });
      });
    });
  return withLeaderElection(withFlagGroups(built, [portFlags(10_257)]), 'kube-controller-manager');
}

function optionsOf(flags: Flags): ControllerOptions {
  const { clusterCidr, nodeCidrMaskSizeIpv6, nodeMonitorPeriod, nodeMonitorGracePeriod, nodeStartupGracePeriod, rootCaFile } = flags;
  const signing = [flags.clusterSigningCertFile, flags.clusterSigningKeyFile];
  if (signing.filter((each) => each !== undefined).length === 1) throw new UserError('--cluster-signing-cert-file and --cluster-signing-key-file are given together');
  const [certFile, keyFile] = signing;
  const ipv4Bits = flags.nodeCidrMaskSizeIpv4 ?? flags.nodeCidrMaskSize;
  return {
    enabled: flags.allocateNodeCidrs ? flags.controllers : [...flags.controllers, '-node-ipam-controller'],
    ...(certFile !== undefined && keyFile !== undefined && { clusterSigning: readPair('--cluster-signing-cert-file', certFile, keyFile) }),
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
