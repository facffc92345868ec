import type { Clock } from '#base/clock.ts';
import type { SimulatedRuntime } from './cri/simulated.ts';
import type { LogQuery } from './logs/log-query.ts';
import { formatLogLines } from './logs/format-log.ts';
import type { HttpTarget, NetworkTarget, NodePlatform, ProbeOutcome } from './platform.ts';
import type { ContainerRecord } from './pod/pod-runtime.ts';

export interface SimulatedPlatformOptions {
  readonly nodeName: string;
  readonly runtime: SimulatedRuntime;
  readonly clock: Clock;
  /** Default: 4 CPUs, 16 GiB, 110 pods. */
  readonly capacity?: Readonly<Record<string, string>>;
  /** The node's address. */
  readonly internalIp: string;
  /** Read when the kubelet looks; for tests of pressure. */
  readonly pressure?: () => { readonly memory: boolean; readonly disk: boolean; readonly pids: boolean };
}

const nothingScarce = { memory: false, disk: false, pids: false };
const defaultCapacity = { cpu: '4', memory: '16Gi', 'ephemeral-storage': '100Gi', pods: '110' };

/** A node without a machine: no files, no sockets; probes ask the simulated runtime. */
export function simulatedPlatform(options: SimulatedPlatformOptions): NodePlatform {
  const { runtime, clock, nodeName } = options;
  const capacity = { ...defaultCapacity, ...options.capacity };
  const info = {
    machineID: nodeName, systemUUID: nodeName, bootID: nodeName, kernelVersion: 'simulated', osImage: 'Skiff simulated node',
    operatingSystem: 'linux', architecture: 'amd64',
  };
  const addresses = [{ type: 'InternalIP', address: options.internalIp }, { type: 'Hostname', address: nodeName }];
  const noPaths = new Map<string, string>();
  const probe = async ({ host, port }: NetworkTarget, path?: string): Promise<ProbeOutcome> => {
    const answer = host === options.internalIp ? true : runtime.probe(host, { port, ...(path === undefined ? {} : { path }) });
    if (answer === true) return { result: 'success', output: '' };
    return { result: 'failure', output: answer === undefined ? `dial tcp ${host}:${port}: i/o timeout` : path === undefined ? `dial tcp ${host}:${port}: connect: connection refused` : 'HTTP probe failed with statuscode: 503' };
  };
  return {
    runtime,
    images: runtime.images,
    machine: {
      capacity: () => Promise.resolve(capacity),
      memoryBytes: 16 * 2 ** 30,
      info: () => Promise.resolve(info),
      addresses: () => Promise.resolve(addresses),
      pressure: () => Promise.resolve(options.pressure?.() ?? nothingScarce),
      dns: () => Promise.resolve({ servers: [], searches: [], options: [] }),
    },
    files: {
      logDirectory: () => '',
      prepareCgroup: () => Promise.resolve(''),
      prepareVolumes: () => Promise.resolve({ paths: noPaths, refreshAtMs: undefined }),
      onVolumeChange: () => {},
      mountsFor: () => Promise.resolve([]),
      lastWords: () => Promise.resolve(''),
      readLog: (record: ContainerRecord, query: LogQuery, signal: AbortSignal) => readSimulatedLog(runtime, clock, record, query, signal),
      removeVolumes: () => Promise.resolve(),
      removePod: () => Promise.resolve(),
      removeLog: () => Promise.resolve(),
      rotateLog: () => Promise.resolve(),
      podsWithFiles: () => Promise.resolve([]),
    },
    prober: {
      http: (target: HttpTarget) => probe(target, target.path),
      tcp: (target) => probe(target),
      grpc: (target) => probe(target),
    },
  };
}

/** Looks for new lines this often while a reader follows; nothing runs without one. */
const followEveryMs = 200;

async function* readSimulatedLog(runtime: SimulatedRuntime, clock: Clock, record: ContainerRecord, query: LogQuery, signal: AbortSignal): AsyncIterable<Uint8Array> {
  let shown = 0;
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const lines = runtime.readLog(record.id);
    const fresh = lines.slice(shown);
    shown = lines.length;
    const text = formatLogLines(fresh, isFirst ? query : { ...query, tailLines: fresh.length });
    if (text.length > 0) yield text;
    const isRunning = (await runtime.containerStatus(record.id)).state === 'CONTAINER_RUNNING';
    if (query.follow !== true || !isRunning) return;
    await clock.sleep(followEveryMs, signal).catch(() => undefined);
  }
}
