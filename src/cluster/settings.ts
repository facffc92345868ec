/** What a cluster was started with: chosen once, at the first start, so that every later one gets the same. */
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { stayAwake, systemClock } from '#base/clock.ts';
import { writePem as writeWhole } from '#pki/pem-files.ts';
import type { ClusterLayout } from './layout.ts';
import { runHome, stateHome } from './layout.ts';
import { claimName } from './run-lock.ts';

export interface ClusterSettings {
  readonly name: string;
  readonly stateDir: string;
  /** Tells clusters of one machine apart: ranges and ports follow from it. */
  readonly index: number;
  /** Of the first node. */
  readonly nodeName: string;
  /** How many nodes there are on this machine; absent: one. */
  readonly nodeCount?: number;
  readonly apiPort: number;
  /** Of the first node; every further one has the next. */
  readonly kubeletPort: number;
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** `to` is the first port that no longer belongs to it. */
  readonly nodePorts: { readonly from: number; readonly to: number };
}

/** As many clusters as one machine can hold: the ranges below are cut for it. */
const maxClusters = 16;

/** The ports behind the last kubelet's are those of other components. */
export const maxNodes = 5;

/** The names of the cluster's nodes, in the order of their numbers. Pure. */
export function nodeNamesOf({ nodeName, nodeCount = 1 }: Pick<ClusterSettings, 'nodeName' | 'nodeCount'>): readonly string[] {
  return Array.from({ length: nodeCount }, (_, index) => (index === 0 ? nodeName : `${nodeName}-${index + 1}`));
}

/** The settings of the cluster of that index. Pure. */
export function planSettings(about: { readonly name: string; readonly stateDir: string; readonly index: number; readonly nodeName: string; readonly port?: number | undefined }): ClusterSettings {
  const { name, stateDir, index, nodeName, port } = about;
  // Each cluster's node ports lie below those of the one before: above the range is where connections get their ports from.
  const from = 30_000 - index * 1_200;
  return {
    name, stateDir, index, nodeName,
    apiPort: port ?? 6443 + index * 10,
    kubeletPort: 10_250 + index * 20,
    podCidr: `10.${244 - index}.0.0/16`,
    serviceCidr: `10.${96 + index}.0.0/16`,
    nodePorts: index === 0 ? { from, to: 32_768 } : { from, to: from + 1_200 },
  };
}

/** The settings of a cluster that was started before; undefined when it never was. */
export async function readSettings(layout: Pick<ClusterLayout, 'settingsFile'>): Promise<ClusterSettings | undefined> {
  const text = await readFile(layout.settingsFile, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as ClusterSettings);
}

export interface SettingsRequest {
  readonly port?: number | undefined;
  /** Fewer than there are changes nothing: a node is removed with its cluster. */
  readonly nodes?: number | undefined;
}

/** The cluster's settings, made up and written down at its first start. A port or nodes that are asked for count from now on. */
export async function settleSettings(layout: ClusterLayout, request: SettingsRequest): Promise<ClusterSettings> {
  // Between looking for a free index and writing down that it is taken, nobody else may look.
  const release = await claimPatiently(`settings-${process.getuid?.() ?? 0}`);
  try {
    return await settle(layout, request);
  } finally {
    release?.();
  }
}

async function settle(layout: ClusterLayout, request: SettingsRequest): Promise<ClusterSettings> {
  const known = await readSettings(layout);
  const planned = known === undefined
    ? planSettings({ name: layout.name, stateDir: layout.stateDir, index: await freeIndex(layout), nodeName: defaultNodeName(), port: request.port })
    : { ...known, apiPort: request.port ?? known.apiPort };
  const settings = { ...planned, nodeCount: Math.max(request.nodes ?? 1, known?.nodeCount ?? 1) };
  await mkdir(layout.stateDir, { recursive: true, mode: 0o755 });
  await mkdir(layout.runDir, { recursive: true, mode: 0o755 });
  const text = `${JSON.stringify(settings, null, 2)}\n`;
  await writeWhole(layout.settingsFile, text, { mode: 0o644 });
  // Also where all clusters of the machine are found, wherever their state is.
  await writeWhole(join(layout.runDir, 'cluster.json'), text, { mode: 0o644 });
  return settings;
}

/** Settling takes milliseconds: who has to wait longer than this goes on without, and may find a port taken. */
const claimTimeoutMs = 5_000;

async function claimPatiently(name: string): Promise<(() => void) | undefined> {
  const deadline = systemClock.monotonicMs() + claimTimeoutMs;
  // Nothing else keeps the process from ending meanwhile.
  const sleepAgain = stayAwake();
  try {
    for (;;) {
      const release = await claimName(name);
      if (release !== undefined || systemClock.monotonicMs() > deadline) return release;
      await systemClock.sleep(10);
    }
  } finally {
    sleepAgain();
  }
}

/** Every cluster of this user that is known on the machine, by name. */
export async function knownClusters(): Promise<readonly ClusterSettings[]> {
  const found = new Map<string, ClusterSettings>();
  for (const home of [stateHome(), runHome()]) {
    for (const name of await readdir(home).catch(() => [])) {
      const settings = await readSettings({ settingsFile: join(home, name, 'cluster.json') });
      if (settings !== undefined) found.set(name, settings);
    }
  }
  return [...found.values()].sort((a, b) => a.index - b.index);
}

async function freeIndex(layout: ClusterLayout): Promise<number> {
  const others = (await knownClusters()).filter(({ name }) => name !== layout.name);
  const taken = new Set(others.map(({ index }) => index));
  // The first cluster's ranges are everybody's defaults, so they are given away first.
  for (let index = 0; index < maxClusters; index++) if (!taken.has(index)) return index;
  throw new Error(`there are ${maxClusters} clusters on this machine already: ${others.map(({ name }) => name).join(', ')}; remove one with "skiff down --purge --name NAME"`);
}

/** What the kubelet takes when it is told nothing. */
function defaultNodeName(): string {
  return hostname().toLowerCase();
}
