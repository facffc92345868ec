import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const launcher = join(import.meta.dirname, '../../skiff');

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `./skiff` (or a link to it) as a user does, without a terminal; does not throw when it fails. */
export function skiff(args: readonly string[], options: { readonly cwd?: string; readonly file?: string; readonly env?: Readonly<Record<string, string>> } = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(options.file ?? launcher, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 128, stdout, stderr }));
  });
}
