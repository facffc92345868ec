import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, networkInterfaces, release } from 'node:os';
import type { NodeAddress, NodeSystemInfo } from '#api/core/node.ts';
import type { DnsConfig } from '../cri/records.ts';
import type { Machine } from '../platform.ts';
import { parseResolvConf } from '../pod/pod-dns.ts';

export interface LinuxMachineOptions {
  readonly nodeName: string;
  /** The file system pods live on. */
  readonly rootDir: string;
  /** Default: the address of the link with the default route, else of any. */
  readonly nodeIps?: readonly string[];
  /** Default 110. */
  readonly maxPods?: number;
  /** Default /etc/resolv.conf, or systemd-resolved's own where that only names a local stub. */
  readonly resolvConf?: string;
}

/** Less than this and the node runs short. The original's disk thresholds are shares, which a laptop's full disk is soon below. */
const leastMemoryBytes = 100 * 2 ** 20;
const leastDiskBytes = 2 ** 30;
const mostPidsShare = 0.95;

/** The machine this process runs on. */
export async function linuxMachine(options: LinuxMachineOptions): Promise<Machine> {
  const memory = await meminfo();
  const memoryBytes = memory.get('MemTotal') ?? 0;
  return {
    memoryBytes,
    async capacity() {
      const disk = await statfs(options.rootDir);
      return {
        cpu: String(availableParallelism()),
        memory: `${Math.floor(memoryBytes / 1024)}Ki`,
        'ephemeral-storage': `${Math.floor((disk.blocks * disk.bsize) / 1024)}Ki`,
        pods: String(options.maxPods ?? 110),
      };
    },
    info: systemInfo,
    addresses: () => addressesOf(options),
    async pressure() {
      const [now, disk] = await Promise.all([meminfo(), statfs(options.rootDir)]);
      return {
        memory: (now.get('MemAvailable') ?? Infinity) < leastMemoryBytes,
        disk: disk.bavail * disk.bsize < leastDiskBytes,
        pids: await arePidsShort(),
      };
    },
    dns: () => resolver(options.resolvConf),
  };
}

async function meminfo(): Promise<ReadonlyMap<string, number>> {
  const values = new Map<string, number>();
  for (const line of (await text('/proc/meminfo')).split('\n')) {
    const [, name, kibibytes] = /^(\w+):\s+(\d+) kB$/.exec(line) ?? [];
    if (name !== undefined) values.set(name, Number(kibibytes) * 1024);
  }
  return values;
}

async function systemInfo(): Promise<Omit<NodeSystemInfo, 'containerRuntimeVersion' | 'kubeletVersion' | 'kubeProxyVersion'>> {
  const [machineId, systemUuid, bootId, osRelease] = await Promise.all([
    text('/etc/machine-id'), text('/sys/class/dmi/id/product_uuid'), text('/proc/sys/kernel/random/boot_id'), text('/etc/os-release'),
  ]);
  const machineID = machineId.trim();
  return {
    machineID,
    systemUUID: systemUuid.trim() === '' ? machineID : systemUuid.trim(),
    bootID: bootId.trim(),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    operatingSystem: 'linux',
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
  };
}

async function addressesOf({ nodeName, nodeIps }: LinuxMachineOptions): Promise<readonly NodeAddress[]> {
  const found = nodeIps ?? (await ownAddresses());
  return [...found.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: nodeName }];
}

/** The first IPv4 and the first global IPv6 address of the link with the default route; 127.0.0.1 when there is no link. */
async function ownAddresses(): Promise<readonly string[]> {
  const routes = (await text('/proc/net/route')).split('\n').map((line) => line.split('\t'));
  const defaultLink = routes.find((fields) => fields[1] === '00000000')?.[0];
  const links = networkInterfaces();
  const candidates = [...(defaultLink === undefined ? [] : [links[defaultLink] ?? []]), ...Object.values(links)].flatMap((addresses) => addresses ?? []);
  const usable = candidates.filter((each) => !each.internal && !each.address.startsWith('fe80:') && !each.address.startsWith('169.254.'));
  const v4 = usable.find((each) => each.family === 'IPv4')?.address;
  const v6 = usable.find((each) => each.family === 'IPv6')?.address;
  const all = [v4, v6].filter((address) => address !== undefined);
  return all.length > 0 ? all : ['127.0.0.1'];
}

async function arePidsShort(): Promise<boolean> {
  const [load, limit] = await Promise.all([text('/proc/loadavg'), text('/proc/sys/kernel/pid_max')]);
  const threads = Number(/\d+\/(\d+)/.exec(load)?.[1] ?? 0);
  return threads > Number(limit) * mostPidsShare;
}

async function resolver(file: string | undefined): Promise<Required<DnsConfig>> {
  const own = parseResolvConf(await text(file ?? '/etc/resolv.conf'));
  // A stub on the node's loopback is not there for pods.
  if (file !== undefined || own.servers.some((server) => !server.startsWith('127.'))) return own;
  const real = parseResolvConf(await text('/run/systemd/resolve/resolv.conf'));
  return real.servers.length > 0 ? real : own;
}

/** The file's content; empty when it cannot be read. */
async function text(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}
