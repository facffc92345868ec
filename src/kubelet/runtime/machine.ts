import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';

/** What programs print stays well below this. */
const maxOutputBytes = 16 * 1024 * 1024;

/** Runs a program to its end; answers its standard output, throws with its standard error when it fails. */
export function run(file: string, args: readonly string[], options: { readonly input?: string; readonly signal?: AbortSignal } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const settings = { maxBuffer: maxOutputBytes, ...(options.signal === undefined ? {} : { signal: options.signal }) };
    const child = execFile(file, args, settings, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${file} ${args.join(' ')}: ${stderr.trim() === '' ? error.message : stderr.trim()}`, { cause: error }));
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
  });
}

/** Whether there is such a process; one that has ended and waits for its parent does not count. */
export function processIsAlive(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^\d+ \(.*\) [ZX]/s.test(status);
  } catch {
    return false;
  }
}

/** Processes that have `argument` as one of their arguments. */
export async function processesWithArgument(argument: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const commandLine = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.split('\0').includes(argument)) found.push(Number(name));
  }
  return found;
}

/** Mount points at or below `directory`, the innermost first. */
export async function mountsBelow(directory: string): Promise<readonly string[]> {
  const table = await readFile('/proc/self/mounts', 'utf8');
  return table
    .split('\n')
    .map((line) => (line.split(' ')[1] ?? '').replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))))
    .filter((path) => path === directory || path.startsWith(`${directory}/`))
    .reverse();
}

/** Whether this process has the capability of that number in effect. Source: capabilities(7). */
export async function hasCapability(number: number): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> BigInt(number)) & 1n) === 1n;
}
