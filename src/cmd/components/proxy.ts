import type { Command } from 'commander';
import { Option } from 'commander';
import { hostname } from 'node:os';
import { systemClock } from '#base/clock.ts';
import { createHealthServer, createMetricsServer } from '#proxy/proxy-server.ts';
import { purgeProxy, startProxy } from '#proxy/proxy.ts';
import type { HttpServer } from '#serving/http-server.ts';
import { UserError } from '../fail.ts';
import { componentView } from './component-view.ts';
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
  readonly metricsBindAddress: string;
  readonly iptablesMinSyncPeriod?: number;
  readonly nftablesMinSyncPeriod?: number;
  readonly nftablesSyncPeriod?: number;
  readonly clusterName: string;
  readonly profiling: boolean;
  readonly cleanup: boolean;
}

/** `skiff proxy`, in the place of kube-proxy. */
export function command(): Command {
  const built = componentCommand('The Services of this node, as nftables rules. Flags as kube-proxy\'s.')
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option('--master <url>', 'its address, in place of the kubeconfig\'s')
    .option('--hostname-override <name>', 'the node\'s name (default: the host name)')
    .addOption(new Option('--cluster-cidr <ranges>', 'pod ranges; what comes from elsewhere gets the node\'s address').argParser(list).default(['10.244.0.0/16'], '10.244.0.0/16'))
    .option('--proxy-mode <mode>', 'how rules are written: nftables', 'nftables')
    .addOption(switchOption('--masquerade-all', 'everything sent to a cluster address gets the node\'s address', false))
    .option('--healthz-bind-address <address>', 'where /healthz and /livez listen, as ADDRESS or ADDRESS:PORT; empty for nowhere', '0.0.0.0')
    .addOption(new Option('--healthz-port <port>', 'their port, where the address names none; 0 for none').argParser(wholeNumber).default(10_256))
    .option('--metrics-bind-address <address>', 'where /metrics listens; empty for nowhere', '127.0.0.1:10249')
    .addOption(new Option('--nftables-min-sync-period <duration>', 'changes within this time are written together').argParser(durationMs))
    .addOption(new Option('--nftables-sync-period <duration>', 'everything is written anew after this time').argParser(durationMs))
    .option('--cluster-name <name>', 'part of the tables\' names, where nodes of several clusters share a machine', 'default')
    .addOption(switchOption('--profiling', 'show where time and memory go at /debug/pprof/, on the port of the metrics', false))
    .addOption(switchOption('--cleanup', 'remove the rules and end', false));
  const view = componentView('kube-proxy', built, ['/debug/pprof/', '/flagz', '/healthz', '/metrics', '/proxyMode', '/statusz']);
  return built
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
        // As in the original, Services go on without these where somebody else has the port.
        const serve = async (server: HttpServer, given: string, defaultPort: number): Promise<void> => {
          const { host, port } = listenAddress(given, defaultPort);
          if (given === '' || port === 0) return;
          await server.listen({ host, port }).catch((error: unknown) => context.log.error({ error }, `${given} cannot be listened on`));
        };
        await serve(createHealthServer(proxy, { clock: systemClock }), flags.healthzBindAddress, flags.healthzPort);
        await serve(createMetricsServer(proxy, { clock: systemClock, pages: { view, profiling: flags.profiling ? systemClock : undefined } }), flags.metricsBindAddress, 10_249);
        return proxy;
      });
      return undefined;
    });
}

/** `ADDRESS:PORT`, or an address alone; IPv6 with a port stands in brackets. */
function listenAddress(given: string, defaultPort: number): { readonly host: string; readonly port: number } {
  const [, v6, v4, port] = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(given) ?? [];
  return port === undefined ? { host: given, port: defaultPort } : { host: v6 ?? v4 ?? '', port: Number(port) };
}
