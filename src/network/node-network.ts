import { execFile } from 'node:child_process';
import type { ExecFileException } from 'node:child_process';
import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ipaddr from 'ipaddr.js';
import { networkName, planCniConfig } from './cni-config.ts';
import { dropsByDefault, forwardRules } from './forward-rules.ts';
import type { ListedChain } from './forward-rules.ts';
import { isHostPortLeftover } from './host-port-leftovers.ts';
import type { ListedTable } from './host-port-leftovers.ts';
import { egressTableName, planEgressTables } from './egress-table.ts';

export interface NodeNetworkOptions {
  readonly clusterName: string;
  readonly podCidrs: readonly string[];
  readonly clusterCidrs: readonly string[];
  /** The directory the runtime reads its network list from; ours alone. */
  readonly cniConfDir: string;
  /** Where address leases are kept; best on a tmpfs, since they mean nothing after a reboot. */
  readonly leaseDir: string;
  readonly mtu?: number;
}

type Family = 'ip' | 'ip6';
const families: readonly Family[] = ['ip', 'ip6'];
const iptables: Readonly<Record<Family, string>> = { ip: 'iptables', ip6: 'ip6tables' };

/** Where CNI's library keeps the results of its calls. */
const cniResultsDir = '/var/lib/cni/results';

/**
 * Writes the network list (the runtime notices by itself) and the egress rules, and lets the kernel route. Call it again
 * when the pod range changes. Throws when `nft` is missing or refuses.
 */
export async function setUpNetwork(options: NodeNetworkOptions): Promise<void> {
  const withHostPorts = await hasProgram('iptables');
  const config = planCniConfig({ ...options, withHostPorts });
  await mkdir(options.cniConfDir, { recursive: true });
  await mkdir(options.leaseDir, { recursive: true });
  await setSysctl('net/ipv4/ip_forward', '1');
  if (options.podCidrs.some((cidr) => cidr.includes(':'))) await setSysctl('net/ipv6/conf/all/forwarding', '1');
  await runProgram('nft', ['-f', '-'], planEgressTables(options));
  if (withHostPorts) for (const family of families) await letForwardedThrough(options, family);
  // Pods have routes of their own. What is sent to one that is gone must not leave by the default route.
  for (const cidr of options.podCidrs) await runProgram('ip', [...familyOf(cidr), 'route', 'replace', 'unreachable', cidr]);
  // Last, and in one step: as soon as it is there the runtime says that the network is ready.
  const file = join(options.cniConfDir, '10-skiff.conflist');
  await writeFile(`${file}.new`, `${JSON.stringify(config, null, 2)}\n`);
  await rename(`${file}.new`, file);
}

/**
 * Removes what the network of a cluster left on the machine: links of its pods, rules, leases, kept results. Call it after
 * the pods are gone. Works on a machine where nothing is left, or nothing ever was.
 */
export async function purgeNetwork(options: Pick<NodeNetworkOptions, 'clusterName' | 'podCidrs' | 'cniConfDir' | 'leaseDir'> & { readonly clusterCidrs?: readonly string[] }): Promise<void> {
  for (const family of families) {
    await takeForwardRulesBack(options.clusterName, options.clusterCidrs ?? options.podCidrs, family);
    const table = `${family} ${egressTableName(options.clusterName)}`;
    await runProgram('nft', ['-f', '-'], `add table ${table}\ndelete table ${table}\n`).catch(() => undefined);
    await removeHostPortLeftovers(family);
  }
  for (const { family, dst, dev } of await routesInto(options.podCidrs)) {
    const leftover = dev === undefined ? [family, 'route', 'delete', 'unreachable', dst] : ['link', 'delete', dev];
    await runProgram('ip', leftover).catch(() => undefined);
  }
  for (const result of await readdir(cniResultsDir).catch(() => [])) {
    if (result.startsWith(`${networkName(options.clusterName)}-`)) await rm(join(cniResultsDir, result), { force: true });
  }
  await rm(options.leaseDir, { recursive: true, force: true });
  await rm(options.cniConfDir, { recursive: true, force: true });
}

/** Accept rules in a chain of another's cannot be made from a table of our own: a drop anywhere is final. */
async function letForwardedThrough(options: NodeNetworkOptions, family: Family): Promise<void> {
  const chain = await runProgram('nft', ['-j', 'list', 'chain', family, 'filter', 'FORWARD']).catch(() => undefined);
  if (chain === undefined || !dropsByDefault(JSON.parse(chain) as ListedChain)) return;
  for (const rule of forwardRules(options.clusterName, options.clusterCidrs, family)) {
    const isThere = await runProgram(iptables[family], ['-w', '-C', 'FORWARD', ...rule]).then(() => true, () => false);
    if (!isThere) await runProgram(iptables[family], ['-w', '-I', 'FORWARD', '1', ...rule]);
  }
}

async function takeForwardRulesBack(clusterName: string, clusterCidrs: readonly string[], family: Family): Promise<void> {
  // iptables would make the chain it looks into.
  const hasChain = await runProgram('nft', ['list', 'chain', family, 'filter', 'FORWARD']).then(() => true, () => false);
  if (!hasChain) return;
  for (const rule of forwardRules(clusterName, clusterCidrs, family)) await runProgram(iptables[family], ['-w', '-D', 'FORWARD', ...rule]).catch(() => undefined);
}

async function removeHostPortLeftovers(family: Family): Promise<void> {
  const text = await runProgram('nft', ['-j', 'list', 'table', family, 'nat']).catch(() => undefined);
  if (text === undefined || !isHostPortLeftover(JSON.parse(text) as ListedTable)) return;
  await runProgram('nft', ['delete', 'table', family, 'nat']).catch(() => undefined);
}

interface Route {
  readonly family: '-4' | '-6';
  readonly dst: string;
  /** The host's end of a pod's link; undefined for the route that stands in for pods that are gone. */
  readonly dev: string | undefined;
}

/** What of the cluster's is in the route table: links to pods, and the ranges that are unreachable otherwise. */
async function routesInto(podCidrs: readonly string[]): Promise<readonly Route[]> {
  const ranges = podCidrs.map((cidr) => ipaddr.parseCIDR(cidr));
  const found: Route[] = [];
  for (const family of ['-4', '-6'] as const) {
    const routes = JSON.parse((await runProgram('ip', ['-j', family, 'route']).catch(() => '')) || '[]') as readonly { type?: string; dst?: string; dev?: string }[];
    for (const { type, dst, dev } of routes) {
      const [host = '', bits] = dst?.split('/') ?? [];
      const isOurs = type === 'unreachable' ? bits !== undefined : bits === undefined && dev?.startsWith('veth') === true;
      if (dst === undefined || !isOurs || !ipaddr.isValid(host)) continue;
      const address = ipaddr.parse(host);
      if (ranges.some(([range, length]) => address.kind() === range.kind() && address.match(range, length))) found.push({ family, dst, dev: type === 'unreachable' ? undefined : dev });
    }
  }
  return found;
}

function familyOf(cidr: string): readonly string[] {
  return cidr.includes(':') ? ['-6'] : ['-4'];
}

async function setSysctl(name: string, value: string): Promise<void> {
  await writeFile(`/proc/sys/${name}`, value);
}

async function hasProgram(name: string): Promise<boolean> {
  for (const directory of (process.env['PATH'] ?? '').split(':').concat('/usr/sbin', '/sbin')) {
    if (await access(join(directory, name)).then(() => true, () => false)) return true;
  }
  return false;
}

/** Rule sets and route tables of a full node are well below this. */
const maxOutputBytes = 16 * 1024 * 1024;

function runProgram(file: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const environment = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
    const child = execFile(file, args, { maxBuffer: maxOutputBytes, env: environment }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${file} ${args.join(' ')}: ${whyFailed(error, stderr)}`, { cause: error }));
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
