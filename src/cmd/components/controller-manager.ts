import type { Command } from 'commander';
import { readFileSync } from 'node:fs';
import type { ControllerOptions } from '#controllers/index.ts';
import { controllersFor } from '#controllers/index.ts';
import type { ConnectionConfig } from '#client/connection.ts';
import { controllerIdentities } from '#cluster/controller-identities.ts';
import { createQueueMetrics } from '#reconcile/queue-metrics.ts';
import { runControllers } from '#reconcile/run-controllers.ts';
import { UserError } from '../fail.ts';
import { readPair } from './apiserver/serving-flags.ts';
import type { PortFlags } from './component-port.ts';
import { componentRegistry, portFlags, serveComponentPort } from './component-port.ts';
import type { ControllerFlags } from './controller-manager/controller-flags.ts';
import { controllerFlags, morePortFlags } from './controller-manager/controller-flags.ts';
import { componentView, portPaths } from './component-view.ts';
import { componentCommand, withFlagGroups } from './flags.ts';
import type { LeaderElectionFlags } from './leader-election.ts';
import { leaderElectionOf, withLeaderElection } from './leader-election.ts';
import type { ComponentFlags } from './run-component.ts';
import { runComponent } from './run-component.ts';

interface Flags extends ComponentFlags, LeaderElectionFlags, PortFlags, ControllerFlags {}

/** `skiff controller-manager`, in the place of kube-controller-manager. */
export function command(): Command {
  const built = componentCommand('The controllers, against the API server that the kubeconfig names. Flags as kube-controller-manager\'s.')
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option('--master <url>', 'its address, in place of the kubeconfig\'s');
  const whole = withLeaderElection(withFlagGroups(built, [controllerFlags, portFlags(10_257), morePortFlags]), 'kube-controller-manager');
  const view = componentView('kube-controller-manager', whole, portPaths);
  return whole.action(async (flags: Flags) => {
    const options = optionsOf(flags);
    // What is wrong with the flags is said before anything is started.
    controllersFor(options);
    const leaderElection = leaderElectionOf(flags);
    const registry = componentRegistry(new AbortController().signal);
    await runComponent('kube-controller-manager', flags, async (context, { connection, log }) => {
      await serveComponentPort('kube-controller-manager', flags, { registry, connection, log, view });
      return runControllers(context, controllersFor({ rootCaPem: rootCaOf(connection), ...options }), {
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
}

function optionsOf(flags: Flags): ControllerOptions {
  const { clusterCidr, nodeCidrMaskSizeIpv6, nodeMonitorPeriod, nodeMonitorGracePeriod, nodeStartupGracePeriod, rootCaFile, clusterSigningDuration } = flags;
  const signing = [flags.clusterSigningCertFile, flags.clusterSigningKeyFile];
  if (signing.filter((each) => each !== undefined).length === 1) throw new UserError('--cluster-signing-cert-file and --cluster-signing-key-file are given together');
  const [certFile, keyFile] = signing;
  const ipv4Bits = flags.nodeCidrMaskSizeIpv4 ?? flags.nodeCidrMaskSize;
  return {
    enabled: flags.allocateNodeCidrs ? flags.controllers : [...flags.controllers, '-node-ipam-controller'],
    ...(certFile !== undefined && keyFile !== undefined && { clusterSigning: readPair('--cluster-signing-cert-file', certFile, keyFile) }),
    ...(rootCaFile === undefined ? {} : { rootCaPem: readPemFile('--root-ca-file', rootCaFile) }),
    ...(clusterSigningDuration === undefined ? {} : { clusterSigningSeconds: clusterSigningDuration / 1000 }),
    ...(clusterCidr === undefined ? {} : { clusterCidrs: clusterCidr }),
    ...(ipv4Bits === undefined ? {} : { nodeCidrMaskSizeIpv4: ipv4Bits }),
    ...(nodeCidrMaskSizeIpv6 === undefined ? {} : { nodeCidrMaskSizeIpv6 }),
    ...(nodeMonitorPeriod === undefined ? {} : { nodeMonitorPeriodMs: nodeMonitorPeriod }),
    ...(nodeMonitorGracePeriod === undefined ? {} : { nodeMonitorGracePeriodMs: nodeMonitorGracePeriod }),
    ...(nodeStartupGracePeriod === undefined ? {} : { nodeStartupGracePeriodMs: nodeStartupGracePeriod }),
  };
}

/** Whom the manager itself believes; nothing when it believes everybody. */
function rootCaOf({ ca }: ConnectionConfig): string {
  if (ca === undefined) return '';
  return 'pem' in ca ? ca.pem : readPemFile('--kubeconfig', ca.file);
}

/** A file that a flag names. Throws a message with the flag in it. */
export function readPemFile(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`${flag}: ${file} cannot be read`, { cause: error });
  }
}
