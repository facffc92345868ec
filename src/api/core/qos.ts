/** Source: Kubernetes documentation "Pod Quality of Service Classes". */
import { addQuantity, compareQuantity } from '#apimachinery/quantity.ts';
import type { Container, ResourceRequirements } from './container.ts';
import { isPositive } from './pod-resources.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

interface QosSpec {
  readonly containers: readonly Pick<Container, 'resources'>[];
  readonly initContainers?: readonly Pick<Container, 'resources'>[] | undefined;
  readonly resources?: ResourceRequirements | undefined;
}

const counted = ['cpu', 'memory'] as const;

/**
 * Guaranteed: every container limits CPU and memory, and requests as much. BestEffort: none says anything of either.
 * Resources of the pod as a whole, where given, decide alone.
 */
export function qosClassOf(spec: QosSpec): QosClass {
  const podLevel = spec.resources !== undefined && (spec.resources.requests !== undefined || spec.resources.limits !== undefined);
  const all = podLevel && spec.resources !== undefined ? [spec.resources] : [...spec.containers, ...(spec.initContainers ?? [])].map((each) => each.resources);
  const anything = all.some(({ requests, limits }) => counted.some((name) => isPositive(requests?.[name]) || isPositive(limits?.[name])));
  if (!anything) return 'BestEffort';
  const guaranteed = all.every((resources) => counted.every((name) => isPositive(resources.limits?.[name])));
  if (!guaranteed) return 'Burstable';
  return counted.every((name) => sameSum(all, name)) ? 'Guaranteed' : 'Burstable';
}

function sameSum(all: readonly ResourceRequirements[], name: 'cpu' | 'memory'): boolean {
  let requests = addQuantity('0', '0');
  let limits = requests;
  for (const resources of all) {
    requests = addQuantity(requests, resources.requests?.[name] ?? '0');
    limits = addQuantity(limits, resources.limits?.[name] ?? '0');
  }
  // Nothing requested means as much as the limit: the server fills it in for pods, not for templates.
  return requests.nanos === 0n || compareQuantity(requests, limits) === 0;
}
