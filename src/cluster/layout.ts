import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where one cluster keeps its things. Absolute paths. */
export interface ClusterLayout {
  readonly name: string;
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
  readonly kubeletDir: string;
  /** What pods get from the API, secrets among it: not on a disk. */
  readonly kubeletRunDir: string;
  readonly podLogsDir: string;
  /** Below which control group the cluster's pods are counted. */
  readonly cgroupRoot: string;
  readonly containerdRootDir: string;
  readonly containerdRunDir: string;
  readonly cniConfDir: string;
  readonly leaseDir: string;
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
    kubeletDir: join(stateDir, 'kubelet'),
    kubeletRunDir: join(runDir, 'kubelet'),
    cgroupRoot: name === defaultClusterName ? '/skiff' : `/skiff-${name}`,
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
