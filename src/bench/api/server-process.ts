import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type StoreName = 'memory' | 'sqlite' | 'etcd';

/** Where the measured server answers, and what its administrator shows. */
export interface ServerAddress {
  readonly port: number;
  readonly caPem: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** What a server tells when it is asked for its memory. */
export interface HeldMemory {
  readonly heldBytes: number;
  readonly residentBytes: number;
}

export interface ServerProcess {
  readonly pid: number;
  readonly address: ServerAddress;
  /** Why the server has ended; undefined as long as it runs. */
  readonly ended: () => string | undefined;
  /** The last of what it wrote to standard error since it was asked last. */
  readonly lastSaid: () => string;
  /** Bytes it holds after collecting all garbage, and those resident then; it must have been started with --expose-gc. */
  memory(): Promise<HeldMemory>;
  /** Asks it to end and waits until it has. */
  close(): Promise<void>;
}

export interface ServerRequest {
  readonly store: StoreName;
  /** The directory of an SQLite file, or the endpoint of an etcd. */
  readonly place: string;
  /** Further flags for Node, as --cpu-prof. */
  readonly nodeFlags?: readonly string[];
}

/** Starts an API server in a process of its own. Resolves when it answers; rejects with what it said when it fails. */
export async function startServerProcess({ store, place, nodeFlags = [] }: ServerRequest): Promise<ServerProcess> {
  const program = join(import.meta.dirname, 'server-main.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...nodeFlags, program, store, place], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-8_000);
  });
  let ended: string | undefined;
  child.once('exit', (code, signal) => {
    ended = `the API server ended (${signal ?? `status ${code}`}): ${said}`;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => {
    const { done, value } = await lines.next();
    if (done === true) throw new Error(`the API server ended: ${said}`);
    return value;
  };
  const line = await nextLine();
  return {
    pid: child.pid ?? 0,
    address: JSON.parse(line) as ServerAddress,
    ended: () => ended ?? (said === '' ? undefined : `the API server reports: ${said}`),
    lastSaid() {
      const text = said;
      said = '';
      return text;
    },
    async memory() {
      child.stdin.write('\n');
      return JSON.parse(await nextLine()) as HeldMemory;
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.stdin.end();
      await exited;
    },
  };
}
