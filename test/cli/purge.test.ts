/** After `down --purge` the machine is as it was before `up --demo`. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { noContainersHere, run } from '../e2e/machine-cluster.ts';
import { skiff } from './skiff.ts';

/** What there is of one cluster on the machine. Others may run beside it: only what bears its name or its range counts. */
async function tracesOf(name: string, podRange: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const output = async (file: string, ...args: readonly string[]): Promise<readonly string[]> => (await run(file, args)).stdout.split('\n').map((line) => line.trim());
  const ofCluster = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.includes(name));
  return {
    routes: (await output('ip', 'route')).filter((line) => line.includes(podRange)),
    tables: ofCluster(await output('nft', 'list', 'tables')),
    mounts: ofCluster(readFileSync('/proc/self/mounts', 'utf8').split('\n')),
    controlGroups: ofCluster(globSync('/sys/fs/cgroup/**/skiff*')),
    processes: ofCluster(await output('ps', '-eo', 'stat=,args=')).filter((line) => !line.startsWith('Z') && line.includes('containerd')),
    directories: [`/var/lib/skiff/${name}`, `/run/skiff/${name}`].filter((directory) => existsSync(directory)),
  };
}

/** Pods' network namespaces; they bear no cluster's name. */
const networkNamespaces = (): readonly string[] => (existsSync('/run/netns') ? readdirSync('/run/netns') : []);

describe('down --purge', { skip: noContainersHere() }, () => {
  const name = `purge-${process.pid}`;
  after(() => skiff(['down', '--purge', '--name', name]));

  it('leaves no trace of a demo', async () => {
    const before = networkNamespaces();
    const up = await skiff(['up', '--demo', '--name', name]);
    assert.equal(up.code, 0, up.stderr);
    const { podCidr } = JSON.parse(readFileSync(`/var/lib/skiff/${name}/cluster.json`, 'utf8')) as { readonly podCidr: string };
    const podRange = podCidr.replace(/\.0\.0\/16$/, '.');
    const during = await tracesOf(name, podRange);
    for (const [what, lines] of Object.entries(during)) assert.notDeepEqual(lines, [], `${what}: the demo must show, or the test looks in the wrong place`);

    const down = await skiff(['down', '--purge', '--name', name]);
    assert.equal(down.code, 0, down.stderr);
    for (const [what, lines] of Object.entries(await tracesOf(name, podRange))) assert.deepEqual(lines, [], what);
    const isAlone = (JSON.parse((await skiff(['status', '--all', '-o', 'json'])).stdout) as readonly unknown[]).length === 0;
    if (isAlone) assert.deepEqual(networkNamespaces().filter((each) => !before.includes(each)), []);
  });
});
