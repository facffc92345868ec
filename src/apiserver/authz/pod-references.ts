import type { Container } from '#api/core/container.ts';
import type { PersistentVolume } from '#api/core/persistent-volume.ts';
import type { Pod } from '#api/core/pod.ts';

/** Kinds of objects that a pod makes readable for its node. */
export type ReferencedResource = 'secrets' | 'configmaps' | 'persistentvolumeclaims' | 'serviceaccounts' | 'resourceclaims';

/** `secrets/default/tls`, the form in which references are counted. */
export function referenceKey(resource: ReferencedResource, namespace: string, name: string): string {
  return `${resource}/${namespace}/${name}`;
}

/** Everything in its namespace that a pod refers to and its kubelet must read to run it; pure, may name things twice. */
export function* podReferences(pod: Pod): Generator<string> {
  const { namespace, name: podName } = pod.metadata;
  const { spec } = pod;
  const refer = function* (resource: ReferencedResource, name: string | undefined): Generator<string> {
    if (name !== undefined && name !== '') yield referenceKey(resource, namespace, name);
  };
  yield* refer('serviceaccounts', spec.serviceAccountName);
  for (const { name } of spec.imagePullSecrets ?? []) yield* refer('secrets', name);
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])] as readonly Container[];
  for (const { env = [], envFrom = [] } of containers) {
    for (const { valueFrom } of env) {
      yield* refer('secrets', valueFrom?.secretKeyRef?.name);
      yield* refer('configmaps', valueFrom?.configMapKeyRef?.name);
    }
    for (const { secretRef, configMapRef } of envFrom) {
      yield* refer('secrets', secretRef?.name);
      yield* refer('configmaps', configMapRef?.name);
    }
  }
  for (const volume of spec.volumes ?? []) {
    for (const name of secretNames(volume)) yield* refer('secrets', name);
    yield* refer('configmaps', volume.configMap?.name);
    yield* refer('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName);
    if (volume.ephemeral !== undefined) yield* refer('persistentvolumeclaims', `${podName}-${volume.name}`);
    for (const { secret, configMap } of volume.projected?.sources ?? []) {
      yield* refer('secrets', secret?.name);
      yield* refer('configmaps', configMap?.name);
    }
  }
  for (const { resourceClaimName } of spec.resourceClaims ?? []) yield* refer('resourceclaims', resourceClaimName);
  for (const { resourceClaimName } of pod.status.resourceClaimStatuses ?? []) yield* refer('resourceclaims', resourceClaimName);
}

/** The secrets (`secrets/ns/name`) that mounting a volume takes; where the volume names no namespace, the claim's counts. */
export function volumeSecrets({ spec }: PersistentVolume): readonly string[] {
  const claimNamespace = spec.claimRef?.namespace ?? '';
  return [...secretReferences(spec)].map(({ name, namespace }) => referenceKey('secrets', (namespace ?? '') === '' ? claimNamespace : (namespace ?? ''), name));
}

/** Volume sources name their secrets alike, whatever the source. */
function* secretNames(volume: object): Generator<string> {
  for (const { name } of secretReferences(volume)) yield name;
}

const referenceFields = ['secretRef', 'nodePublishSecretRef', 'nodeStageSecretRef', 'nodeExpandSecretRef'];

function* secretReferences(sources: object): Generator<{ readonly name: string; readonly namespace?: string | undefined }> {
  for (const source of Object.values(sources) as unknown[]) {
    if (typeof source !== 'object' || source === null) continue;
    const fields = source as Readonly<Record<string, unknown>>;
    const { secretName, secretNamespace } = fields;
    if (typeof secretName === 'string') yield { name: secretName, ...(typeof secretNamespace === 'string' && { namespace: secretNamespace }) };
    for (const field of referenceFields) {
      const reference = fields[field] as { readonly name?: string; readonly namespace?: string } | undefined;
      if (reference?.name !== undefined) yield { name: reference.name, namespace: reference.namespace };
    }
  }
}
