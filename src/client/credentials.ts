/**
 * The credentials of a connection at this moment: static ones, a token file that is rotated, or what an exec plugin says.
 *
 * Source: Kubernetes documentation, "client-go credential plugins" (client.authentication.k8s.io/v1).
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Clock } from '#base/clock.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import type { ConnectionConfig, ExecPlugin, PemSource } from './connection.ts';

export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
}

export interface Credentials {
  /** What a new connection presents and trusts. */
  tls(): Promise<TlsMaterial>;
  /** What every request carries. */
  headers(): Promise<Readonly<Record<string, string | string[]>>>;
  /** The server said 401: what was cached is no good. Returns whether there is hope that a new attempt does better. */
  refused(): boolean;
}

const tokenFileAgeMs = 60_000;
/** A plugin's answer is used no longer than this before it expires. */
const expiryMarginMs = 10_000;
/** A plugin may ask a person. */
const execTimeoutMs = 120_000;
const maxExecOutputBytes = 1 << 20;

interface ExecStatus {
  readonly token?: string;
  readonly clientCertificateData?: string;
  readonly clientKeyData?: string;
  readonly expirationTimestamp?: string;
}

export function createCredentials(config: ConnectionConfig, clock: Clock): Credentials {
  let fileToken: { readonly token: string; readonly atMs: number } | undefined;
  let execStatus: Promise<ExecStatus> | undefined;
  let execExpiresMs = Infinity;

  const fromExec = (): Promise<ExecStatus> => {
    if (config.exec === undefined) return Promise.resolve({});
    if (execStatus === undefined || clock.nowMs() >= execExpiresMs) {
      execStatus = runPlugin(config.exec, config).then((status) => {
        execExpiresMs = status.expirationTimestamp === undefined ? Infinity : Date.parse(status.expirationTimestamp) - expiryMarginMs;
        return status;
      });
      execStatus.catch(() => {
        execStatus = undefined;
      });
    }
    return execStatus;
  };

  const tokenFromFile = async (file: string): Promise<string> => {
    if (fileToken === undefined || clock.monotonicMs() - fileToken.atMs >= tokenFileAgeMs) {
      fileToken = { token: (await readFile(file, 'utf8')).trim(), atMs: clock.monotonicMs() };
    }
    return fileToken.token;
  };

  return {
    async tls() {
      const exec = await fromExec();
      const ca = await read(config.ca);
      const cert = (await read(config.certificate)) ?? exec.clientCertificateData;
      const key = (await read(config.key)) ?? exec.clientKeyData;
      return {
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
        ...(config.insecureSkipTlsVerify === true && { rejectUnauthorized: false }),
        ...(config.tlsServerName !== undefined && config.tlsServerName !== '' && { servername: config.tlsServerName }),
      };
    },
    async headers() {
      const token = config.token ?? (await config.tokenSource?.()) ?? (config.tokenFile === undefined ? (await fromExec()).token : await tokenFromFile(config.tokenFile));
      const headers: Record<string, string | string[]> = {};
      if (token !== undefined && token !== '') headers['authorization'] = `Bearer ${token}`;
      else if (config.username !== undefined) {
        headers['authorization'] = `Basic ${Buffer.from(`${config.username}:${config.password ?? ''}`).toString('base64')}`;
      }
      if (config.impersonate !== undefined) {
        headers['impersonate-user'] = config.impersonate.user;
        if (config.impersonate.uid !== undefined) headers['impersonate-uid'] = config.impersonate.uid;
        if (config.impersonate.groups !== undefined) headers['impersonate-group'] = [...config.impersonate.groups];
      }
      return headers;
    },
    refused() {
      const hadCached = fileToken !== undefined || execStatus !== undefined;
      fileToken = undefined;
      execStatus = undefined;
      return hadCached;
    },
  };
}

async function read(source: PemSource | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined;
  return 'pem' in source ? source.pem : readFile(source.file, 'utf8');
}

function runPlugin(exec: ExecPlugin, config: ConnectionConfig): Promise<ExecStatus> {
  const info = {
    apiVersion: exec.apiVersion ?? 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: {
      interactive: exec.interactiveMode !== 'Never' && process.stdin.isTTY,
      ...(exec.provideClusterInfo === true && { cluster: { server: config.server } }),
    },
  };
  const env: NodeJS.ProcessEnv = { ...process.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  for (const { name, value } of exec.env ?? []) env[name] = value;
  return new Promise((resolve, reject) => {
    execFile(exec.command, exec.args ?? [], { env, timeout: execTimeoutMs, maxBuffer: maxExecOutputBytes }, (error, stdout) => {
      if (error !== null) {
        const hint = exec.installHint === undefined ? '' : `\n\n${exec.installHint}`;
        reject(new Error(`getting credentials: exec: executable ${exec.command} failed: ${error.message}${hint}`, { cause: error }));
        return;
      }
      try {
        const answer: unknown = JSON.parse(stdout);
        const status = isJsonObject(answer) ? answer['status'] : undefined;
        if (status === undefined || !isJsonObject(status)) throw new Error('the plugin printed no status');
        resolve(status);
      } catch (cause) {
        reject(new Error(`getting credentials: decoding stdout: ${cause instanceof Error ? cause.message : String(cause)}`, { cause }));
      }
    });
  });
}
