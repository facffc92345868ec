import type { Toleration } from '#api/core/scheduling.ts';
import { Pod } from '#api/core/pod.ts';
import { RuntimeClass } from '#api/node/runtime-class.ts';
import { compareQuantity } from '#apimachinery/quantity.ts';
import { forbidden } from '#apimachinery/status-error.ts';
import type { AdmissionPlugin, ObjectReader } from '../admission.ts';
import { writes } from '../admission.ts';

/**
 * A pod's overhead, and on which nodes it may run, follow from its RuntimeClass, which must exist.
 * Source: Kubernetes documentation, "Runtime Class", "Pod Overhead".
 */
export const runtimeClass: AdmissionPlugin = {
  name: 'RuntimeClass',
  mutate(request, { objects }) {
    if (request.operation !== 'CREATE' || !writes(request, Pod)) return;
    const { spec } = request.object;
    const found = classOf(objects, request.name, spec.runtimeClassName);
    if (found === undefined) return;
    const fixed = found.overhead?.podFixed;
    if (fixed !== undefined && spec.overhead === undefined) spec.overhead = { ...fixed };
    for (const [key, value] of Object.entries(found.scheduling?.nodeSelector ?? {})) {
      const own = spec.nodeSelector?.[key];
      if (own !== undefined && own !== value) throw forbidden(Pod, request.name, `conflict: pod nodeSelector and RuntimeClass ${found.metadata.name} nodeSelector disagree on ${key}`);
      spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
    }
    const tolerations = spec.tolerations ?? [];
    const added = (found.scheduling?.tolerations ?? []).filter((each) => !tolerations.some((own) => sameToleration(own, each)));
    if (added.length > 0) spec.tolerations = [...tolerations, ...added];
  },
  validate(request, { objects }) {
    if (request.operation !== 'CREATE' || !writes(request, Pod)) return;
    const { overhead, runtimeClassName } = request.object.spec;
    const wanted = classOf(objects, request.name, runtimeClassName)?.overhead?.podFixed;
    if (sameAmounts(overhead ?? {}, wanted ?? {})) return;
    if (wanted === undefined) throw forbidden(Pod, request.name, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
    throw forbidden(Pod, request.name, `pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead`);
  },
};

function classOf(objects: ObjectReader, podName: string, className = ''): RuntimeClass | undefined {
  if (className === '') return undefined;
  const found = objects.get(RuntimeClass, className);
  if (found === undefined) throw forbidden(Pod, podName, `pod rejected: RuntimeClass "${className}" not found`);
  return found;
}

function sameAmounts(left: Readonly<Record<string, string>>, right: Readonly<Record<string, string>>): boolean {
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => left[name] !== undefined && right[name] !== undefined && compareQuantity(left[name], right[name]) === 0);
}

function sameToleration(left: Partial<Toleration>, right: Toleration): boolean {
  return left.key === right.key && left.operator === right.operator && left.value === right.value && left.effect === right.effect && left.tolerationSeconds === right.tolerationSeconds;
}
