/**
 * Kubeconfig files: reading, merging, writing, and what they say about one connection.
 *
 * Source: Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files" and "kubeconfig (v1)".
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { isJsonObject } from '#apimachinery/json.ts';
import type { ConnectionConfig, ExecPlugin } from './connection.ts';

export interface KubeconfigCluster {
  server?: string;
  'tls-server-name'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'proxy-url'?: string;
  'disable-compression'?: boolean;
}
export interface KubeconfigUser {
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  token?: string;
  tokenFile?: string;
  as?: string;
  'as-uid'?: string;
  'as-groups'?: string[];
  'as-user-extra'?: Record<string, string[]>;
  username?: string;
  password?: string;
  exec?: ExecPlugin;
}
export interface KubeconfigContext {
  cluster: string;
  user: string;
  namespace?: string;
}
export interface Kubeconfig {
  apiVersion?: string;
  kind?: string;
  preferences?: object;
  clusters: { name: string; cluster: KubeconfigCluster }[];
  contexts: { name: string; context: KubeconfigContext }[];
  users: { name: string; user: KubeconfigUser }[];
  'current-context': string;
}

type Environment = Readonly<Record<string, string | undefined>>;

export interface KubeconfigSource {
  /** `--kubeconfig`; it must exist. */
  readonly file?: string | undefined;
  /** For KUBECONFIG and HOME. */
  readonly env?: Environment;
}

/** The files that would be read, first one first. */
export function kubeconfigFiles({ file, env = process.env }: KubeconfigSource): readonly string[] {
  if (file !== undefined && file !== '') return [file];
  const listed = (env['KUBECONFIG'] ?? '').split(path.delimiter).filter((each) => each !== '');
  return listed.length > 0 ? [...new Set(listed)] : [path.join(env['HOME'] ?? homedir(), '.kube', 'config')];
}

/** The merged configuration: of each name the first file's entry counts. Files of a list that are absent are skipped. */
export function loadKubeconfig(source: KubeconfigSource = {}): Kubeconfig {
  const merged = emptyKubeconfig();
  const isExplicit = source.file !== undefined && source.file !== '';
  for (const file of kubeconfigFiles(source)) {
    if (!isExplicit && !existsSync(file)) continue;
    const one = withAbsolutePaths(parseKubeconfig(readFileSync(file, 'utf8'), file), path.dirname(path.resolve(file)));
    addNew(merged.clusters, one.clusters);
    addNew(merged.contexts, one.contexts);
    addNew(merged.users, one.users);
    if (merged['current-context'] === '') merged['current-context'] = one['current-context'];
  }
  return merged;
}

export function emptyKubeconfig(): Kubeconfig {
  return { apiVersion: 'v1', kind: 'Config', preferences: {}, clusters: [], contexts: [], users: [], 'current-context': '' };
}

/** Throws when the text is no kubeconfig; `where` is for the message. */
export function parseKubeconfig(text: string, where: string): Kubeconfig {
  let content: unknown;
  try {
    content = parse(text) ?? {};
  } catch (error) {
    throw new Error(`error loading config file "${where}": ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (!isJsonObject(content)) throw new Error(`error loading config file "${where}": it is not a mapping`);
  const given = content as Partial<Kubeconfig>;
  return {
    ...emptyKubeconfig(),
    ...given,
    clusters: given.clusters ?? [],
    contexts: given.contexts ?? [],
    users: given.users ?? [],
    'current-context': given['current-context'] ?? '',
  };
}

/** Writes the file whole or not at all, readable by its owner only. */
export async function writeKubeconfig(file: string, config: Kubeconfig): Promise<void> {
  await mkdir(path.dirname(path.resolve(file)), { recursive: true, mode: 0o750 });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, stringify(config), { mode: 0o600 });
  await rename(temporary, file);
}

/** What flags put in place of what the file says. */
export interface ConnectionOverrides {
  readonly context?: string | undefined;
  readonly cluster?: string | undefined;
  readonly user?: string | undefined;
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly tlsServerName?: string | undefined;
  readonly namespace?: string | undefined;
}

/** How to connect, by the current (or given) context. Throws where the configuration names what it does not hold. */
export function connectionFrom(config: Kubeconfig, overrides: ConnectionOverrides = {}): ConnectionConfig {
  const contextName = overrides.context ?? config['current-context'];
  const context = config.contexts.find((each) => each.name === contextName)?.context;
  if (context === undefined && contextName !== '') throw new Error(`context "${contextName}" does not exist`);
  const clusterName = overrides.cluster ?? context?.cluster;
  const cluster = config.clusters.find((each) => each.name === clusterName)?.cluster;
  if (cluster === undefined && clusterName !== undefined) throw new Error(`cluster "${clusterName}" does not exist`);
  const userName = overrides.user ?? context?.user;
  const user = config.users.find((each) => each.name === userName)?.user;
  if (user === undefined && overrides.user !== undefined) throw new Error(`auth info "${overrides.user}" does not exist`);
  const server = overrides.server ?? cluster?.server;
  if (server === undefined || server === '') {
    throw new Error('invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable');
  }
  return {
    server: server.includes('://') ? server : `https://${server}`,
    namespace: overrides.namespace ?? context?.namespace,
    ca: material(cluster?.['certificate-authority-data'], cluster?.['certificate-authority']),
    insecureSkipTlsVerify: overrides.insecureSkipTlsVerify ?? cluster?.['insecure-skip-tls-verify'],
    tlsServerName: overrides.tlsServerName ?? cluster?.['tls-server-name'],
    certificate: material(user?.['client-certificate-data'], user?.['client-certificate']),
    key: material(user?.['client-key-data'], user?.['client-key']),
    token: overrides.token ?? user?.token,
    tokenFile: overrides.token === undefined ? user?.tokenFile : undefined,
    username: user?.username,
    password: user?.password,
    impersonate: user?.as === undefined ? undefined : { user: user.as, uid: user['as-uid'], groups: user['as-groups'] },
    exec: user?.exec,
  };
}

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** How a pod connects with its service account; undefined outside of a cluster. */
export function inClusterConnection(env: Environment = process.env, folder = accountFolder): ConnectionConfig | undefined {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  const tokenFile = path.join(folder, 'token');
  if (host === undefined || port === undefined || !existsSync(tokenFile)) return undefined;
  const caFile = path.join(folder, 'ca.crt');
  const namespaceFile = path.join(folder, 'namespace');
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: existsSync(caFile) ? { file: caFile } : undefined,
    tokenFile,
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : undefined,
  };
}

function addNew<T extends { readonly name: string }>(into: T[], from: readonly T[]): void {
  for (const entry of from) if (!into.some((known) => known.name === entry.name)) into.push(entry);
}

function material(base64: string | undefined, file: string | undefined): ConnectionConfig['ca'] {
  if (base64 !== undefined && base64 !== '') return { pem: Buffer.from(base64, 'base64').toString() };
  return file === undefined || file === '' ? undefined : { file };
}

/** Relative paths are relative to the file that holds them. */
function withAbsolutePaths(config: Kubeconfig, folder: string): Kubeconfig {
  const absolute = (file: string): string => path.resolve(folder, file);
  for (const { cluster } of config.clusters) {
    if (cluster['certificate-authority']) cluster['certificate-authority'] = absolute(cluster['certificate-authority']);
  }
  for (const { user } of config.users) {
    if (user['client-certificate']) user['client-certificate'] = absolute(user['client-certificate']);
    if (user['client-key']) user['client-key'] = absolute(user['client-key']);
    if (user.tokenFile) user.tokenFile = absolute(user.tokenFile);
    if (user.exec !== undefined && /[/\\]/.test(user.exec.command)) user.exec.command = absolute(user.exec.command);
  }
  return config;
}
