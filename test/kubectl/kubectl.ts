import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const binary = process.env['KUBECTL'] ?? 'kubectl';
const leastMinor = 32;

/** Why the tests with kubectl cannot run here; false when they can. For `skip`. */
export const kubectlMissing: string | false = whyMissing();

function whyMissing(): string | false {
  try {
    const { clientVersion } = JSON.parse(execFileSync(binary, ['version', '--client', '-o', 'json'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString()) as { clientVersion: { minor: string; gitVersion: string } };
    return Number.parseInt(clientVersion.minor, 10) >= leastMinor ? false : `kubectl ${clientVersion.gitVersion} is older than 1.${leastMinor}`;
  } catch {
    return `there is no ${binary} (Debian: apt-get install kubectl; or name one in KUBECTL)`;
  }
}

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real kubectl with a home of its own, so that caches and configuration of the machine do not matter. */
export class Kubectl {
  readonly directory = mkdtempSync(join(tmpdir(), 'skiff-kubectl-'));
  readonly environment: NodeJS.ProcessEnv;

  constructor(kubeconfig: string) {
    const file = this.file('kubeconfig', kubeconfig);
    this.environment = { PATH: process.env['PATH'], HOME: this.directory, KUBECONFIG: file };
  }

  /** Writes a file into the home; gives its path. */
  file(name: string, content: string | object): string {
    const path = join(this.directory, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o755 });
    return path;
  }

  /** Runs to the end, whatever comes of it. `command` is split at spaces; what has spaces goes into `more`. */
  run(command: string, { more = [], input, environment = {} }: { readonly more?: readonly string[]; readonly input?: string | object; readonly environment?: NodeJS.ProcessEnv } = {}): Promise<Answer> {
    return new Promise((resolve) => {
      const child = execFile(binary, [...command.split(' '), ...more], { env: { ...this.environment, ...environment } }, (_error, stdout, stderr) => {
        resolve({ code: child.exitCode ?? 1, stdout, stderr });
      });
      child.stdin?.end(input === undefined ? '' : typeof input === 'string' ? input : JSON.stringify(input));
    });
  }

  /** The output. Throws, with what it said, when kubectl fails. */
  async out(command: string, options: Parameters<Kubectl['run']>[1] = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, options);
    if (code !== 0) throw new Error(`kubectl ${command}: exit ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** What it says while it fails. Throws when it does not fail. */
  async failure(command: string, options: Parameters<Kubectl['run']>[1] = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, options);
    if (code === 0) throw new Error(`kubectl ${command} did not fail\n${stdout}`);
    return stderr;
  }

  /** Starts it and hands out its lines until `signal` aborts. */
  async *lines(command: string, signal: AbortSignal): AsyncGenerator<string> {
    const child = spawn(binary, command.split(' '), { env: this.environment, stdio: ['ignore', 'pipe', 'inherit'], signal });
    child.on('error', () => {});
    let rest = '';
    try {
      for await (const chunk of child.stdout) {
        const parts = (rest + String(chunk)).split('\n');
        rest = parts.pop() ?? '';
        yield* parts;
      }
    } finally {
      child.kill();
    }
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
