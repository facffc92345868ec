/** What a pod may refer to, by its service account. Pure. Source: Kubernetes documentation, "ServiceAccount admission controller". */
import type { Container } from '#api/core/container.ts';
import type { PodSpec } from '#api/core/pod-template.ts';
import type { ServiceAccount } from '#api/core/service-account.ts';

const enforceAnnotation = 'kubernetes.io/enforce-mountable-secrets';

/** Why a pod that shows what a kubelet runs by itself is refused: it has no claim on anything in the cluster. */
export function mirrorPodFault(spec: PodSpec): string | undefined {
  if ((spec.serviceAccountName ?? '') !== '') return 'a mirror pod may not reference service accounts';
  if (secretsOf(spec).length > 0) return 'a mirror pod may not reference secrets';
  for (const { persistentVolumeClaim, projected } of spec.volumes ?? []) {
    if (persistentVolumeClaim !== undefined) return 'a mirror pod may not reference persistentVolumeClaims';
    if ((projected?.sources ?? []).some((source) => source.serviceAccountToken !== undefined)) return 'a mirror pod may not use ServiceAccountToken volume projections';
  }
  return undefined;
}

/** Why a pod is refused whose account says that it may use its own secrets only. */
export function secretFault(spec: PodSpec, { metadata, secrets, imagePullSecrets }: ServiceAccount): string | undefined {
  if (metadata.annotations?.[enforceAnnotation] !== 'true') return undefined;
  const own = new Set((secrets ?? []).map(({ name }) => name));
  const foreign = secretsOf(spec).find(({ secret }) => !own.has(secret));
  if (foreign !== undefined) return `${foreign.what} secret.secretName=${JSON.stringify(foreign.secret)} is not allowed because service account ${metadata.name} does not reference that secret`;
  const ownPull = new Set((imagePullSecrets ?? []).map(({ name }) => name));
  for (const [index, { name }] of (spec.imagePullSecrets ?? []).entries()) {
    if (!ownPull.has(name)) return `imagePullSecrets[${index}].name=${JSON.stringify(name)} is not allowed because service account ${metadata.name} does not reference that imagePullSecret`;
  }
  return undefined;
}

interface SecretReference {
  readonly what: string;
  readonly secret: string;
}

function secretsOf(spec: PodSpec): readonly SecretReference[] {
  const found: SecretReference[] = [];
  for (const { secret } of spec.volumes ?? []) if (secret?.secretName !== undefined) found.push({ what: 'volume with', secret: secret.secretName });
  const all: readonly (readonly [string, Pick<Container, 'name' | 'env' | 'envFrom'>])[] = [
    ...(spec.initContainers ?? []).map((each) => ['init container', each] as const), ...spec.containers.map((each) => ['container', each] as const),
    ...(spec.ephemeralContainers ?? []).map((each) => ['ephemeral container', each] as const),
  ];
  for (const [noun, { name, env = [], envFrom = [] }] of all) {
    for (const variable of env) {
      const secret = variable.valueFrom?.secretKeyRef?.name;
      if (secret !== undefined) found.push({ what: `${noun} ${name} with envVar ${variable.name} referencing`, secret });
    }
    for (const { secretRef } of envFrom) if (secretRef?.name !== undefined) found.push({ what: `${noun} ${name} with envFrom referencing`, secret: secretRef.name });
  }
  return found;
}
