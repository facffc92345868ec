import { access, constants, readFile } from 'node:fs/promises';
import { missingPackages, nodeNeeds } from './set-up/debian-packages.ts';
import { runProgram } from './set-up/run-program.ts';
import type { ProgramResult } from './set-up/run-program.ts';

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
  const listTables = (): Promise<ProgramResult> => runProgram('nft', ['list', 'tables']);
  const first = await listTables();
  // One that crashed may do so no second time.
  const rules = first.signal === undefined ? first : await listTables();
  return rules.code === 0 ? undefined : whyNoRules(rules, (await runProgram('nft', ['--version'])).output);
}

/** Why `nft list tables` failed: what it said, or, of one that said nothing, how it ended, and what can be done. Pure. */
export function whyNoRules({ code, signal, output }: ProgramResult, version: string): string {
  const [said = ''] = output.trim().split('\n');
  if (signal === undefined && said !== '') return `the kernel takes no nftables rules (${said})`;
  const which = /v\d[\w.]*/.exec(version)?.[0] ?? 'of unknown version';
  const end = signal === undefined ? `ended with code ${code}` : `was killed by ${signal}`;
  const remark = said === '' ? 'without a word' : `after "${said}"`;
  return `nft ${which} ${end} ${remark} when it was to list the kernel's tables; try "nft list tables", and another version of the package nftables`;
}
