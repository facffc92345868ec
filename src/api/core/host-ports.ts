/** Ports that pods take of their node. Source: Kubernetes API reference, `hostPort` of a container's port. */
import type { Container } from './container.ts';

export interface HostPort {
  readonly protocol: string;
  /** 0.0.0.0 stands for every address. */
  readonly ip: string;
  readonly port: number;
}

const everyAddress = '0.0.0.0';

/** Those of containers that run as long as the pod does: init containers count when they are sidecars. */
export function hostPortsOf({ containers, initContainers }: { readonly containers: readonly Container[]; readonly initContainers?: readonly Container[] | undefined }): readonly HostPort[] {
  const ports: HostPort[] = [];
  const sidecars = (initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  for (const container of [...containers, ...sidecars]) {
    for (const { hostIP, hostPort, protocol } of container.ports ?? []) {
      if (hostPort !== undefined && hostPort > 0) ports.push({ protocol: protocol ?? 'TCP', ip: hostIP ?? everyAddress, port: hostPort });
    }
  }
  return ports;
}

/** Whether two ports of one host are in each other's way. */
export function clash(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === everyAddress || b.ip === everyAddress);
}
