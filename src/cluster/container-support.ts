import { access, constants, readFile } from 'node:fs/promises';
import { missingPackages, nodeNeeds } from './set-up/debian-packages.ts';
import { runProgram } from './set-up/run-program.ts';

/** Source: capabilities(7). */
const capabilities = { CAP_NET_ADMIN: 12, CAP_SYS_CHROOT: 18, CAP_SYS_ADMIN: 21 };

/** Why containers cannot run here even when every program is installed; undefined when they can. */
export async function whyNoContainers(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'containers need root';
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  for (const [name, bit] of Object.entries(capabilities)) {
    if (((effective >> BigInt(bit)) & 1n) === 0n) return `this root lacks ${name}`;
  }
  const cgroups = await access('/sys/fs/cgroup', constants.W_OK).then(() => true, () => false);
  if (!cgroups) return 'control groups cannot be written (/sys/fs/cgroup)';
  return undefined;
}

/** The same once the programs should be there: names what is missing, and tries what only the kernel can tell. */
export async function whyNoContainersNow(): Promise<string | undefined> {
  const obstacle = await whyNoContainers();
  if (obstacle !== undefined) return obstacle;
  const missing = await missingPackages(nodeNeeds);
  if (missing.length > 0) return `what comes with the Debian packages ${missing.join(', ')} is missing`;
  const rules = await runProgram('nft', ['list', 'tables']);
  return rules.code === 0 ? undefined : `the kernel takes no nftables rules (${rules.output.trim().split('\n')[0] ?? ''})`;
}
