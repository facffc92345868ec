import { Pod } from '#api/core/pod.ts';
import { PriorityClass } from '#api/scheduling/priority-class.ts';
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
    if (request.operation !== 'CREATE' || !writes(request, Pod)) return;
    const { spec, metadata } = request.object;
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

/** Of several classes that claim to be the default, the lowest counts. */
function globalDefault(objects: ObjectReader): PriorityClass | undefined {
  let lowest: PriorityClass | undefined;
  for (const each of objects.list(PriorityClass)) {
    if (each.globalDefault === true && (lowest === undefined || each.value < lowest.value)) lowest = each;
  }
  return lowest;
}
