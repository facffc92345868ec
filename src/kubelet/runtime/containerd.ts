import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { access, mkdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { basename } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { connectRuntime } from '../cri/grpc.ts';
import type { RuntimeConnection } from '../cri/grpc.ts';
import { importImage } from './image-import.ts';
import { containerdConfig, socketOf } from './containerd-config.ts';
import type { ContainerdLayout } from './containerd-config.ts';
import { hasCapability, mountsBelow, processesWithArgument, processIsAlive, run } from './machine.ts';

export interface ContainerdOptions extends Omit<ContainerdLayout, 'cniBinDir' | 'snapshotter' | 'mayLowerOomScore'> {
  /** Default: the first of /usr/lib/cni and /opt/cni/bin that exists. */
  readonly cniBinDir?: string;
  readonly snapshotter?: ContainerdLayout['snapshotter'];
  /** Default `containerd`, found on PATH. */
  readonly executable?: string;
  /** How long it may take until it answers. Default 30 s. */
  readonly startTimeoutMs?: number;
}

export interface ContainerdDependencies {
  readonly clock: Clock;
  readonly log: Logger;
}

/** A running containerd that outlives this process. */
export interface Containerd {
  /** `unix://...`, for `--container-runtime-endpoint`. */
  readonly endpoint: string;
  readonly socket: string;
  readonly pid: number;
  /** Whether it was running already. */
  readonly wasAdopted: boolean;
  /** Loads an OCI or docker archive; answers the names it has for CRI. */
  importImage(file: string): Promise<readonly string[]>;
  /** Starts it again whenever it ends, until the signal aborts. Containers do not notice. */
  supervise(signal: AbortSignal): void;
  /** Stops containerd itself. Containers go on. */
  stop(): Promise<void>;
}

/** Adopts the containerd that runs on this layout, or starts one; resolves when CRI's runtime condition is ready. */
export async function startContainerd(options: ContainerdOptions, dependencies: ContainerdDependencies): Promise<Containerd> {
  const layout = await resolveLayout(options);
  const socket = socketOf(layout);
  const connection = connectRuntime(socket, dependencies);
  try {
    const adopted = await runningPid(layout);
    if (adopted !== undefined && (await answers(connection))) {
      return handle(options, layout, { pid: adopted, wasAdopted: true }, dependencies);
    }
    await Promise.all([layout.rootDir, layout.runDir, layout.cniConfDir].map((directory) => mkdir(directory, { recursive: true })));
    const configFile = `${layout.runDir}/config.toml`;
    await writeFile(configFile, containerdConfig(layout));
    const pid = await launch(options.executable ?? 'containerd', configFile, layout);
    await waitUntilReady(connection, pid, layout, options.startTimeoutMs ?? 30_000, dependencies);
    return handle(options, layout, { pid, wasAdopted: false }, dependencies);
  } finally {
    connection.close();
  }
}

/**
 * Removes everything a layout ever made: pods with their networks, containerd, shims that are left, mounts and the
 * directories. Works whether containerd runs or not, and when it is all gone already.
 */
export async function purgeContainerd(options: ContainerdOptions, dependencies: ContainerdDependencies): Promise<void> {
  const layout = await resolveLayout(options);
  const pid = await runningPid(layout);
  if (pid !== undefined) {
    const connection = connectRuntime(socketOf(layout), dependencies);
    try {
      if (await answers(connection)) await removeAllPods(connection, dependencies.log);
    } finally {
      connection.close();
    }
    await terminate(pid, dependencies.clock);
  }
  // Shims carry the address of their containerd; they hold containers whose sandbox could not be removed.
  for (const shim of await processesWithArgument(socketOf(layout))) await terminate(shim, dependencies.clock);
  for (const directory of [layout.runDir, layout.rootDir]) {
    for (const mount of await mountsBelow(directory)) await run('umount', ['-l', mount]).catch(() => undefined);
    await rm(directory, { recursive: true, force: true });
  }
}

/** The pid of the containerd that runs on this layout, if one does. */
export async function runningPid(layout: Pick<ContainerdLayout, 'runDir'>): Promise<number | undefined> {
  const text = await readFile(pidFileOf(layout), 'utf8').catch(() => '');
  const pid = Number(text.trim());
  if (!Number.isInteger(pid) || pid <= 1 || !processIsAlive(pid)) return undefined;
  // The number may have been given to another process since.
  const executable = await readlink(`/proc/${pid}/exe`).catch(() => '');
  return basename(executable).startsWith('containerd') ? pid : undefined;
}

async function resolveLayout(options: ContainerdOptions): Promise<ContainerdLayout> {
  const { cniBinDir, snapshotter, ...rest } = options;
  if (socketOf(options).length > 107 - '.ttrpc'.length) {
    throw new Error(`the path of containerd's socket is too long for a socket: ${socketOf(options)}`);
  }
  return {
    ...rest,
    cniBinDir: cniBinDir ?? (await findCniBinDir()) ?? '/opt/cni/bin',
    snapshotter: snapshotter ?? (await bestSnapshotter()),
    mayLowerOomScore: await hasCapability(24),
  };
}

/** Where the CNI plugins are (Debian's place, then upstream's), or undefined when there are none. */
export async function findCniBinDir(): Promise<string | undefined> {
  for (const directory of ['/usr/lib/cni', '/opt/cni/bin']) {
    const found = await access(`${directory}/host-local`).then(() => true, () => false);
    if (found) return directory;
  }
  return undefined;
}

async function bestSnapshotter(): Promise<'overlayfs' | 'native'> {
  const filesystems = await readFile('/proc/filesystems', 'utf8').catch(() => '');
  if (/\boverlay\b/.test(filesystems)) return 'overlayfs';
  // Where the module is not loaded yet, asking for it tells.
  return run('modprobe', ['overlay']).then(() => 'overlayfs' as const, () => 'native' as const);
}

function pidFileOf(layout: Pick<ContainerdLayout, 'runDir'>): string {
  return `${layout.runDir}/containerd.pid`;
}

function logFileOf(layout: Pick<ContainerdLayout, 'runDir'>): string {
  return `${layout.runDir}/containerd.log`;
}

async function launch(executable: string, configFile: string, layout: ContainerdLayout): Promise<number> {
  const log = openSync(logFileOf(layout), 'a');
  try {
    // Detached: a signal to our terminal's group or our own end must not reach it.
    const child = spawn(executable, ['--config', configFile], { detached: true, stdio: ['ignore', log, log] });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => reject(new Error(`${executable} cannot be started: ${error.message}`, { cause: error })));
    });
    child.unref();
    const pid = child.pid ?? 0;
    await writeFile(pidFileOf(layout), `${pid}\n`);
    return pid;
  } finally {
    closeSync(log);
  }
}

async function waitUntilReady(
  connection: RuntimeConnection, pid: number, layout: ContainerdLayout, timeoutMs: number, { clock }: ContainerdDependencies,
): Promise<void> {
  const deadline = clock.monotonicMs() + timeoutMs;
  while (!(await access(socketOf(layout)).then(() => true, () => false)) || !(await answers(connection))) {
    const hasEnded = !processIsAlive(pid);
    if (hasEnded || clock.monotonicMs() > deadline) {
      const tail = (await readFile(logFileOf(layout), 'utf8').catch(() => '')).trimEnd().split('\n').slice(-5).join('\n');
      throw new Error(`containerd ${hasEnded ? 'ended at its start' : `does not answer after ${timeoutMs / 1000} s`}; the end of ${logFileOf(layout)}:\n${tail}`);
    }
    await clock.sleep(20);
  }
}

/** Whether the runtime behind the socket is ready for pods; the network may come later. */
async function answers(connection: RuntimeConnection): Promise<boolean> {
  try {
    const status = await connection.runtime.status({ signal: AbortSignal.timeout(5000) });
    return status.conditions.some((condition) => condition.type === 'RuntimeReady' && condition.status);
  } catch {
    return false;
  }
}

function handle(options: ContainerdOptions, layout: ContainerdLayout, { pid, wasAdopted }: { readonly pid: number; readonly wasAdopted: boolean }, dependencies: ContainerdDependencies): Containerd {
  const socket = socketOf(layout);
  return {
    endpoint: `unix://${socket}`,
    socket,
    pid,
    wasAdopted,
    supervise(signal) {
      supervise(options, layout, dependencies, signal).catch((error: unknown) => {
        if (!signal.aborted) dependencies.log.error({ error }, 'containerd is no longer looked after');
      });
    },
    importImage: (file) => importImage(file, socket, dependencies),
    async stop() {
      await terminate(pid, dependencies.clock);
      await rm(pidFileOf(layout), { force: true });
    },
  };
}

/** Between two attempts to start it. */
const restartPauseMs = 1000;

async function supervise(options: ContainerdOptions, layout: ContainerdLayout, dependencies: ContainerdDependencies, signal: AbortSignal): Promise<void> {
  const { clock, log } = dependencies;
  while (!signal.aborted) {
    await connectionEnds(socketOf(layout), signal);
    if (signal.aborted) return;
    if ((await runningPid(layout)) === undefined) {
      log.warn({ socket: socketOf(layout) }, 'containerd has ended; starting it again');
      await startContainerd(options, dependencies).catch((error: unknown) => log.error({ error }, 'containerd cannot be started'));
    }
    await clock.sleep(restartPauseMs, signal).catch(() => undefined);
  }
}

/** Resolves when a connection to the socket ends, or cannot be made: how the end of containerd is noticed without asking. */
function connectionEnds(socket: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
    const onAbort = (): void => session.destroy();
    session.on('error', () => {});
    session.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    session.unref();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

/** At most this many pods are taken down at once: each costs a process of the network plugin and one of runc. */
const removalsAtOnce = 8;

async function removeAllPods({ runtime }: RuntimeConnection, log: Logger): Promise<void> {
  const sandboxes = [...(await runtime.listPodSandbox())];
  const work = async (): Promise<void> => {
    for (let sandbox = sandboxes.pop(); sandbox !== undefined; sandbox = sandboxes.pop()) {
      try {
        await runtime.stopPodSandbox(sandbox.id);
        await runtime.removePodSandbox(sandbox.id);
      } catch (error) {
        log.warn({ error, pod: sandbox.metadata.name }, 'a sandbox could not be removed');
      }
    }
  };
  await Promise.all(Array.from({ length: removalsAtOnce }, work));
}

/** Ends a process: TERM, and KILL when it is still there after 10 s. */
async function terminate(pid: number, clock: Clock): Promise<void> {
  const signal = (name: 'SIGTERM' | 'SIGKILL'): void => {
    try {
      process.kill(pid, name);
    } catch {
      // It has gone by itself.
    }
  };
  signal('SIGTERM');
  const deadline = clock.monotonicMs() + 10_000;
  while (processIsAlive(pid)) {
    if (clock.monotonicMs() > deadline) signal('SIGKILL');
    await clock.sleep(20);
  }
}
