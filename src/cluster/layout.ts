import { readdir } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where one node keeps its things. Absolute paths. */
export interface NodeLayout {
  /** Names the node's network and rules: the cluster's name, for its further nodes with more behind it. */
  readonly name: string;
  readonly kubeletDir: string;
  /** What pods get from the API, secrets among it: not on a disk. */
  readonly kubeletRunDir: string;
  readonly podLogsDir: string;
  /** Below which control group the node's pods are counted. */
  readonly cgroupRoot: string;
  readonly containerdRootDir: string;
  readonly containerdRunDir: string;
  readonly cniConfDir: string;
  readonly leaseDir: string;
}

/** Where one cluster keeps its things, those of its first node among them. */
export interface ClusterLayout extends NodeLayout {
  /** Survives a reboot: certificates, store, images, settings. */
  readonly stateDir: string;
  /** Gone with a reboot: sockets, process ids, network leases. Short, for a socket's path ends after 107 characters. */
  readonly runDir: string;
  readonly pkiDir: string;
  readonly settingsFile: string;
  readonly storeFile: string;
  readonly logFile: string;
  readonly pidFile: string;
  /** The administrator's. Those of the components lie beside it, as `<component>.kubeconfig`. */
  readonly adminKubeconfig: string;
  readonly imagesDir: string;
}

export interface LayoutRequest {
  readonly name: string;
  /** Default: /var/lib/skiff/<name> for root, else ~/.local/state/skiff/<name> (XDG_STATE_HOME counts). */
  readonly stateDir?: string | undefined;
}

export const defaultClusterName = 'default';

/** Throws when the name cannot be part of file, table and host names. */
export function clusterLayout({ name, stateDir: given }: LayoutRequest): ClusterLayout {
  if (!/^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/.test(name)) {
    throw new Error(`"${name}" cannot be the name of a cluster: up to 20 lower-case letters, digits and hyphens, as in "dev-2"`);
  }
  const stateDir = resolve(given ?? join(stateHome(), name));
  const runDir = join(runHome(), name);
  return {
    name,
    stateDir,
    runDir,
    pkiDir: join(stateDir, 'pki'),
    settingsFile: join(stateDir, 'cluster.json'),
    storeFile: join(stateDir, 'store.db'),
    logFile: join(stateDir, 'skiff.log'),
    pidFile: join(runDir, 'skiff.pid'),
    adminKubeconfig: join(stateDir, 'admin.kubeconfig'),
    imagesDir: join(stateDir, 'images'),
    ...nodePaths({ stateDir, runDir, cgroupRoot: name === defaultClusterName ? '/skiff' : `/skiff-${name}` }),
  };
}

/** Where the cluster's node of that number (from 1) keeps its things. Pure. */
export function nodeLayout(cluster: ClusterLayout, number: number): NodeLayout {
  if (number === 1) return cluster;
  const directory = `node-${number}`;
  // No cluster can be called so: its name has no dots.
  const name = `${cluster.name}.${directory}`;
  return { name, ...nodePaths({ stateDir: join(cluster.stateDir, directory), runDir: join(cluster.runDir, directory), cgroupRoot: `${cluster.cgroupRoot}.${directory}` }) };
}

/** The layouts of all nodes that ever were started on this machine, and of the first in any case. */
export async function knownNodeLayouts(cluster: ClusterLayout): Promise<readonly NodeLayout[]> {
  const names = await Promise.all([cluster.stateDir, cluster.runDir].map((directory) => readdir(directory).catch(() => [])));
  const numbers = names.flat().flatMap((name) => /^node-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  return [...new Set([1, ...numbers])].map((number) => nodeLayout(cluster, number));
}

function nodePaths({ stateDir, runDir, cgroupRoot }: { readonly stateDir: string; readonly runDir: string; readonly cgroupRoot: string }): Omit<NodeLayout, 'name'> {
  return {
    cgroupRoot,
    kubeletDir: join(stateDir, 'kubelet'),
    kubeletRunDir: join(runDir, 'kubelet'),
    podLogsDir: join(stateDir, 'pod-logs'),
    containerdRootDir: join(stateDir, 'containerd'),
    containerdRunDir: join(runDir, 'containerd'),
    cniConfDir: join(runDir, 'cni'),
    leaseDir: join(runDir, 'leases'),
  };
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** The directory of all clusters' state directories that are in the default place. */
export function stateHome(): string {
  if (isRoot()) return '/var/lib/skiff';
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local/state'), 'skiff');
}

/** The directory of the run directories of all clusters of this user, wherever their state is. */
export function runHome(): string {
  if (isRoot()) return '/run/skiff';
  return join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), `skiff-${process.getuid?.() ?? 0}`);
}
