/** The cluster's name server on this node, where pods expect it. */
import ipaddr from 'ipaddr.js';
import type { ComponentContext, RunningComponent } from '#client/component.ts';
import { createDnsHttpServer } from '#dns/dns-http.ts';
import { createDnsServer } from '#dns/dns-server.ts';
import type { RunningDnsServer } from '#dns/dns-server.ts';
import { publishDnsService } from '#dns/publish-service.ts';
import type { ClusterSettings } from './settings.ts';

export const clusterDomain = 'cluster.local';

/** The tenth address of the range, 10.96.0.10 of 10.96.0.0/16, as everywhere. */
export function clusterDnsAddress(serviceCidr: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.networkAddressFromCIDR(serviceCidr).octets;
  return [a, b, c, d + 10].join('.');
}

/** Told apart by the cluster's index; where one is taken, any other does, for nobody but the Service needs to know. */
const ports = { dns: 10_053, metrics: 9153 } as const;

/**
 * Starts the name server at the node's address and publishes it as kube-system/kube-dns. A cluster without names is worth
 * more than none: what fails is logged, and `ready` resolves all the same.
 */
export function startClusterDns(context: ComponentContext, { settings, address }: { readonly settings: ClusterSettings; readonly address: string }): RunningComponent {
  const { clock, client, log } = context;
  const closers: (() => Promise<unknown>)[] = [];
  const stop = new AbortController();
  const clusterIp = clusterDnsAddress(settings.serviceCidr);

  const listenAt = async (port: number): Promise<RunningDnsServer> => {
    const server = createDnsServer(context, { clusterDomain, listen: { host: address, port }, clients: [settings.podCidr], ownAddresses: [{ host: clusterIp, port: 53 }] });
    closers.push(() => server.close());
    await server.ready;
    return server;
  };
  const start = async (): Promise<void> => {
    const server = await listenAt(ports.dns + settings.index).catch((error: unknown) => {
      if (isTaken(error)) return listenAt(0);
      throw error;
    });
    const http = createDnsHttpServer(server, { clock });
    const metricsPort = await http.listen({ host: address, port: ports.metrics + settings.index }).then(({ port }) => port, (error: unknown) => {
      if (isTaken(error)) return http.listen({ host: address, port: 0 }).then(({ port }) => port);
      throw error;
    });
    closers.push(() => http.close({ drainMs: 0 }));
    if (stop.signal.aborted || server.port === undefined) return;
    if (address.startsWith('127.')) return log.warn({ address }, 'pods cannot reach this machine\'s loopback address: there are no names for them');
    const isOurs = await publishDnsService(client, { nodeName: settings.nodeName, address, port: server.port, metricsPort, clusterIp }, { signal: stop.signal });
    if (!isOurs) log.info({}, 'kube-system/kube-dns selects pods: another DNS server serves this cluster');
  };
  const started = start().catch((error: unknown) => {
    if (!stop.signal.aborted) log.error({ error }, 'the cluster\'s names are not served');
  });
  return {
    ready: started,
    async close() {
      stop.abort(new Error('closed'));
      await started;
      for (const each of closers.splice(0).reverse()) await each();
    },
  };
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
