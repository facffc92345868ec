/** After `down --purge` the machine is as it was before `up --demo`. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { noContainersHere, run } from '../e2e/machine-cluster.ts';
import { skiff } from './skiff.ts';

/** What a cluster could leave on a machine, each as sorted lines. Other clusters may run beside it: only ours counts. */
async function traces(name: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const linesOf = (text: string): readonly string[] => text.split('\n').map((line) => line.trim()).filter((line) => line !== '').sort();
  const output = async (file: string, ...args: readonly string[]): Promise<string> => (await run(file, args)).stdout;
  return {
    links: linesOf(await output('ip', '-o', 'link')).map((line) => line.split(':')[1] ?? '').sort(),
    routes: linesOf(await output('ip', 'route')),
    tables: linesOf(await output('nft', 'list', 'tables')),
    mounts: linesOf(readFileSync('/proc/self/mounts', 'utf8')),
    controlGroups: globSync('/sys/fs/cgroup/**/skiff*').sort(),
    namespaces: linesOf(await output('ip', 'netns', 'list')),
    processes: linesOf(await output('ps', '-eo', 'stat=,args=')).filter((line) => !line.startsWith('Z') && line.includes(name)),
    forwarding: [readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim()],
  };
}

describe('down --purge', { skip: noContainersHere() }, () => {
  const name = `purge-${process.pid}`;
  after(() => skiff(['down', '--purge', '--name', name]));

  it('leaves no trace of a demo', async () => {
    const before = await traces(name);
    const up = await skiff(['up', '--demo', '--name', name]);
    assert.equal(up.code, 0, up.stderr);
    const during = await traces(name);
    assert.ok(during['processes']?.some((line) => line.includes('containerd')), 'the demo runs');
    assert.ok((during['tables']?.length ?? 0) > (before['tables']?.length ?? 0), 'there are rules');
    assert.ok((during['links']?.length ?? 0) > (before['links']?.length ?? 0), 'there are interfaces');

    const down = await skiff(['down', '--purge', '--name', name]);
    assert.equal(down.code, 0, down.stderr);
    for (const [what, now] of Object.entries(await traces(name))) assert.deepEqual(now.filter((line) => !before[what]?.includes(line)), [], what);
    for (const directory of [`/var/lib/skiff/${name}`, `/run/skiff/${name}`]) assert.ok(!existsSync(directory), directory);
  });
});
