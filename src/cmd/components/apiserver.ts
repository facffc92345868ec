import type { Command } from 'commander';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import ipaddr from 'ipaddr.js';
import { Node } from '#api/core/node.ts';
import { kinds } from '#api/kinds.ts';
import type { FrontProxy } from '#apiserver/aggregation/aggregation.ts';
import { AdmissionSettingsError } from '#apiserver/admission/settings.ts';
import type { ApiServerOptions } from '#apiserver/api-server-options.ts';
import type { ApiServer } from '#apiserver/api-server.ts';
import { createApiServer, inProcessAdmin } from '#apiserver/api-server.ts';
import type { FeatureGates } from '#apiserver/features/feature-gates.ts';
import { FeatureGateError, featureGates } from '#apiserver/features/feature-gates.ts';
import { servedKinds } from '#apiserver/features/runtime-config.ts';
import { systemClock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { systemRandom } from '#base/random.ts';
import type { Client } from '#client/client.ts';
import { createClient } from '#client/create-client.ts';
import type { ClusterCertificates } from '#cluster/certificates.ts';
import { ensureCertificates } from '#cluster/certificates.ts';
import { writeKubeconfigs } from '#cluster/kubeconfigs.ts';
import { nodeAddress } from '#cluster/node-address.ts';
import { httpsNodes } from '#cluster/node-gateway.ts';
import type { PemPair } from '#pki/authority.ts';
import { followFile } from '#serving/follow-file.ts';
import { giveBackMemory } from '#serving/give-back-memory.ts';
import { UserError } from '../fail.ts';
import { createLog } from '../log.ts';
import { endOnSignal } from '../until-signal.ts';
import { admissionFlags, admissionSettingsOf } from './apiserver/admission-flags.ts';
import type { AdmissionFlags } from './apiserver/admission-flags.ts';
import { auditFlags, openAuditOf } from './apiserver/audit-flags.ts';
import type { AuditFlags } from './apiserver/audit-flags.ts';
import { authenticationFlags } from './apiserver/authentication-flags.ts';
import type { AuthenticationFlags } from './apiserver/authentication-flags.ts';
import { authorizationFlags } from './apiserver/authorization-flags.ts';
import type { AuthorizationFlags } from './apiserver/authorization-flags.ts';
import { clusterFlags } from './apiserver/cluster-flags.ts';
import type { ClusterFlags } from './apiserver/cluster-flags.ts';
import { limitFlags } from './apiserver/limit-flags.ts';
import type { LimitFlags } from './apiserver/limit-flags.ts';
import { authenticationOf } from './apiserver/open-authentication.ts';
import { authorizersOf } from './apiserver/open-authorization.ts';
import { checkEgress, readFlagFile, readPair, servingFlags, tlsSettingsOf } from './apiserver/serving-flags.ts';
import type { ServingFlags } from './apiserver/serving-flags.ts';
import { checkStorage, openStore, storageFlags } from './apiserver/storage-flags.ts';
import type { StorageFlags } from './apiserver/storage-flags.ts';
import type { CommonFlags } from './flags.ts';
import { componentCommand, flagTexts, logLevelOf, reportedVersion, withFlagGroups } from './flags.ts';

interface Flags extends CommonFlags, ServingFlags, StorageFlags, AuthenticationFlags, AuthorizationFlags, AdmissionFlags, AuditFlags, LimitFlags, ClusterFlags {}

/** `skiff apiserver`, in the place of kube-apiserver. */
export function command(): Command {
  const built = componentCommand('The API server. Flags as kube-apiserver\'s; certificates and keys that no flag names are made in --cert-dir, with kubeconfigs for everybody beside them.');
  const whole = withFlagGroups(built, [servingFlags, storageFlags, authenticationFlags, authorizationFlags, admissionFlags, auditFlags, limitFlags, clusterFlags]);
  const texts = flagTexts(whole);
  return whole.action((flags: Flags) => runApiServer(flags, texts()));
}

async function runApiServer(flags: Flags, texts: Readonly<Record<string, string>>): Promise<void> {
  const log = createLog({ level: logLevelOf(flags) }).child({ component: 'kube-apiserver' });
  const ending = endOnSignal(log);
  const advertiseAddress = flags.advertiseAddress ?? (leadsNowhere(flags.bindAddress) ? nodeAddress() : flags.bindAddress);
  checkStorage(flags);
  checkEgress(flags);
  const tls = tlsSettingsOf(flags);
  const certificates = await ownCertificates(flags, advertiseAddress);
  const stopped = new AbortController();
  const settings = await optionsOf(flags, log, certificates, stopped.signal);
  const { store, below } = await openStore(flags, log, stopped.signal);
  let client: Client | undefined;
  const apiServer = await createApiServer({
    ...settings,
    ...frontProxyOf(flags, certificates),
    store, below,
    flags: texts,
    nodes: httpsNodes({
      nodeOf: (name) => {
        if (client === undefined) throw new Error('the API server has not started yet');
        return client.get(Node, { name });
      },
      client: pairOf(flags, 'kubeletClientCertificate', 'kubeletClientKey') ?? certificates.pairs['apiserver-kubelet-client'],
      caPem: flags.kubeletCertificateAuthority === undefined ? undefined : readFlagFile('--kubelet-certificate-authority', flags.kubeletCertificateAuthority),
      ...(flags.kubeletPreferredAddressTypes === undefined ? {} : { addressTypes: flags.kubeletPreferredAddressTypes }),
      ...(flags.kubeletTimeout === undefined ? {} : { timeoutMs: flags.kubeletTimeout }),
    }),
  }).catch(toUserError);
  client = createClient(apiServer.transport(inProcessAdmin, 'kube-apiserver'));
  const clientCaPem = flags.clientCaFile === undefined ? certificates.ca.certificatePem : readFlagFile('--client-ca-file', flags.clientCaFile);
  const { port } = await apiServer.listen({
    host: flags.bindAddress, port: flags.securePort, serving: servingPairOf(flags, certificates), clientCaPem, advertiseAddress, tls,
    externalHostname: flags.externalHostname, corsAllowedOrigins: flags.corsAllowedOrigins, goawayChance: flags.goawayChance,
    maxConnections: flags.maxConnections,
  });
  await writeKubeconfigs({ name: 'default', stateDir: flags.certDir }, certificates, `https://127.0.0.1:${port}`);
  followServingPair(flags, apiServer, log, stopped.signal);
  log.info({ port, adminKubeconfig: join(flags.certDir, 'admin.kubeconfig') }, 'serving');
  giveBackMemory(systemClock);
  await ending.signalled;
  log.info({}, 'stopping');
  await apiServer.close({ delayMs: flags.shutdownDelayDuration, sendsRetryAfter: flags.shutdownSendRetryAfter });
  stopped.abort();
  await store.close();
  ending.dispose();
  process.exit(0);
}

/** What the server itself is told. Throws a `UserError` for what cannot be. */
async function optionsOf(flags: Flags, log: Logger, certificates: ClusterCertificates, signal: AbortSignal): Promise<Omit<ApiServerOptions, 'store' | 'below' | 'nodes'>> {
  const dependencies = { clock: systemClock, random: systemRandom, log };
  try {
    const features = featureGates(flags.featureGates ?? []);
    const runtime = servedKinds(flags.runtimeConfig ?? [], kinds);
    return {
      ...dependencies,
      ...(await authenticationOf(flags, certificates, { ...dependencies, signal })),
      authorizers: await authorizersOf(flags, { ...dependencies, signal }),
      admission: withoutFeatures(await admissionSettingsOf(flags), features),
      audit: await openAuditOf(flags, dependencies),
      features,
      version: reportedVersion(flags),
      serves: (kind) => runtime(kind) && (features.isOn('MutatingAdmissionPolicy') || !kind.plural.startsWith('mutatingadmissionpolic')),
      serviceClusterIpRanges: flags.serviceClusterIpRange,
      serviceNodePortRange: flags.serviceNodePortRange,
      maxRequestsInflight: totalInFlight(flags),
      inFlightLimits: flags.enablePriorityAndFairness ? undefined : { readOnly: flags.maxRequestsInflight, mutating: flags.maxMutatingRequestsInflight },
      watchLimits: { total: flags.maxWatches, perUser: flags.maxWatchesPerUser },
      requestTimeoutMs: flags.requestTimeout > 0 ? flags.requestTimeout : undefined,
      minWatchSeconds: flags.minRequestTimeout,
      eventTtlMs: flags.eventTtl > 0 ? flags.eventTtl : undefined,
      profiling: flags.profiling,
      logFolder: flags.enableLogsHandler ? '/var/log' : undefined,
    };
  } catch (error) {
    return toUserError(error);
  }
}

function totalInFlight({ maxRequestsInflight, maxMutatingRequestsInflight, enablePriorityAndFairness }: Flags): number {
  const total = maxRequestsInflight + maxMutatingRequestsInflight;
  if (enablePriorityAndFairness && total === 0) throw new UserError('--max-requests-inflight + --max-mutating-requests-inflight must be positive when --enable-priority-and-fairness is set');
  return total;
}

/** Plugins are off with what they are for. */
function withoutFeatures(settings: NonNullable<ApiServerOptions['admission']>, features: FeatureGates): NonNullable<ApiServerOptions['admission']> {
  const off = [['PodTopologyLabelsAdmission', 'PodTopologyLabels'], ['MutatingAdmissionPolicy', 'MutatingAdmissionPolicy']].flatMap(([gate = '', plugin = '']) => (features.isOn(gate) ? [] : [plugin]));
  return { ...settings, disabled: [...(settings.disabled ?? []), ...off] };
}

/** What whoever starts the server can put right, without a stack. */
function toUserError(error: unknown): never {
  if (error instanceof FeatureGateError || error instanceof AdmissionSettingsError) throw new UserError(error.message, { cause: error.cause });
  throw error;
}

/** Without an authority named by a flag everything is as clusters commonly have it; with one, it is as the flags say. */
function frontProxyOf(flags: Flags, certificates: ClusterCertificates): { readonly frontProxy?: FrontProxy } {
  const client = pairOf(flags, 'proxyClientCertFile', 'proxyClientKeyFile') ?? certificates.pairs['front-proxy-client'];
  if (flags.requestheaderClientCaFile === undefined) return client === undefined ? {} : { frontProxy: { client, caPem: certificates.frontProxyCa.certificatePem } };
  const caPem = readFlagFile('--requestheader-client-ca-file', flags.requestheaderClientCaFile);
  const requestHeaders = {
    caPem, allowedNames: flags.requestheaderAllowedNames, usernameHeaders: flags.requestheaderUsernameHeaders, uidHeaders: flags.requestheaderUidHeaders,
    groupHeaders: flags.requestheaderGroupHeaders, extraHeaderPrefixes: flags.requestheaderExtraHeadersPrefix,
  };
  return { frontProxy: { client, caPem, requestHeaders } };
}

/** Addresses that say nothing to other machines. */
function leadsNowhere(address: string): boolean {
  return address === '' || address === '0.0.0.0' || address === '::' || address === '::1' || address.startsWith('127.');
}

/** What the flags name; else a pair that somebody has put into --cert-dir, as the original looks for it; else our own. */
function servingPairOf(flags: Flags, certificates: ClusterCertificates): PemPair {
  const named = pairOf(flags, 'tlsCertFile', 'tlsPrivateKeyFile');
  if (named !== undefined) return named;
  const [certificateFile, keyFile] = [join(flags.certDir, 'apiserver.crt'), join(flags.certDir, 'apiserver.key')];
  if (existsSync(certificateFile) && existsSync(keyFile)) return readPair('--cert-dir', certificateFile, keyFile);
  const own = certificates.pairs['apiserver'];
  if (own === undefined) throw new UserError('there is no serving certificate: give --tls-cert-file and --tls-private-key-file');
  return own;
}

/** A certificate that is renewed in its file is served from then on. Until both files fit each other, the old one is. */
function followServingPair(flags: Flags, apiServer: ApiServer, log: Logger, signal: AbortSignal): void {
  const { tlsCertFile, tlsPrivateKeyFile } = flags;
  if (tlsCertFile === undefined || tlsPrivateKeyFile === undefined) return;
  const take = (): void => {
    try {
      const pair = readPair('--tls-cert-file', tlsCertFile, tlsPrivateKeyFile);
      if (!new X509Certificate(pair.certificatePem).checkPrivateKey(createPrivateKey(pair.privateKeyPem))) return;
      apiServer.replaceServing(pair);
      log.info({ file: tlsCertFile }, 'the serving certificate has changed');
    } catch (error) {
      log.warn({ error, file: tlsCertFile }, 'the new serving certificate cannot be read; the old one stays');
    }
  };
  for (const file of [tlsCertFile, tlsPrivateKeyFile]) followFile(file, { clock: systemClock, signal, changed: take, failed: (error) => log.error({ error, file }, 'the serving certificate can no longer be followed') });
}

function ownCertificates(flags: Flags, advertiseAddress: string): Promise<ClusterCertificates> {
  const [range = '10.96.0.0/16'] = flags.serviceClusterIpRange;
  const octets = ipaddr.parseCIDR(range)[0].toByteArray();
  const last = octets.length - 1;
  return ensureCertificates(join(flags.certDir, 'pki'), {
    nodeName: hostname().toLowerCase(),
    hostname: hostname(),
    nodeAddresses: [advertiseAddress],
    apiServiceAddress: ipaddr.fromByteArray(octets.map((octet, index) => (index === last ? octet + 1 : octet))).toString(),
  }, { clock: systemClock });
}

function pairOf(flags: Flags, certificate: 'tlsCertFile' | 'kubeletClientCertificate' | 'proxyClientCertFile', key: 'tlsPrivateKeyFile' | 'kubeletClientKey' | 'proxyClientKeyFile'): PemPair | undefined {
  const [certificateFile, keyFile] = [flags[certificate], flags[key]];
  if (certificateFile === undefined && keyFile === undefined) return undefined;
  if (certificateFile === undefined || keyFile === undefined) throw new UserError('a certificate and its key are given together');
  return readPair(flagName(certificate), certificateFile, keyFile);
}

/** `tlsCertFile` as it is written on the command line. */
function flagName(property: string): string {
  return `--${property.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
