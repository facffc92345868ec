import { hostname } from 'node:os';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { systemClock } from '#base/clock.ts';
import { createDnsHttpServer } from '#dns/dns-http.ts';
import { createDnsServer } from '#dns/dns-server.ts';
import { publishDnsService } from '#dns/publish-service.ts';
import type { UpstreamAddress } from '#dns/upstream.ts';
import { UserError } from '../fail.ts';
import { componentCommand, list, wholeNumber } from './flags.ts';
import type { ComponentFlags } from './run-component.ts';
import { runComponent } from './run-component.ts';

interface Flags extends ComponentFlags {
  readonly clusterDomain: string;
  readonly bindAddress: string;
  readonly port: number;
  readonly ttl: number;
  readonly resolvConf: string;
  readonly upstream?: readonly UpstreamAddress[];
  readonly clientCidr?: readonly string[];
  readonly metricsPort: number;
  readonly publish?: string;
  readonly advertiseAddress?: string;
  readonly hostnameOverride?: string;
}

/** `skiff dns`, in the place of CoreDNS with its kubernetes and forward plugins. */
export function command(): Command {
  return componentCommand('The cluster\'s name server: Services and pods by name; other names are asked of the node\'s resolvers.')
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option('--master <url>', 'its address, in place of the kubeconfig\'s')
    .option('--cluster-domain <domain>', 'what the cluster\'s names end in', 'cluster.local')
    .option('--bind-address <address>', 'where it listens, UDP and TCP', '0.0.0.0')
    .addOption(new Option('--port <port>', '0 for any').argParser(wholeNumber).default(53))
    .addOption(new Option('--ttl <seconds>', 'for how long clients may remember the cluster\'s names').argParser(wholeNumber).default(5))
    .option('--resolv-conf <file>', 'which resolvers know other names', '/etc/resolv.conf')
    .addOption(new Option('--upstream <servers>', 'the same, as ADDRESS or ADDRESS:PORT, in place of the file').argParser(upstreams))
    .addOption(new Option('--client-cidr <ranges>', 'who may ask, beside the node itself (default: everybody)').argParser(list))
    .addOption(new Option('--metrics-port <port>', 'where /metrics, /health and /ready are (HTTP); 0 for none').argParser(wholeNumber).default(9153))
    .option('--publish <address>', 'write the Service kube-system/kube-dns with this cluster address, pointing here')
    .option('--advertise-address <address>', 'with --publish: where the node\'s pods reach this server (default: --bind-address)')
    .option('--hostname-override <name>', 'with --publish: the node\'s name (default: the host name)')
    .action(async (flags: Flags) => {
      const address = flags.advertiseAddress ?? flags.bindAddress;
      if (flags.publish !== undefined && ['0.0.0.0', '::'].includes(address)) throw new UserError('--publish needs --advertise-address: where the node\'s pods reach this server');
      await runComponent('dns', flags, async (context) => {
        const server = createDnsServer(context, {
          clusterDomain: flags.clusterDomain, listen: { host: flags.bindAddress, port: flags.port }, ttl: flags.ttl, resolvConf: flags.resolvConf,
          ...(flags.upstream === undefined ? {} : { upstreams: flags.upstream }),
          ...(flags.clientCidr === undefined ? {} : { clients: flags.clientCidr }),
          ...(flags.publish === undefined ? {} : { ownAddresses: [{ host: flags.publish, port: 53 }] }),
        });
        server.ready.catch((error: unknown) => {
          if (!(error instanceof Error && 'code' in error)) return;
          // Without its port it is of no use, and whoever started it shall know.
          context.log.error({ error }, `${flags.bindAddress}:${flags.port} cannot be listened on`);
          process.exit(1);
        });
        if (flags.metricsPort !== 0) await createDnsHttpServer(server, { clock: systemClock }).listen({ host: flags.bindAddress, port: flags.metricsPort });
        const { publish } = flags;
        if (publish === undefined) return server;
        const published = server.ready.then(async () => {
          await publishDnsService(context.client, {
            nodeName: flags.hostnameOverride ?? hostname().toLowerCase(), address, port: server.port ?? flags.port,
            metricsPort: flags.metricsPort === 0 ? undefined : flags.metricsPort, clusterIp: publish,
          });
        });
        return { ready: published, close: () => server.close() };
      });
    });
}

function upstreams(text: string, before: readonly UpstreamAddress[] | undefined): readonly UpstreamAddress[] {
  return [...(before ?? []), ...list(text, undefined).map((each) => {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+|[^:]*(?::[^:]*){2,}))(?::(\d+))?$/.exec(each) ?? [];
    const host = bracketed ?? plain;
    if (host === undefined) throw new InvalidArgumentError('A server is written like 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53.');
    return { host, port: Number(port ?? 53) };
  })];
}
