/** Which pods are behind a Service, and which of a pod's changes matter to it. */
import { saysTheSame } from '#apimachinery/equal.ts';
import { matchesLabels, selectorFromMap } from '#apimachinery/selector.ts';
import type { ServicePort, Service } from '#api/core/service.ts';
import { Service as ServiceKind } from '#api/core/service.ts';
import { Pod } from '#api/core/pod.ts';
import { isReady, isTerminal, isTerminating } from '#api/core/pod-status.ts';
import type { SharedInformers } from '#client/informer.ts';
import type { ControllerLister } from '#reconcile/controller-lister.ts';

const byLabel = 'namespaced label';

/** Prepares the index that finds pods by a label. */
export function indexPods(informers: SharedInformers): void {
  informers.for(Pod).addIndex(byLabel, ({ metadata }) => {
    const values: string[] = [];
    for (const key in metadata.labels) values.push(`${metadata.namespace}/${key}=${metadata.labels[key] ?? ''}`);
    return values;
  });
}

/** Whether this cluster finds the Service's pods by itself. */
export function hasSelector({ spec }: Service): boolean {
  return spec.type !== 'ExternalName' && spec.selector !== undefined && Object.keys(spec.selector).length > 0;
}

export function isHeadless({ spec }: Service): boolean {
  return spec.clusterIP === 'None';
}

/** The pods that the Service selects. */
export function podsOf({ metadata, spec }: Service, lister: ControllerLister): readonly Pod[] {
  const [first] = Object.entries(spec.selector ?? {});
  if (first === undefined) return [];
  const query = selectorFromMap(spec.selector);
  const found = lister.byIndex(Pod, byLabel, `${metadata.namespace}/${first[0]}=${first[1]}`);
  return query.requirements.length === 1 ? found : found.filter((pod) => matchesLabels(query, pod.metadata.labels));
}

/** The Services that select the pod. */
export function* servicesOf({ metadata }: Pod, lister: ControllerLister): Iterable<string> {
  const { labels, namespace } = metadata;
  if (labels === undefined) return;
  for (const service of lister.list(ServiceKind, namespace)) {
    if (hasSelector(service) && Object.entries(service.spec.selector ?? {}).every(([key, value]) => labels[key] === value)) {
      yield `${namespace}/${service.metadata.name}`;
    }
  }
}

/** Whether endpoints may look different after the change. */
export function changesEndpoints(pod: Pod, old: Pod): boolean {
  return pod.status.podIP !== old.status.podIP
    || isReady(pod) !== isReady(old)
    || isTerminating(pod) !== isTerminating(old)
    || isTerminal(pod) !== isTerminal(old)
    || pod.spec.nodeName !== old.spec.nodeName
    || !saysTheSame(pod.status.podIPs, old.status.podIPs)
    || !saysTheSame(pod.metadata.labels, old.metadata.labels);
}

/** Whether the pod has an address and runs. */
export function hasEndpoint(pod: Pod, includesTerminating: boolean): boolean {
  if (isTerminal(pod) || pod.status.podIP === undefined) return false;
  return includesTerminating || !isTerminating(pod);
}

/** The number of the port that the Service's port leads to in this pod; undefined when the pod has none of that name. */
export function targetPort(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target === 0 ? port.port : target;
  const protocol = port.protocol ?? 'TCP';
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const { ports = [] } of [...pod.spec.containers, ...sidecars]) {
    for (const candidate of ports) {
      if (candidate.name === target && (candidate.protocol ?? 'TCP') === protocol) return candidate.containerPort;
    }
  }
  return undefined;
}

/** The address of the family, if the pod has one. */
export function addressOf(pod: Pod, family: 'IPv4' | 'IPv6'): string | undefined {
  const isOfFamily = (ip: string): boolean => ip.includes(':') === (family === 'IPv6');
  const { podIP, podIPs } = pod.status;
  if (podIP !== undefined && isOfFamily(podIP)) return podIP;
  return podIPs?.find(({ ip }) => isOfFamily(ip))?.ip;
}

/** Families of the Service's addresses. */
export function familiesOf({ spec }: Service): readonly ('IPv4' | 'IPv6')[] {
  const families = spec.ipFamilies ?? [];
  if (families.length > 0) return families as readonly ('IPv4' | 'IPv6')[];
  return [spec.clusterIP?.includes(':') === true ? 'IPv6' : 'IPv4'];
}

/** The pod's DNS name within the Service, where it has asked for one. */
export function hostnameOf({ spec, metadata }: Pod, service: Service): string | undefined {
  const isNamed = spec.hostname !== undefined && spec.hostname !== '' && spec.subdomain === service.metadata.name;
  return isNamed && metadata.namespace === service.metadata.namespace ? spec.hostname : undefined;
}
