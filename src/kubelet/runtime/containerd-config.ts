export interface ContainerdLayout {
  /** Images and snapshots; survives a reboot. */
  readonly rootDir: string;
  /** Sockets, pid file, mounts; best on a tmpfs. Short: a socket's path ends after 107 characters. */
  readonly runDir: string;
  readonly cniBinDir: string;
  readonly cniConfDir: string;
  readonly sandboxImage: string;
  readonly snapshotter: 'overlayfs' | 'native';
  /** Whether we may protect processes from the OOM killer (CAP_SYS_RESOURCE); without it runc fails on a negative score. */
  readonly mayLowerOomScore: boolean;
  /** Where registry mirrors are configured (`<dir>/<host>/hosts.toml`). */
  readonly registryConfigDir?: string;
}

export function socketOf(layout: Pick<ContainerdLayout, 'runDir'>): string {
  return `${layout.runDir}/containerd.sock`;
}

/**
 * The configuration (version 2, which 1.6 and 1.7 read). cgroups are driven through the file system: that works with and
 * without systemd, on cgroup v1 and v2. Snapshotters and services nobody uses are off: they cost start time and memory.
 */
export function containerdConfig(layout: ContainerdLayout): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return [
    'version = 2',
    `root = ${quoted(layout.rootDir)}`,
    `state = ${quoted(`${layout.runDir}/state`)}`,
    ...(layout.mayLowerOomScore ? ['oom_score = -999'] : []),
    'disabled_plugins = [',
    ...[
      'io.containerd.internal.v1.opt', 'io.containerd.snapshotter.v1.aufs', 'io.containerd.snapshotter.v1.btrfs',
      'io.containerd.snapshotter.v1.devmapper', 'io.containerd.snapshotter.v1.zfs', 'io.containerd.tracing.processor.v1.otlp',
      'io.containerd.internal.v1.tracing', 'io.containerd.nri.v1.nri',
    ].map((plugin) => `  ${quoted(plugin)},`),
    ']',
    '[grpc]',
    `  address = ${quoted(socketOf(layout))}`,
    '[debug]',
    '  level = "warn"',
    `[${cri}]`,
    `  sandbox_image = ${quoted(layout.sandboxImage)}`,
    '  stream_server_address = "127.0.0.1"',
    '  stream_server_port = "0"',
    '  enable_selinux = false',
    `  restrict_oom_score_adj = ${!layout.mayLowerOomScore}`,
    '  tolerate_missing_hugetlb_controller = true',
    `  [${cri}.cni]`,
    `    bin_dir = ${quoted(layout.cniBinDir)}`,
    `    conf_dir = ${quoted(layout.cniConfDir)}`,
    '    max_conf_num = 1',
    `  [${cri}.containerd]`,
    `    snapshotter = ${quoted(layout.snapshotter)}`,
    '    default_runtime_name = "runc"',
    `    [${cri}.containerd.runtimes.runc]`,
    '      runtime_type = "io.containerd.runc.v2"',
    `      [${cri}.containerd.runtimes.runc.options]`,
    '        SystemdCgroup = false',
    ...(layout.registryConfigDir === undefined ? [] : [`  [${cri}.registry]`, `    config_path = ${quoted(layout.registryConfigDir)}`]),
    '',
  ].join('\n');
}

/** A TOML basic string; JSON's escapes are a subset of its. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
