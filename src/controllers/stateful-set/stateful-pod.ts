/** The pod of an ordinal and its claims. Pure. */
import type { Given } from '#apimachinery/resource.ts';
import { StatefulSet } from '#api/apps/stateful-set.ts';
import type { PersistentVolumeClaim } from '#api/core/persistent-volume-claim.ts';
import type { Pod } from '#api/core/pod.ts';
import type { PodTemplateSpec } from '#api/core/pod-template.ts';
import { controllerReference } from '#reconcile/adoption.ts';
import { revisionHashLabel } from '../revision-history.ts';

export function podName({ metadata }: StatefulSet, ordinal: number): string {
  return `${metadata.name}-${ordinal}`;
}

/** `data-web-0`. */
export function claimName({ metadata }: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string {
  return `${template.metadata.name}-${metadata.name}-${ordinal}`;
}

/** The pod with its stable name, and its volumes from its own claims. */
export function statefulPod(set: StatefulSet, template: PodTemplateSpec, { ordinal, revision }: { readonly ordinal: number; readonly revision: string }): Given<Pod> {
  const name = podName(set, ordinal);
  const claims = set.spec.volumeClaimTemplates ?? [];
  const own = claims.map((claim) => ({ name: claim.metadata.name, persistentVolumeClaim: { claimName: claimName(set, claim, ordinal) } }));
  const others = (template.spec.volumes ?? []).filter((volume) => !own.some((each) => each.name === volume.name));
  const { annotations, finalizers, labels } = template.metadata;
  const { serviceName } = set.spec;
  return {
    metadata: {
      name,
      namespace: set.metadata.namespace,
      labels: {
        ...labels,
        'apps.kubernetes.io/pod-index': String(ordinal),
        [revisionHashLabel]: revision,
        'statefulset.kubernetes.io/pod-name': name,
      },
      ...(annotations !== undefined && { annotations }),
      ...(finalizers !== undefined && { finalizers }),
      ownerReferences: [controllerReference(StatefulSet, set)],
    },
    spec: { ...template.spec, hostname: name, ...(serviceName !== '' && { subdomain: serviceName }), volumes: [...own, ...others] },
  };
}

/** The claims of the pod, one per template. They outlive it unless the set says otherwise. */
export function claimsFor(set: StatefulSet, ordinal: number): readonly Given<PersistentVolumeClaim>[] {
  const goesWithSet = set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete';
  const { uid, name } = set.metadata;
  return (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    metadata: {
      ...(template.metadata.annotations !== undefined && { annotations: template.metadata.annotations }),
      name: claimName(set, template, ordinal),
      namespace: set.metadata.namespace,
      labels: { ...template.metadata.labels, ...set.spec.selector?.matchLabels },
      ...(goesWithSet && { ownerReferences: [{ apiVersion: StatefulSet.apiVersion, kind: StatefulSet.kind, name, uid }] }),
    },
    spec: template.spec,
  }));
}
