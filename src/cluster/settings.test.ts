import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { clusterLayout, knownNodeLayouts, nodeLayout } from './layout.ts';
import { maxNodes, nodeNamesOf, planSettings, settleSettings } from './settings.ts';

const settingsOf = (index: number) => planSettings({ name: `c${index}`, stateDir: '/x', index, nodeName: 'n' });

test('the first cluster of a machine has everybody\'s defaults', () => {
  const { apiPort, kubeletPort, podCidr, serviceCidr, nodePorts } = settingsOf(0);
  assert.deepEqual({ apiPort, kubeletPort, podCidr, serviceCidr, nodePorts }, {
    apiPort: 6443, kubeletPort: 10_250, podCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/16', nodePorts: { from: 30_000, to: 32_768 },
  });
});

test('clusters of one machine share no range and no port', () => {
  const all = Array.from({ length: 16 }, (_, index) => settingsOf(index));
  const cidrs = all.flatMap(({ podCidr, serviceCidr }) => [podCidr, serviceCidr]);
  assert.equal(new Set(cidrs).size, cidrs.length);
  const ports = all.flatMap(({ apiPort, kubeletPort }) => [apiPort, ...Array.from({ length: maxNodes }, (_, node) => kubeletPort + node)]);
  assert.equal(new Set(ports).size, ports.length);
  const ranges = all.map(({ nodePorts }) => nodePorts).sort((a, b) => a.from - b.from);
  for (const [index, range] of ranges.entries()) {
    assert.ok(range.from < range.to && range.from > 1024);
    assert.ok(index === 0 || (ranges[index - 1]?.to ?? 0) <= range.from, `${JSON.stringify(range)} overlaps the one before`);
  }
  const taken = new Set(ports);
  assert.ok(ranges.every(({ from, to }) => [...taken].every((port) => port < from || port >= to)));
});

test('a name that could not be part of a file name or a table name is refused', () => {
  for (const name of ['', 'Upper', 'a/b', '-a', 'a-', '../x', 'x'.repeat(21)]) assert.throws(() => clusterLayout({ name }), /cannot be the name of a cluster/, name);
  assert.equal(clusterLayout({ name: 'dev-2', stateDir: '/somewhere' }).storeFile, '/somewhere/store.db');
});

test('a cluster keeps its nodes: more are added when they are asked for, and none is taken away', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-settings-'));
  const layout = clusterLayout({ name: `n${process.pid}`, stateDir: join(directory, 'state') });
  try {
    const counts: number[] = [];
    for (const nodes of [undefined, 2, undefined, 1, 3]) counts.push(nodeNamesOf(await settleSettings(layout, { nodes })).length);
    assert.deepEqual(counts, [1, 2, 2, 2, 3]);
    assert.deepEqual(nodeNamesOf({ nodeName: 'vm', nodeCount: 3 }), ['vm', 'vm-2', 'vm-3']);
  } finally {
    for (const path of [directory, layout.runDir]) await rm(path, { recursive: true, force: true });
  }
});

test('nodes of one machine share no directory and no control group, and are found again by what they left', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'skiff-nodes-'));
  const layout = clusterLayout({ name: `n${process.pid}`, stateDir });
  try {
    const nodes = [1, 2, 3].map((number) => nodeLayout(layout, number));
    const paths = nodes.flatMap(({ name, cgroupRoot, kubeletDir, kubeletRunDir, podLogsDir, containerdRootDir, containerdRunDir, cniConfDir, leaseDir }) => [name, cgroupRoot, kubeletDir, kubeletRunDir, podLogsDir, containerdRootDir, containerdRunDir, cniConfDir, leaseDir]);
    assert.equal(new Set(paths).size, paths.length);
    await mkdir(join(stateDir, 'node-3'));
    assert.deepEqual((await knownNodeLayouts(layout)).map(({ name }) => name), [layout.name, `${layout.name}.node-3`]);
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
});

test('clusters that start at the same moment get different indices', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skiff-settings-'));
  const layouts = Array.from({ length: 4 }, (_, n) => clusterLayout({ name: `t${process.pid}-${n}`, stateDir: join(directory, String(n)) }));
  try {
    const indices = (await Promise.all(layouts.map((layout) => settleSettings(layout, {})))).map(({ index }) => index);
    assert.equal(new Set(indices).size, layouts.length, indices.join());
  } finally {
    for (const path of [directory, ...layouts.map(({ runDir }) => runDir)]) await rm(path, { recursive: true, force: true });
  }
});
