/** What writers of claims and volumes are told beside the answer. Source: behaviour of the v1.36 API server. */
import type { Parts } from '#apimachinery/parts.ts';
import { warnOfSelector } from './node-label-warnings.ts';
import type { PersistentVolumeClaimStatus } from './persistent-volume-claim.ts';
import type { PersistentVolumeSpec, PersistentVolumeStatus } from './persistent-volume.ts';
import { betaStorageClass } from './validate-storage.ts';
import type { PersistentVolumeClaimSpec } from './volume.ts';
import { warnOfClaimSpec, warnOfRetired } from './volume-warnings.ts';

const useField = 'deprecated since v1.8; use "storageClassName" attribute instead';

export function* claimWarnings({ metadata, spec }: Parts<PersistentVolumeClaimSpec, PersistentVolumeClaimStatus>): Iterable<string> {
  if (metadata.annotations?.[betaStorageClass] !== undefined) yield `metadata.annotations[${betaStorageClass}]: ${useField}`;
  yield* warnOfClaimSpec(spec, 'spec');
}

const mountOptions = 'volume.beta.kubernetes.io/mount-options';

export function* volumeWarnings({ metadata, spec }: Parts<PersistentVolumeSpec, PersistentVolumeStatus>): Iterable<string> {
  if (metadata.annotations?.[betaStorageClass] !== undefined) yield `metadata.annotations[${betaStorageClass}]: ${useField}`;
  if (metadata.annotations?.[mountOptions] !== undefined) yield `metadata.annotations[${mountOptions}]: deprecated since v1.31; use "mountOptions" attribute instead`;
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    yield 'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.';
  }
  yield* warnOfSelector(spec.nodeAffinity?.required, 'spec.nodeAffinity.required');
  yield* warnOfRetired(spec, 'spec');
}
