/** The HTTPS port of scheduler and controller manager: health for everybody, metrics and other pages for whom the API server lets. */
import { Option } from 'commander';
import { Registry } from 'prom-client';
import { systemClock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { ConfigMap } from '#api/core/config-map.ts';
import { StatusError, internalError } from '#apimachinery/status-error.ts';
import type { Client } from '#client/client.ts';
import type { ConnectionConfig } from '#client/connection.ts';
import { createClient } from '#client/create-client.ts';
import { createHttpsTransport } from '#client/https-transport.ts';
import { connectionFrom, loadKubeconfig } from '#client/kubeconfig.ts';
import type { PemPair } from '#pki/authority.ts';
import { selfSignedServingPair } from '#pki/authority.ts';
import { answerDiagnostics } from '#serving/diagnostics.ts';
import { delegatedAccess } from '#serving/delegated-access.ts';
import { pingCheck } from '#serving/health.ts';
import { registerProcessMetrics } from '#serving/process-metrics.ts';
import type { ZView } from '#serving/z-pages.ts';
import { createSecureServer } from '#serving/secure-server.ts';
import type { SecureServer } from '#serving/secure-server.ts';
import { UserError } from '../fail.ts';
import { readFlagFile, readPair } from './apiserver/serving-flags.ts';
import type { FlagGroup } from './flags.ts';
import { alreadySo, choiceOption, durationOption, listOption, notBuilt, numberOption, switchOption, textOption } from './flags.ts';

export interface PortFlags {
  readonly bindAddress: string;
  readonly securePort: number;
  readonly authenticationKubeconfig?: string;
  readonly authorizationKubeconfig?: string;
  readonly authenticationSkipLookup: boolean;
  readonly authenticationTokenWebhookCacheTtl?: number;
  readonly authorizationAlwaysAllowPaths: readonly string[];
  readonly authorizationWebhookCacheAuthorizedTtl?: number;
  readonly authorizationWebhookCacheUnauthorizedTtl?: number;
  readonly clientCaFile?: string;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly profiling: boolean;
}

/** The flags under the original's names, with those that installers pass and that change nothing here. */
export function portFlags(defaultPort: number): FlagGroup {
  return {
    title: 'Serving:',
    options: [
      new Option('--bind-address <address>', 'where the port listens').default('0.0.0.0'),
      numberOption('--secure-port <port>', 'HTTPS; 0 for none', defaultPort),
      textOption('--authentication-kubeconfig <file>', 'how the API server is asked who somebody is (default: --kubeconfig)'),
      textOption('--authorization-kubeconfig <file>', 'how it is asked what he may see (default: --kubeconfig)'),
      switchOption('--authentication-skip-lookup', 'do not look the authority of client certificates up in the cluster', false),
      alreadySo('--authentication-tolerate-lookup-failure [bool]', 'without that authority client certificates are not asked for'),
      durationOption('--authentication-token-webhook-cache-ttl <duration>', 'how long it is remembered whose token it is (default: 10s)'),
      listOption('--authorization-always-allow-paths <paths>', 'paths that everybody may see', ['/healthz', '/readyz', '/livez']),
      durationOption('--authorization-webhook-cache-authorized-ttl <duration>', 'how long it is remembered that something is allowed (default: 10s)'),
      durationOption('--authorization-webhook-cache-unauthorized-ttl <duration>', 'how long it is remembered that something is not (default: 10s)'),
      textOption('--client-ca-file <file>', 'authorities of client certificates (default: the cluster\'s)'),
      textOption('--tls-cert-file <file>', 'serving certificate (default: one of its own)'),
      textOption('--tls-private-key-file <file>', 'its key'),
      alreadySo('--cert-dir <directory>', 'its own certificate is kept in memory'),
      alreadySo('--requestheader-client-ca-file <file>', 'the port believes no headers'),
      alreadySo('--requestheader-allowed-names <names>', 'the port believes no headers'),
      alreadySo('--requestheader-username-headers <headers>', 'the port believes no headers'),
      alreadySo('--requestheader-uid-headers <headers>', 'the port believes no headers'),
      alreadySo('--requestheader-group-headers <headers>', 'the port believes no headers'),
      alreadySo('--requestheader-extra-headers-prefix <prefixes>', 'the port believes no headers'),
      switchOption('--profiling', 'show where time and memory go at /debug/pprof/', true),
      alreadySo('--contention-profiling [bool]', 'there are no locks to wait for'),
      alreadySo('--kube-api-qps <rate>', 'requests are not slowed down'),
      alreadySo('--kube-api-burst <count>', 'requests are not slowed down'),
      alreadySo('--kube-api-content-type <type>', 'JSON is spoken'),
      alreadySo('--feature-gates <gate=bool,...>', 'the API server\'s decide'),
      alreadySo('--vmodule <pattern=level,...>', 'one level counts for all'),
      alreadySo('--log-flush-frequency <duration>', 'lines are written at once'),
      choiceOption('--logging-format <format>', 'lines are JSON either way', ['json', 'text']),
      notBuilt('--config <file>', 'configuration files of components'),
    ],
  };
}

/** What is measured of the process, to which the component adds. */
export function componentRegistry(signal: AbortSignal): Registry {
  const registry = new Registry();
  registerProcessMetrics({ registry, clock: systemClock, signal });
  return registry;
}

/** Opens the port at once; whom the API server lets in is asked of it with every new face. */
export async function serveComponentPort(name: string, flags: PortFlags, { registry, connection, log, view }: { readonly registry: Registry; readonly connection: ConnectionConfig; readonly log: Logger; readonly view: () => ZView }): Promise<void> {
  if (flags.securePort === 0) return;
  const authentication = clientOf('--authentication-kubeconfig', flags.authenticationKubeconfig, connection, name);
  const access = delegatedAccess({
    authentication, authorization: clientOf('--authorization-kubeconfig', flags.authorizationKubeconfig, connection, name), clock: systemClock, alwaysAllowPaths: flags.authorizationAlwaysAllowPaths,
    tokenTtlMs: flags.authenticationTokenWebhookCacheTtl, authorizedTtlMs: flags.authorizationWebhookCacheAuthorizedTtl, unauthorizedTtlMs: flags.authorizationWebhookCacheUnauthorizedTtl,
  });
  const checks = [pingCheck];
  const serving = servingOf(flags);
  const ownCa = flags.clientCaFile === undefined ? undefined : readFlagFile('--client-ca-file', flags.clientCaFile);
  const server = createSecureServer({
    clock: systemClock, log, serving, ...(ownCa !== undefined && { clientCaPem: ownCa }),
    handler: async (request, response) => {
      try {
        await access(request);
        if (await answerDiagnostics({ healthz: checks, livez: checks, readyz: checks, metrics: registry, view, profiling: flags.profiling ? systemClock : undefined }, request, response)) return;
        response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
        response.end(Buffer.from('404 page not found\n'));
      } catch (error) {
        const status = error instanceof StatusError ? error : internalError(error);
        response.writeHead(status.code, { 'content-type': 'application/json' });
        response.end(Buffer.from(JSON.stringify(status.toStatus())));
      }
    },
  });
  await server.listen({ host: flags.bindAddress, port: flags.securePort });
  if (ownCa === undefined && !flags.authenticationSkipLookup) void takeClusterCa(server, serving, authentication, log);
}

/** Certificates of the cluster's authority count as soon as it is known. */
async function takeClusterCa(server: SecureServer, serving: PemPair, client: Client, log: Logger): Promise<void> {
  try {
    const { data = {} } = await client.get(ConfigMap, { namespace: 'kube-system', name: 'extension-apiserver-authentication' });
    const clientCaPem = data['client-ca-file'];
    if (clientCaPem !== undefined) server.replaceCertificates({ serving, clientCaPem });
  } catch (error) {
    log.warn({ error }, 'the authority of client certificates is not known; tokens only');
  }
}

function servingOf({ tlsCertFile, tlsPrivateKeyFile }: PortFlags): PemPair {
  if ((tlsCertFile === undefined) !== (tlsPrivateKeyFile === undefined)) throw new UserError('a certificate and its key are given together');
  if (tlsCertFile !== undefined && tlsPrivateKeyFile !== undefined) return readPair('--tls-cert-file', tlsCertFile, tlsPrivateKeyFile);
  return selfSignedServingPair({ commonName: 'localhost', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '::1'], clock: systemClock });
}

function clientOf(flag: string, file: string | undefined, own: ConnectionConfig, userAgent: string): Client {
  try {
    return createClient(createHttpsTransport(file === undefined ? own : connectionFrom(loadKubeconfig({ file })), { clock: systemClock, userAgent }));
  } catch (error) {
    throw new UserError(`${flag}: ${file ?? ''}: ${(error as Error).message}`);
  }
}
