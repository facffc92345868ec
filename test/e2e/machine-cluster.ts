import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kubectl } from '../kubectl/kubectl.ts';

/** Why a cluster with real containers cannot run here; false when it can. */
export function noContainersHere(): string | false {
  if (process.getuid?.() !== 0) return 'needs root to run containers';
  for (const program of ['/usr/bin/containerd', '/usr/sbin/runc', '/usr/sbin/nft']) {
    if (!existsSync(program)) return `needs ${program}: run ./skiff up once`;
  }
  return false;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A cluster made by `./skiff up`, with names, ports and state of its own, so that it disturbs no other. */
export class MachineCluster {
  readonly name: string;
  readonly #stateDir = join(mkdtempSync(join(tmpdir(), 'skiff-e2e-')), 'state');

  constructor(name = `test-${process.pid}`) {
    this.name = name;
  }

  /** Runs `./skiff` for this cluster; throws when it fails. */
  async skiff(command: string, ...flags: readonly string[]): Promise<Outcome> {
    const args = [command, '--name', this.name, '--state-dir', this.#stateDir, ...flags];
    const outcome = await run(join(import.meta.dirname, '../../skiff'), args);
    if (outcome.code !== 0) throw new Error(`skiff ${args.join(' ')} failed (${outcome.code}): ${outcome.stderr}\n${outcome.stdout}\n${await this.#log()}`);
    return outcome;
  }

  /** The real kubectl, pointed at this cluster. */
  async kubectl(): Promise<Kubectl> {
    return new Kubectl(await readFile(join(this.#stateDir, 'admin.kubeconfig'), 'utf8'));
  }

  /** The process of the cluster. */
  async pid(): Promise<number> {
    const status = JSON.parse((await this.skiff('status', '-o', 'json')).stdout) as { pid: number };
    return status.pid;
  }

  /** Removes every trace, also after a failed test. */
  async remove(): Promise<void> {
    await this.skiff('down', '--purge');
    await rm(join(this.#stateDir, '..'), { recursive: true, force: true });
  }

  async #log(): Promise<string> {
    return readFile(join(this.#stateDir, 'skiff.log'), 'utf8').then((text) => text.split('\n').slice(-20).join('\n'), () => '');
  }
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (chunks.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (chunks.stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 130, ...chunks }));
  });
}
