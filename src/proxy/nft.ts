import { execFile } from 'node:child_process';
import type { ExecFileException } from 'node:child_process';
import type { Family } from './service-endpoints.ts';
import { parseTableNames } from './table-names.ts';
import type { TableNames } from './table-names.ts';

export interface NftOptions {
  /** Runs nft in this network namespace (of `ip netns`); for tests. */
  readonly networkNamespace?: string;
}

/** Nothing nft prints is larger. */
const maxOutputBytes = 64 * 1024 * 1024;

/** Applies a script in one transaction; throws with nft's own words, and then nothing has changed. */
export async function applyRules(script: string, options: NftOptions = {}): Promise<void> {
  await runProgram(['nft', '-f', '-'], options, script);
}

/** What is there already in the tables of this name; without contents, so that it costs little. Throws with nft's own words. */
export async function listTableNames(tableName: string, options: NftOptions = {}): Promise<readonly TableNames[]> {
  return parseTableNames(await runProgram(['nft', '-j', '-t', 'list chains; list sets; list maps'], options), tableName);
}

/**
 * Forgets UDP flows to these addresses, so that they find an endpoint that lives. False when it cannot: that needs
 * `conntrack`, which may be missing.
 */
export async function forgetUdpFlows(flows: readonly StaleFlow[], options: NftOptions = {}): Promise<boolean> {
  for (const { family, address, port, target } of flows) {
    const match = ['--family', conntrackFamily(family), ...(address === undefined ? [] : ['--orig-dst', address]), '--dport', String(port), ...(target === undefined ? [] : ['--dst-nat', target])];
    try {
      await runProgram(['conntrack', '-D', '-p', 'udp', ...match], options);
    } catch (error) {
      // It fails as well when there is no such flow.
      if (isMissing(error)) return false;
    }
  }
  return true;
}

/** The translated UDP flows as `conntrack` lists them; undefined when it is missing. */
export async function listUdpFlows(family: Family, options: NftOptions = {}): Promise<string | undefined> {
  try {
    return await runProgram(['conntrack', '-L', '--family', conntrackFamily(family), '-p', 'udp', '--dst-nat'], options);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function conntrackFamily(family: Family): string {
  return family === 'ip' ? 'ipv4' : 'ipv6';
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Error && 'code' in error.cause && error.cause.code === 'ENOENT';
}

export interface StaleFlow {
  readonly family: Family;
  /** The service's address; undefined for a node port. */
  readonly address: string | undefined;
  readonly port: number;
  /** The endpoint that has gone; undefined when there was none, and the flow was not translated. */
  readonly target: string | undefined;
}

export function runProgram(command: readonly string[], options: NftOptions = {}, input = ''): Promise<string> {
  const full = options.networkNamespace === undefined ? command : ['ip', 'netns', 'exec', options.networkNamespace, ...command];
  const [file = '', ...args] = full;
  return new Promise((resolve, reject) => {
    // Debian keeps these programs in directories that are not on every PATH.
    const environment = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
    const child = execFile(file, args, { maxBuffer: maxOutputBytes, env: environment }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command.join(' ')}: ${whyFailed(error, stderr)}`, { cause: error }));
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** What a program said, and the signal that ended it: one that crashes says nothing. */
function whyFailed(error: ExecFileException, stderr: string): string {
  const parts = [stderr.trim(), typeof error.signal === 'string' ? `killed by ${error.signal}` : ''].filter((part) => part !== '');
  return parts.length === 0 ? error.message : parts.join('; ');
}
