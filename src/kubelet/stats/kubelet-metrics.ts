import { Gauge, Registry } from 'prom-client';
import type { KubeletHandle } from '../kubelet-handle.ts';
import type { NodeSummary } from './summary.ts';

/** What the kubelet tells about itself on `/metrics`, under the original's names; collected when it is asked for. */
export function createKubeletMetrics(kubelet: KubeletHandle): Registry {
  const registry = new Registry();
  const runningPods = new Gauge({
    name: 'kubelet_running_pods', help: 'Number of pods that have a running pod sandbox', registers: [],
    collect() {
      this.set(kubelet.pods().filter(({ status }) => status.conditions?.some(({ type, status: is }) => type === 'PodReadyToStartContainers' && is === 'True') === true).length);
    },
  });
  const containers = new Gauge({
    name: 'kubelet_running_containers', help: 'Number of containers currently running', labelNames: ['container_state'], registers: [],
    collect() {
      const counts = { running: 0, exited: 0, created: 0 };
      for (const { status } of kubelet.pods()) {
        for (const { state } of [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]) {
          if (state.running !== undefined) counts.running++;
          else if (state.terminated !== undefined) counts.exited++;
          else counts.created++;
        }
      }
      for (const [state, count] of Object.entries(counts)) this.set({ container_state: state }, count);
    },
  });
  const nodeName = new Gauge({ name: 'kubelet_node_name', help: "The node's name. The count is always 1.", labelNames: ['node'], registers: [] });
  nodeName.set({ node: kubelet.nodeName }, 1);
  for (const metric of [runningPods, containers, nodeName]) registry.registerMetric(metric);
  return registry;
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | undefined;
  readonly time: string | undefined;
}

/** `/metrics/resource`, which the metrics server reads. Pure. Source: Kubernetes documentation, "Resource metrics" of the kubelet. */
export function formatResourceMetrics({ node, pods }: NodeSummary): string {
  const ofPod = (pod: NodeSummary['pods'][number]): Readonly<Record<string, string>> => ({ namespace: pod.podRef.namespace, pod: pod.podRef.name });
  const ofContainers = (pick: (part: NodeSummary['pods'][number]['containers'][number]) => Omit<Sample, 'labels'>): readonly Sample[] =>
    pods.flatMap((pod) => pod.containers.map((container) => ({ labels: { container: container.name, ...ofPod(pod) }, ...pick(container) })));
  const seconds = (nanoseconds: number | undefined): number | undefined => (nanoseconds === undefined ? undefined : nanoseconds / 1e9);
  return [
    family('container_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the container in core-seconds', ofContainers(({ cpu }) => ({ value: seconds(cpu?.usageCoreNanoSeconds), time: cpu?.time }))),
    family('container_memory_working_set_bytes', 'gauge', 'Current working set of the container in bytes', ofContainers(({ memory }) => ({ value: memory?.workingSetBytes, time: memory?.time }))),
    family('container_start_time_seconds', 'gauge', 'Start time of the container since unix epoch in seconds', ofContainers(({ startTime }) => ({ value: Date.parse(startTime) / 1000, time: undefined }))),
    family('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds', [{ labels: {}, value: seconds(node.cpu?.usageCoreNanoSeconds), time: node.cpu?.time }]),
    family('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', [{ labels: {}, value: node.memory?.workingSetBytes, time: node.memory?.time }]),
    family('pod_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the pod in core-seconds', pods.map((pod) => ({ labels: ofPod(pod), value: seconds(pod.cpu?.usageCoreNanoSeconds), time: pod.cpu?.time }))),
    family('pod_memory_working_set_bytes', 'gauge', 'Current working set of the pod in bytes', pods.map((pod) => ({ labels: ofPod(pod), value: pod.memory?.workingSetBytes, time: pod.memory?.time }))),
    family('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', [{ labels: {}, value: 0, time: undefined }]),
  ].join('');
}

function family(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const known = samples.filter(({ value }) => value !== undefined);
  if (known.length === 0) return '';
  const lines = known.map(({ labels, value, time }) => {
    const text = Object.entries(labels).map(([key, label]) => `${key}=${JSON.stringify(label)}`).join(',');
    return `${name}${text === '' ? '' : `{${text}}`} ${value}${time === undefined ? '' : ` ${Date.parse(time)}`}\n`;
  });
  return `# HELP ${name} [STABLE] ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
