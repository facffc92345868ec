import { IngressClass, isDefaultIngressClass } from '#api/networking/ingress-class.ts';
import { Ingress } from '#api/networking/ingress.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { writes } from '../admission.ts';

/** How classes were named before there was a field. */
const oldAnnotation = 'kubernetes.io/ingress.class';

/**
 * An Ingress that names no class gets the default one; of several, the one that was made last.
 * Source: Kubernetes documentation, "Default IngressClass".
 */
export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  mutate(request, { objects }) {
    if (request.operation !== 'CREATE' || !writes(request, Ingress)) return;
    const { spec, metadata } = request.object;
    if (spec.ingressClassName !== undefined || (metadata.annotations?.[oldAnnotation] ?? '') !== '') return;
    const defaults = [...objects.list(IngressClass)].filter(isDefaultIngressClass);
    const [newest] = defaults.toSorted((left, right) => compare(right.metadata.creationTimestamp, left.metadata.creationTimestamp) || compare(left.metadata.name, right.metadata.name));
    if (newest !== undefined) spec.ingressClassName = newest.metadata.name;
  },
};

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
