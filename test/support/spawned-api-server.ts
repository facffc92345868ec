/** `skiff apiserver` as a process of its own, as test harnesses start it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadKubeconfig } from '#client/kubeconfig.ts';
import { launcher } from '../cli/skiff.ts';

export interface Answer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what shape the JSON has
  json<T = Record<string, unknown>>(): T;
}

export interface Ask {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Without the administrator's certificate. */
  readonly anonymous?: boolean;
}

export interface SpawnedApiServer {
  readonly directory: string;
  readonly port: number;
  /** What it wrote to standard output so far. */
  stdout(): string;
  stderr(): string;
  request(method: string, path: string, ask?: Ask): Promise<Answer>;
  /** Ends it with a signal; resolves with the exit code. */
  stop(): Promise<number>;
}

/** A directory for files, removed when the process ends. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-apiserver-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Starts it and waits until it serves. Rejects with what it wrote when it ends before. */
export async function spawnApiServer(args: readonly string[], directory = scratch()): Promise<SpawnedApiServer> {
  const own = ['--bind-address=127.0.0.1', '--secure-port=0', `--cert-dir=${directory}`, ...(args.some((each) => each.startsWith('--storage-file') || each.startsWith('--etcd-servers')) ? [] : ['--storage-file=:memory:'])];
  const child = spawn(launcher, ['apiserver', ...own, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 128)));
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const port = await new Promise<number>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      const found = /"port":(\d+)/.exec(stderr)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    void ended.then((code) => reject(new Error(`skiff apiserver ended with ${code}: ${stderr}`)));
  });
  const { users, clusters } = loadKubeconfig({ file: join(directory, 'admin.kubeconfig') });
  const pem = (data: string | undefined, file: string | undefined): string => (data === undefined ? readFileSync(file ?? '', 'utf8') : Buffer.from(data, 'base64').toString());
  const [user, cluster] = [users[0]?.user ?? {}, clusters[0]?.cluster ?? {}];
  const ca = pem(cluster['certificate-authority-data'], cluster['certificate-authority']);
  const agents = {
    admin: new https.Agent({ ca, cert: pem(user['client-certificate-data'], user['client-certificate']), key: pem(user['client-key-data'], user['client-key']) }),
    anonymous: new https.Agent({ ca }),
  };
  return {
    directory, port,
    stdout: () => stdout,
    stderr: () => stderr,
    request(method, path, { body, headers = {}, anonymous = false } = {}) {
      const bytes = body === undefined ? undefined : JSON.stringify(body);
      return new Promise((resolve, reject) => {
        const request = https.request({ host: '127.0.0.1', port, method, path, agent: anonymous ? agents.anonymous : agents.admin, headers: { ...(bytes !== undefined && { 'content-type': 'application/json' }), ...headers } }, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('end', () => resolve({ code: response.statusCode ?? 0, headers: response.headers, text, json: () => JSON.parse(text) as never }));
          response.on('error', reject);
        });
        request.on('error', reject);
        request.end(bytes);
      });
    },
    async stop() {
      for (const agent of Object.values(agents)) agent.destroy();
      child.kill('SIGTERM');
      return ended;
    },
  };
}
