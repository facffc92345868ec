/** Settings of the kernel that a node with real containers changes, and how they were before. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runHome } from './layout.ts';
import { knownClusters } from './settings.ts';

/** Below /proc/sys. Routing between pods needs the first two, node ports on 127.0.0.1 the last. */
const changed = ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding', 'net/ipv4/conf/all/route_localnet'];

/** Of the machine, not of one cluster: the first that starts remembers, the last that goes restores. */
const file = (): string => join(runHome(), 'kernel-settings.json');

/** Remembers how the kernel is set, unless that is known already. Call it before anything is changed. */
export async function rememberKernelSettings(): Promise<void> {
  const values: Record<string, string> = {};
  for (const name of changed) {
    const value = await readFile(`/proc/sys/${name}`, 'utf8').catch(() => undefined);
    if (value !== undefined) values[name] = value.trim();
  }
  // An earlier memory is the true one.
  await writeFile(file(), `${JSON.stringify(values)}\n`, { flag: 'wx' }).catch(() => undefined);
}

/** Sets the kernel as it was, when `leaving` is the machine's last cluster. */
export async function restoreKernelSettings(leaving: string): Promise<void> {
  if ((await knownClusters()).some(({ name }) => name !== leaving)) return;
  const text = await readFile(file(), 'utf8').catch(() => '{}');
  for (const [name, value] of Object.entries(JSON.parse(text) as Record<string, string>)) {
    if (changed.includes(name)) await writeFile(`/proc/sys/${name}`, value).catch(() => undefined);
  }
  await rm(file(), { force: true });
}
