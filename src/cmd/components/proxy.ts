import type { Command } from 'commander';
import { Option } from 'commander';
import { hostname } from 'node:os';
import { systemClock } from '#base/clock.ts';
import { createProxyServer } from '#proxy/proxy-server.ts';
import { purgeProxy, startProxy } from '#proxy/proxy.ts';
import { UserError } from '../fail.ts';
import { componentCommand, durationMs, list, switchOption, wholeNumber } from './flags.ts';
import type { ComponentFlags } from './run-component.ts';
import { runComponent } from './run-component.ts';

interface Flags extends ComponentFlags {
  readonly hostnameOverride?: string;
  readonly clusterCidr: readonly string[];
  readonly proxyMode: string;
  readonly masqueradeAll: boolean;
  readonly healthzBindAddress: string;
  readonly healthzPort: number;
  readonly iptablesMinSyncPeriod?: number;
  readonly nftablesMinSyncPeriod?: number;
  readonly nftablesSyncPeriod?: number;
  readonly clusterName: string;
  readonly cleanup: boolean;
}

/** `skiff proxy`, in the place of kube-proxy. */
export function command(): Command {
  return componentCommand('The Services of this node, as nftables rules. Flags as kube-proxy\'s.')
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option('--master <url>', 'its address, in place of the kubeconfig\'s')
    .option('--hostname-override <name>', 'the node\'s name (default: the host name)')
    .addOption(new Option('--cluster-cidr <ranges>', 'pod ranges; what comes from elsewhere gets the node\'s address').argParser(list).default(['10.244.0.0/16'], '10.244.0.0/16'))
    .option('--proxy-mode <mode>', 'how rules are written: nftables', 'nftables')
    .addOption(switchOption('--masquerade-all', 'everything sent to a cluster address gets the node\'s address', false))
    .option('--healthz-bind-address <address>', 'where /healthz listens', '0.0.0.0')
    .addOption(new Option('--healthz-port <port>', '0 for none').argParser(wholeNumber).default(10_256))
    .addOption(new Option('--nftables-min-sync-period <duration>', 'changes within this time are written together').argParser(durationMs))
    .addOption(new Option('--nftables-sync-period <duration>', 'everything is written anew after this time').argParser(durationMs))
    .option('--cluster-name <name>', 'part of the tables\' names, where nodes of several clusters share a machine', 'default')
    .addOption(switchOption('--cleanup', 'remove the rules and end', false))
    .action(async (flags: Flags) => {
      if (flags.proxyMode !== 'nftables' && flags.proxyMode !== '') throw new UserError(`--proxy-mode ${flags.proxyMode} is not built; there is nftables`);
      if (flags.cleanup) return purgeProxy(flags.clusterName);
      await runComponent('kube-proxy', flags, async (context) => {
        const proxy = startProxy(context, {
          nodeName: flags.hostnameOverride ?? hostname().toLowerCase(),
          clusterName: flags.clusterName,
          clusterCidrs: flags.clusterCidr,
          masqueradeAll: flags.masqueradeAll,
          ...(flags.nftablesMinSyncPeriod === undefined ? {} : { minSyncPeriodMs: flags.nftablesMinSyncPeriod }),
          ...(flags.nftablesSyncPeriod === undefined ? {} : { fullSyncPeriodMs: flags.nftablesSyncPeriod }),
        });
        if (flags.healthzPort !== 0) await createProxyServer(proxy, { clock: systemClock }).listen({ host: flags.healthzBindAddress, port: flags.healthzPort });
        return proxy;
      });
      return undefined;
    });
}
