/** Which kernel parameters pods may set. Source: Kubernetes documentation "Using sysctls in a Kubernetes Cluster". */
import type { Pod } from '#api/core/pod.ts';

/** They belong to the pod's own namespaces and cannot harm other pods. */
const safeSysctls: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ip_local_reserved_ports', 'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes', 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem',
]);

/** The namespace that keeps a parameter apart for a pod: by the beginning of its name. */
const namespaces: readonly (readonly [prefix: string, namespace: 'ipc' | 'net'])[] = [['kernel.sem', 'ipc'], ['kernel.shm', 'ipc'], ['kernel.msg', 'ipc'], ['fs.mqueue.', 'ipc'], ['net.', 'net']];

/**
 * Why the pod may not set what it asks for; undefined when it may. `allowedUnsafe` are names, or prefixes that end with
 * `*` (`--allowed-unsafe-sysctls`).
 */
export function forbiddenSysctl({ spec }: Pod, allowedUnsafe: readonly string[]): string | undefined {
  for (const { name: written } of spec.securityContext?.sysctls ?? []) {
    const name = written.replaceAll('/', '.');
    const isAllowed = safeSysctls.has(name) || allowedUnsafe.some((each) => (each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : each === name));
    if (!isAllowed) return `forbidden sysctl: "${written}" not allowlisted`;
    const namespace = namespaces.find(([prefix]) => name.startsWith(prefix))?.[1];
    if (namespace === 'net' && spec.hostNetwork === true) return `forbidden sysctl: "${written}" not allowed with host net enabled`;
    if (namespace === 'ipc' && spec.hostIPC === true) return `forbidden sysctl: "${written}" not allowed with host ipc enabled`;
  }
  return undefined;
}
