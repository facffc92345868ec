/** What the kubelet shows of itself at /configz and /statusz. */
import type { KubeletOptions } from '../kubelet.ts';

export interface ShownOptions extends Pick<KubeletOptions, 'port' | 'clusterDns' | 'clusterDomain' | 'allowedUnsafeSysctls' | 'staticPodPath' | 'taints'> {
  readonly address?: string | undefined;
  readonly maxPods?: number | undefined;
  readonly resolvConf?: string | undefined;
  readonly endpoint?: string | undefined;
}

/** A KubeletConfiguration of what has been set and what is always so; what it does not name has no setting here. Pure. */
export function kubeletConfiguration({ address = '0.0.0.0', port = 10_250, clusterDns = [], clusterDomain = 'cluster.local', maxPods = 110, resolvConf, allowedUnsafeSysctls = [], staticPodPath, taints = [], endpoint }: ShownOptions): object {
  return {
    kind: 'KubeletConfiguration', apiVersion: 'kubelet.config.k8s.io/v1beta1',
    enableServer: true, address, port, readOnlyPort: 0, enableDebuggingHandlers: true, enableSystemLogHandler: true, enableProfilingHandler: true,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true } }, authorization: { mode: 'Webhook' },
    registerNode: true, clusterDomain, clusterDNS: clusterDns, maxPods,
    ...(endpoint !== undefined && { containerRuntimeEndpoint: endpoint }),
    ...(resolvConf !== undefined && { resolvConf }),
    ...(staticPodPath !== undefined && { staticPodPath }),
    ...(allowedUnsafeSysctls.length > 0 && { allowedUnsafeSysctls }),
    ...(taints.length > 0 && { registerWithTaints: taints }),
  };
}

/** What /statusz names. */
export const kubeletPaths: readonly string[] = ['/configz', '/debug/pprof/', '/flagz', '/healthz', '/logs/', '/metrics', '/metrics/resource', '/pods', '/stats/summary', '/statusz'];
