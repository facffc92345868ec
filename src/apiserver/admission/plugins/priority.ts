import { Pod } from '#api/core/pod.ts';
import type { PodSpec } from '#api/core/pod-template.ts';
import { PriorityClass } from '#api/scheduling/priority-class.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin, ObjectReader } from '../admission.ts';
import { writes } from '../admission.ts';

/**
 * A pod's priority follows from its class.
 * Source: Kubernetes documentation, "Pod Priority and Preemption".
 */
export const priority: AdmissionPlugin = {
  name: 'Priority',
  mutate(request, { objects }) {
    if (!writes(request, Pod)) return;
    const { spec, metadata } = request.object;
    if (request.operation === 'UPDATE') {
      keepPriority(spec, request.old as Pod | undefined);
      return;
    }
    if (request.operation !== 'CREATE') return;
    const className = spec.priorityClassName ?? '';
    const found = className === '' ? globalDefault(objects) : objects.get(PriorityClass, className);
    if (found === undefined && className !== '') {
      throw forbidden(Pod, metadata.name ?? metadata.generateName ?? '', `no PriorityClass with name ${className} was found`);
    }
    const value = found?.value ?? 0;
    if (spec.priority !== undefined && spec.priority !== value) {
      throw forbidden(Pod, metadata.name ?? metadata.generateName ?? '', `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`);
    }
    spec.priority = value;
    if (found !== undefined) spec.priorityClassName = found.metadata.name;
    spec.preemptionPolicy ??= found?.preemptionPolicy ?? 'PreemptLowerPriority';
  },
};

/** Whoever applies a pod anew without what was filled in at its creation does not take that away. */
function keepPriority(spec: Draft<PodSpec>, old: Pod | undefined): void {
  if (spec.priority === undefined && old?.spec.priority !== undefined) spec.priority = old.spec.priority;
  if (spec.preemptionPolicy === undefined && old?.spec.preemptionPolicy !== undefined) spec.preemptionPolicy = old.spec.preemptionPolicy;
}

/** Of several classes that claim to be the default, the lowest counts. */
function globalDefault(objects: ObjectReader): PriorityClass | undefined {
  let lowest: PriorityClass | undefined;
  for (const each of objects.list(PriorityClass)) {
    if (each.globalDefault === true && (lowest === undefined || each.value < lowest.value)) lowest = each;
  }
  return lowest;
}
