/** The objects the load writes: the sizes the targets were measured with. */

const namespace = 'default';
export const namespacePath = `/api/v1/namespaces/${namespace}`;
export const leasesPath = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;

/** A ConfigMap of 1 KB; `fill` makes two of the same name differ. */
export function configMap(index: number, fill = 'x'): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `load-${index}`, namespace }, data: { content: fill.repeat(900) } };
}

/** A Pod of about 3 KB as written. */
export function pod(index: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `load-${index}`, namespace,
      labels: { app: 'load', 'pod-template-hash': '5d4f8c7b9', 'app.kubernetes.io/name': 'load', 'app.kubernetes.io/instance': `load-${index}` },
      annotations: { 'example.com/owner': 'benchmarks', 'example.com/checksum': '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef' },
    },
    spec: {
      containers: ['app', 'sidecar'].map((name) => container(name, index)),
      initContainers: [{ name: 'prepare', image: 'registry.example.com/prepare:v1', command: ['sh', '-c', 'cp /config/* /data/'], volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
      volumes: [
        { name: 'data', emptyDir: {} },
        { name: 'config', configMap: { name: 'load-config', items: [{ key: 'config.yaml', path: 'config.yaml' }] } },
      ],
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'load' } } } }] } },
      tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'load', effect: 'NoSchedule' }],
      terminationGracePeriodSeconds: 5,
    },
  };
}

function container(name: string, index: number): object {
  return {
    name,
    image: `registry.example.com/team/${name}:v1.2.3`,
    args: ['--config=/config/config.yaml', '--log-level=info', `--instance=${index}`],
    ports: [{ name: 'http', containerPort: 8080 }, { name: 'metrics', containerPort: 9090 }],
    env: [
      ...Array.from({ length: 6 }, (_, at) => ({ name: `SETTING_${at}`, value: `a value of some length ${at}` })),
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ],
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 5 },
    livenessProbe: { httpGet: { path: '/livez', port: 'http' }, initialDelaySeconds: 10 },
    volumeMounts: [{ name: 'data', mountPath: '/data' }, { name: 'config', mountPath: '/config', readOnly: true }],
  };
}

/** What a kubelet says of a pod that runs. */
export function podStatusPatch(index: number): object {
  const at = '2026-01-01T00:00:00Z';
  return {
    status: {
      phase: 'Running', hostIP: '10.0.0.1', podIP: `10.244.0.${index % 250}`, podIPs: [{ ip: `10.244.0.${index % 250}` }], startTime: at,
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({ type, status: 'True', lastTransitionTime: at })),
      containerStatuses: ['app', 'sidecar'].map((name) => ({
        name, ready: true, started: true, restartCount: 0, image: `registry.example.com/team/${name}:v1.2.3`,
        imageID: `registry.example.com/team/${name}@sha256:0123456789abcdef`, containerID: `containerd://${index}-${name}`, state: { running: { startedAt: at } },
      })),
    },
  };
}

/** `version`: the one that is known; '' for a new lease. */
export function lease(index: number, renewedMs: number, version: string): object {
  return {
    apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: `load-${index}`, namespace, ...(version !== '' && { resourceVersion: version }) },
    spec: { holderIdentity: `load-${index}`, leaseDurationSeconds: 40, renewTime: new Date(renewedMs).toISOString().replace('Z', '000Z') },
  };
}
