import type { Command } from 'commander';
import { Option } from 'commander';
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import ipaddr from 'ipaddr.js';
import { Node } from '#api/core/node.ts';
import type { FrontProxy } from '#apiserver/aggregation/aggregation.ts';
import type { ApiServerOptions } from '#apiserver/api-server.ts';
import { createApiServer, inProcessAdmin } from '#apiserver/api-server.ts';
import { staticTokens } from '#apiserver/authn/authenticate.ts';
import { alwaysAllow, alwaysDeny } from '#apiserver/authz/rbac.ts';
import { systemClock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { systemRandom } from '#base/random.ts';
import type { Client } from '#client/client.ts';
import { createClient } from '#client/create-client.ts';
import type { ClusterCertificates } from '#cluster/certificates.ts';
import { ensureCertificates } from '#cluster/certificates.ts';
import { writeKubeconfigs } from '#cluster/kubeconfigs.ts';
import { stateHome } from '#cluster/layout.ts';
import { nodeAddress } from '#cluster/node-address.ts';
import { httpsNodes } from '#cluster/node-gateway.ts';
import type { PemPair } from '#pki/authority.ts';
import { loadServiceAccountKey } from '#pki/service-account-key.ts';
import { giveBackAfterMs, giveBackMemory } from '#serving/give-back-memory.ts';
import { openMemoryStore } from '#store/memory.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import type { Store } from '#store/store.ts';
import { UserError } from '../fail.ts';
import { createLog } from '../log.ts';
import type { EtcdFlags } from '../store/location.ts';
import { defaultEtcdPrefix, openEtcd } from '../store/location.ts';
import { endOnSignal } from '../until-signal.ts';
import { readPemFile } from './controller-manager.ts';
import type { CommonFlags } from './flags.ts';
import { componentCommand, durationMs, list, logLevelOf, portRange, wholeNumber } from './flags.ts';
import { parseTokenFile } from './token-file.ts';

interface Flags extends CommonFlags, EtcdFlags {
  readonly bindAddress: string;
  readonly securePort: number;
  readonly advertiseAddress?: string;
  readonly certDir: string;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly clientCaFile?: string;
  readonly tokenAuthFile?: string;
  readonly authorizationMode: readonly string[];
  readonly etcdServers?: readonly string[];
  readonly storageFile: string;
  readonly serviceClusterIpRange: readonly string[];
  readonly serviceNodePortRange: { readonly from: number; readonly to: number };
  readonly serviceAccountIssuer?: string;
  readonly serviceAccountKeyFile?: string;
  readonly serviceAccountSigningKeyFile?: string;
  readonly kubeletClientCertificate?: string;
  readonly kubeletClientKey?: string;
  readonly kubeletCertificateAuthority?: string;
  readonly kubeletPreferredAddressTypes?: readonly string[];
  readonly kubeletTimeout?: number;
  readonly proxyClientCertFile?: string;
  readonly proxyClientKeyFile?: string;
  readonly requestheaderClientCaFile?: string;
  readonly requestheaderAllowedNames: readonly string[];
  readonly requestheaderUsernameHeaders: readonly string[];
  readonly requestheaderUidHeaders: readonly string[];
  readonly requestheaderGroupHeaders: readonly string[];
  readonly requestheaderExtraHeadersPrefix: readonly string[];
}

/** `skiff apiserver`, in the place of kube-apiserver. */
export function command(): Command {
  return componentCommand('The API server. Flags as kube-apiserver\'s; certificates and keys that no flag names are made in --cert-dir, with kubeconfigs for everybody beside them.')
    .option('--bind-address <address>', 'where it listens', '0.0.0.0')
    .addOption(new Option('--secure-port <port>', 'HTTPS').argParser(wholeNumber).default(6443))
    .option('--advertise-address <address>', 'what the kubernetes Service leads to (default: this machine\'s address)')
    .option('--cert-dir <directory>', 'for what it makes itself', join(stateHome(), 'apiserver'))
    .option('--tls-cert-file <file>', 'serving certificate')
    .option('--tls-private-key-file <file>', 'its key')
    .option('--client-ca-file <file>', 'authorities of client certificates')
    .option('--token-auth-file <file>', 'static tokens: token,user,uid,"groups"')
    .addOption(new Option('--authorization-mode <modes>', 'Node, RBAC, AlwaysAllow, AlwaysDeny').argParser(list).default(['Node', 'RBAC'], 'Node,RBAC'))
    .option('--storage-file <file>', 'where objects are kept, an SQLite file; ":memory:" forgets', join(stateHome(), 'apiserver/store.db'))
    .addOption(new Option('--etcd-servers <urls>', 'members of an etcd (3.4 or later) to keep objects in, in place of a file').argParser(list))
    .option('--etcd-cafile <file>', 'authority of etcd\'s certificates')
    .option('--etcd-certfile <file>', 'the certificate that etcd knows this server by')
    .option('--etcd-keyfile <file>', 'its key')
    .option('--etcd-prefix <prefix>', 'what keys start with in etcd', defaultEtcdPrefix)
    .addOption(new Option('--service-cluster-ip-range <ranges>', 'addresses of Services').argParser(list).default(['10.96.0.0/16'], '10.96.0.0/16'))
    .addOption(new Option('--service-node-port-range <range>', 'node ports').argParser(portRange).default({ from: 30_000, to: 32_768 }, '30000-32767'))
    .option('--service-account-issuer <url>', 'iss of tokens')
    .option('--service-account-key-file <file>', 'taken, but tokens are verified with the signing key')
    .option('--service-account-signing-key-file <file>', 'signs tokens')
    .option('--kubelet-client-certificate <file>', 'how kubelets know this server')
    .option('--kubelet-client-key <file>', 'its key')
    .option('--kubelet-certificate-authority <file>', 'verifies kubelets\' certificates')
    .addOption(new Option('--kubelet-preferred-address-types <types>', 'which address of a node is taken').argParser(list))
    .addOption(new Option('--kubelet-timeout <duration>', 'how long a kubelet may take to answer').argParser(durationMs))
    .option('--proxy-client-cert-file <file>', 'how API servers behind this one know it')
    .option('--proxy-client-key-file <file>', 'its key')
    .option('--requestheader-client-ca-file <file>', 'authority of the proxies that speak for users in headers; API servers behind this one check it by the same')
    .addOption(new Option('--requestheader-allowed-names <names>', 'common names of such proxies; none: any').argParser(list).default([], 'any'))
    .addOption(new Option('--requestheader-username-headers <headers>', 'headers with the name of the user, commonly X-Remote-User').argParser(list).default([], 'none'))
    .addOption(new Option('--requestheader-uid-headers <headers>', 'headers with the UID, commonly X-Remote-Uid').argParser(list).default([], 'none'))
    .addOption(new Option('--requestheader-group-headers <headers>', 'headers with groups, commonly X-Remote-Group').argParser(list).default([], 'none'))
    .addOption(new Option('--requestheader-extra-headers-prefix <prefixes>', 'what headers with extras start with, commonly X-Remote-Extra-').argParser(list).default([], 'none'))
    .action(runApiServer);
}

/** Without an authority named by a flag everything is as clusters commonly have it; with one, it is as the flags say. */
function frontProxyOf(flags: Flags, certificates: ClusterCertificates): { readonly frontProxy?: FrontProxy } {
  const client = pairOf(flags, 'proxyClientCertFile', 'proxyClientKeyFile') ?? certificates.pairs['front-proxy-client'];
  if (flags.requestheaderClientCaFile === undefined) return client === undefined ? {} : { frontProxy: { client, caPem: certificates.frontProxyCa.certificatePem } };
  const caPem = readPemFile('--requestheader-client-ca-file', flags.requestheaderClientCaFile);
  const requestHeaders = {
    caPem, allowedNames: flags.requestheaderAllowedNames, usernameHeaders: flags.requestheaderUsernameHeaders, uidHeaders: flags.requestheaderUidHeaders,
    groupHeaders: flags.requestheaderGroupHeaders, extraHeaderPrefixes: flags.requestheaderExtraHeadersPrefix,
  };
  return { frontProxy: { client, caPem, requestHeaders } };
}

async function runApiServer(flags: Flags): Promise<void> {
  const log = createLog({ level: logLevelOf(flags) }).child({ component: 'kube-apiserver' });
  const ending = endOnSignal(log);
  const advertiseAddress = flags.advertiseAddress ?? nodeAddress();
  const certificates = await ownCertificates(flags, advertiseAddress);
  const store = await openStore(flags, log);
  let client: Client | undefined;
  const apiServer = await createApiServer({
    ...optionsOf(flags, log, certificates),
    ...frontProxyOf(flags, certificates),
    store,
    nodes: httpsNodes({
      nodeOf: (name) => {
        if (client === undefined) throw new Error('the API server has not started yet');
        return client.get(Node, { name });
      },
      client: pairOf(flags, 'kubeletClientCertificate', 'kubeletClientKey') ?? certificates.pairs['apiserver-kubelet-client'],
      caPem: flags.kubeletCertificateAuthority === undefined ? undefined : readPemFile('--kubelet-certificate-authority', flags.kubeletCertificateAuthority),
      ...(flags.kubeletPreferredAddressTypes === undefined ? {} : { addressTypes: flags.kubeletPreferredAddressTypes }),
      ...(flags.kubeletTimeout === undefined ? {} : { timeoutMs: flags.kubeletTimeout }),
    }),
  });
  client = createClient(apiServer.transport(inProcessAdmin, 'kube-apiserver'));
  const serving = pairOf(flags, 'tlsCertFile', 'tlsPrivateKeyFile') ?? certificates.pairs['apiserver'];
  if (serving === undefined) throw new UserError('there is no serving certificate: give --tls-cert-file and --tls-private-key-file');
  const clientCaPem = flags.clientCaFile === undefined ? certificates.ca.certificatePem : readPemFile('--client-ca-file', flags.clientCaFile);
  const { port } = await apiServer.listen({ host: flags.bindAddress, port: flags.securePort, serving, clientCaPem, advertiseAddress });
  await writeKubeconfigs({ name: 'default', stateDir: flags.certDir }, certificates, `https://127.0.0.1:${port}`);
  log.info({ port, adminKubeconfig: join(flags.certDir, 'admin.kubeconfig') }, 'serving');
  systemClock.after(giveBackAfterMs, giveBackMemory);
  await ending.signalled;
  log.info({}, 'stopping');
  await apiServer.close();
  await store.close();
  ending.dispose();
  process.exit(0);
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

function optionsOf(flags: Flags, log: Logger, certificates: ClusterCertificates): Omit<ApiServerOptions, 'store' | 'nodes'> {
  const { serviceAccountSigningKeyFile: keyFile, tokenAuthFile, serviceAccountIssuer } = flags;
  const authorizers = authorizersOf(flags.authorizationMode);
  return {
    clock: systemClock, random: systemRandom, log,
    serviceAccountKey: keyFile === undefined ? certificates.serviceAccountKey : loadServiceAccountKey(readPemFile('--service-account-signing-key-file', keyFile)),
    serviceClusterIpRanges: flags.serviceClusterIpRange,
    serviceNodePortRange: flags.serviceNodePortRange,
    ...(serviceAccountIssuer === undefined ? {} : { serviceAccountIssuer }),
    ...(tokenAuthFile === undefined ? {} : { authenticators: [staticTokens(parseTokenFile(readPemFile('--token-auth-file', tokenAuthFile)))] }),
    ...(authorizers === undefined ? {} : { authorizers }),
  };
}

/** Undefined: the server's own, which are nodes and RBAC. */
function authorizersOf(modes: readonly string[]): ApiServerOptions['authorizers'] {
  const unknown = modes.find((mode) => !['Node', 'RBAC', 'AlwaysAllow', 'AlwaysDeny'].includes(mode));
  if (unknown !== undefined) throw new UserError(`--authorization-mode: ${unknown} is not built; there are Node, RBAC, AlwaysAllow and AlwaysDeny`);
  if (modes.includes('AlwaysAllow')) return [alwaysAllow];
  return modes.includes('RBAC') ? undefined : [alwaysDeny];
}

function pairOf(flags: Flags, certificate: 'tlsCertFile' | 'kubeletClientCertificate' | 'proxyClientCertFile', key: 'tlsPrivateKeyFile' | 'kubeletClientKey' | 'proxyClientKeyFile'): PemPair | undefined {
  const [certificateFile, keyFile] = [flags[certificate], flags[key]];
  if (certificateFile === undefined && keyFile === undefined) return undefined;
  if (certificateFile === undefined || keyFile === undefined) throw new UserError('a certificate and its key are given together');
  return { certificatePem: readPemFile(certificate, certificateFile), privateKeyPem: readPemFile(key, keyFile) };
}

async function openStore(flags: Flags, log: Logger): Promise<Store> {
  if (flags.etcdServers !== undefined) return openEtcd(flags.etcdServers, flags, log);
  const file = flags.storageFile;
  const dependencies = { clock: systemClock, random: systemRandom };
  if (file === ':memory:') return openMemoryStore(dependencies);
  mkdirSync(dirname(file), { recursive: true });
  return openSqliteStore({ file, ...dependencies });
}
