/** Where the server listens and with which certificates. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from 'commander';
import { parse } from 'yaml';
import type { PemPair } from '#pki/authority.ts';
import type { SniCertificate, TlsSettings } from '#serving/tls-settings.ts';
import { cipherNames, curveNames, tlsVersions } from '#serving/tls-settings.ts';
import { stateHome } from '#cluster/layout.ts';
import { UserError } from '../../fail.ts';
import type { FlagGroup } from '../flags.ts';
import { alreadySo, choiceOption, durationOption, listOption, notBuilt, numberOption, switchOption, textOption } from '../flags.ts';

export interface ServingFlags {
  readonly bindAddress: string;
  readonly securePort: number;
  readonly advertiseAddress?: string;
  readonly externalHostname?: string;
  readonly certDir: string;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly tlsSniCertKey?: readonly string[];
  readonly tlsMinVersion?: string;
  readonly tlsCipherSuites?: readonly string[];
  readonly tlsCurvePreferences?: readonly string[];
  readonly http2MaxStreamsPerConnection?: number;
  readonly maxConnections?: number;
  readonly corsAllowedOrigins?: readonly string[];
  readonly goawayChance?: number;
  readonly shutdownDelayDuration?: number;
  readonly shutdownSendRetryAfter: boolean;
  readonly egressSelectorConfigFile?: string;
}

export const servingFlags: FlagGroup = {
  title: 'Serving:',
  options: [
    new Option('--bind-address <address>', 'where it listens').default('0.0.0.0'),
    numberOption('--secure-port <port>', 'HTTPS', 6443),
    textOption('--advertise-address <address>', 'what the kubernetes Service leads to (default: this machine\'s address)'),
    textOption('--external-hostname <name>', 'how clients outside know the server; discovery names it'),
    new Option('--cert-dir <directory>', 'for the certificates and keys it makes itself; a pair apiserver.crt and apiserver.key in it is served').default(join(stateHome(), 'apiserver')),
    textOption('--tls-cert-file <file>', 'serving certificate'),
    textOption('--tls-private-key-file <file>', 'its key'),
    new Option('--tls-sni-cert-key <certificate,key[:names]>', 'a pair for certain names; may be given several times').argParser((given: string, before: readonly string[] | undefined) => (given === '' ? before : [...(before ?? []), given])),
    choiceOption('--tls-min-version <version>', 'oldest version of TLS', Object.keys(tlsVersions)),
    listOption('--tls-cipher-suites <names>', 'ciphers of TLS 1.2, by Go\'s names'),
    listOption('--tls-curve-preferences <numbers>', 'key exchanges of TLS, by IANA\'s numbers (29 is X25519)'),
    numberOption('--http2-max-streams-per-connection <count>', 'requests at once on one HTTP/2 connection (default: 1000)'),
    numberOption('--max-connections <count>', 'Skiff\'s own: how many connections may be open (default: three quarters of `ulimit -n`, 32768 at most)'),
    listOption('--cors-allowed-origins <expressions>', 'web pages that browsers let use the API: regular expressions of their origins'),
    new Option('--goaway-chance <fraction>', 'how many of the requests over HTTP/2 make their client connect anew, 0 to 0.02').argParser(fraction),
    durationOption('--shutdown-delay-duration <duration>', 'how long requests are still served after a signal, while /readyz fails (default: 0s)'),
    switchOption('--shutdown-send-retry-after', 'answer requests that come during the stop with 429 and Retry-After', false),
    alreadySo('--shutdown-watch-termination-grace-period <duration>', 'watches end at once, and clients resume them at another server'),
    alreadySo('--permit-address-sharing [bool]', 'a restarted server gets its port back at once'),
    notBuilt('--permit-port-sharing [bool]', 'several processes on one port', ['false']),
    alreadySo('--livez-grace-period <duration>', 'the port opens when the start is complete'),
    textOption('--egress-selector-config-file <file>', 'not built: proxies on the way to nodes, webhooks and etcd; a file in which all connections are Direct asks for none'),
    notBuilt('--max-connection-bytes-per-sec <bytes>', 'throttling of connections', ['0']),
    notBuilt('--peer-ca-file <file>', 'proxying between API servers of different versions'),
    notBuilt('--peer-advertise-ip <address>', 'proxying between API servers of different versions'),
    notBuilt('--peer-advertise-port <port>', 'proxying between API servers of different versions'),
  ],
};

function fraction(text: string): number {
  const value = Number(text);
  if (Number.isNaN(value) || value < 0 || value > 0.02) throw new UserError('--goaway-chance can not be less than 0 or greater than 0.02');
  return value;
}

/** Undefined where the flags say nothing about TLS. */
export function tlsSettingsOf(flags: ServingFlags): TlsSettings | undefined {
  const { tlsMinVersion, tlsCipherSuites, tlsCurvePreferences, tlsSniCertKey, http2MaxStreamsPerConnection: maxStreams } = flags;
  const unknown = tlsCipherSuites?.find((name) => cipherNames[name] === undefined);
  if (unknown !== undefined) throw new UserError(`--tls-cipher-suites: Cipher suite ${unknown} not supported or doesn't exist`);
  const unknownCurve = tlsCurvePreferences?.find((number) => curveNames[number] === undefined);
  if (unknownCurve !== undefined) throw new UserError(`--tls-curve-preferences: key exchange ${unknownCurve} is not known: one of ${Object.keys(curveNames).join(', ')}`);
  const settings: TlsSettings = {
    ...(tlsMinVersion !== undefined && { minVersion: tlsVersions[tlsMinVersion] ?? 'TLSv1.2' }),
    ...(tlsCipherSuites !== undefined && { ciphers: tlsCipherSuites.map((name) => cipherNames[name] ?? '') }),
    ...(tlsCurvePreferences !== undefined && { curves: tlsCurvePreferences.map((number) => curveNames[number] ?? '') }),
    ...(tlsSniCertKey !== undefined && { sni: tlsSniCertKey.map(sniCertificate) }),
    ...(maxStreams !== undefined && maxStreams > 0 && { maxStreams }),
  };
  return Object.keys(settings).length === 0 ? undefined : settings;
}

/** Throws a `UserError` for a file that asks for anything but direct connections. */
export function checkEgress({ egressSelectorConfigFile: file }: ServingFlags): void {
  if (file === undefined) return;
  const { egressSelections = [] } = (parse(readFlagFile('--egress-selector-config-file', file)) ?? {}) as { readonly egressSelections?: readonly { readonly name?: string; readonly connection?: { readonly proxyProtocol?: string } }[] };
  const other = egressSelections.findIndex(({ connection }) => connection?.proxyProtocol !== 'Direct');
  if (other >= 0) throw new UserError(`--egress-selector-config-file: ${file}: egressSelections[${other}].connection.proxyProtocol: only Direct is built`);
}

function sniCertificate(text: string): SniCertificate {
  const [files = '', names = ''] = splitOnce(text, ':');
  const [certificateFile = '', keyFile = ''] = files.split(',');
  if (certificateFile === '' || keyFile === '') throw new UserError(`--tls-sni-cert-key: expected comma separated certificate and key file paths, but got ${JSON.stringify(text)}`);
  return { pair: readPair('--tls-sni-cert-key', certificateFile, keyFile), names: names.split(',').filter((each) => each !== '') };
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** A certificate and its key. Throws a message with the flag in it. */
export function readPair(flag: string, certificateFile: string, keyFile: string): PemPair {
  return { certificatePem: readFlagFile(flag, certificateFile), privateKeyPem: readFlagFile(flag, keyFile) };
}

/** A file that a flag names. Throws a message with the flag in it. */
export function readFlagFile(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`${flag}: ${file} cannot be read`, { cause: error });
  }
}
