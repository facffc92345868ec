/** What a node or a test needs from the operating system, and how Debian provides it. */
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { findProgram, isExecutable } from './find-program.ts';
import { runProgram } from './run-program.ts';

interface Need {
  readonly package: string;
  /** A program on PATH, or a file where the path is absolute. */
  readonly provides: readonly string[];
}

/** Containers, their network, Services, and the images that are built here. */
export const nodeNeeds: readonly Need[] = [
  { package: 'containerd', provides: ['containerd', 'ctr', 'containerd-shim-runc-v2'] },
  { package: 'runc', provides: ['runc'] },
  { package: 'containernetworking-plugins', provides: ['/usr/lib/cni/ptp'] },
  { package: 'nftables', provides: ['nft'] },
  { package: 'iptables', provides: ['iptables'] },
  { package: 'iproute2', provides: ['ip'] },
  { package: 'busybox-static', provides: ['/bin/busybox'] },
];

/** What a node is better with. It comes along when something has to be installed anyway. */
export const nodeWishes: readonly Need[] = [
  // UDP clients that keep their socket follow a Service to another endpoint only with it.
  { package: 'conntrack', provides: ['conntrack'] },
];

/** What tests use besides. */
export const testNeeds: readonly Need[] = [
  ...nodeNeeds,
  ...nodeWishes,
  { package: 'bsdutils', provides: ['script'] },
  { package: 'util-linux', provides: ['nsenter', 'unshare'] },
  { package: 'curl', provides: ['curl'] },
  { package: 'procps', provides: ['ps'] },
  { package: 'etcd-server', provides: ['etcd'] },
];

/** Packages of which something is missing here. */
export async function missingPackages(needs: readonly Need[]): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const need of needs) {
    for (const file of need.provides) {
      if (await provided(file)) continue;
      missing.push(need.package);
      break;
    }
  }
  return missing;
}

async function provided(file: string): Promise<boolean> {
  if (!file.startsWith('/')) return (await findProgram(file)) !== undefined;
  // Upstream's place for network plugins counts as Debian's.
  return (await isExecutable(file)) || (file.startsWith('/usr/lib/cni/') && isExecutable(file.replace('/usr/lib/cni', '/opt/cni/bin')));
}

/** Why packages cannot be installed here, or undefined when they can. */
export async function whyNoPackages(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root can install packages';
  return (await findProgram('apt-get')) === undefined ? 'this is no Debian system (apt-get is missing)' : undefined;
}

/**
 * Installs packages with apt-get. The services that come with them (containerd above all) are neither started now nor at
 * the next boot: Skiff runs a containerd of its own. Throws with what apt-get said.
 */
export async function installPackages(packages: readonly string[]): Promise<void> {
  const allowServices = await forbidServices();
  try {
    const install = ['install', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages];
    const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
    let result = await runProgram('apt-get', install, { env });
    if (result.code !== 0) {
      // The lists are missing (a fresh image) or out of date.
      const update = await runProgram('apt-get', ['update', '-o', 'DPkg::Lock::Timeout=300'], { env });
      result = await runProgram('apt-get', install, { env });
      if (result.code !== 0) throw new Error(`apt-get install ${packages.join(' ')} failed:\n${lastLines(update.code === 0 ? result.output : update.output + result.output)}`);
    }
  } finally {
    await allowServices();
  }
  if ((await findProgram('systemctl')) === undefined) return;
  for (const [name, service] of Object.entries(services)) if (packages.includes(name)) await runProgram('systemctl', ['disable', service]);
}

/** What packages would start at every boot. Only what was missing is installed, so nobody has wanted them yet. */
const services: Readonly<Record<string, string>> = { containerd: 'containerd.service', 'etcd-server': 'etcd.service' };

/** Source: invoke-rc.d(8): a policy that answers 101 forbids the action. */
const servicePolicy = '/usr/sbin/policy-rc.d';

/** Keeps packages from starting services until the answered function is called. The machine's own policy goes first. */
async function forbidServices(): Promise<() => Promise<void>> {
  if (existsSync(servicePolicy)) return () => Promise.resolve();
  await writeFile(servicePolicy, '#!/bin/sh\n# Written by skiff while it installs packages.\nexit 101\n', { mode: 0o755 });
  return () => rm(servicePolicy, { force: true });
}

function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-12).join('\n');
}
