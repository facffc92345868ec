/** Rules on claims. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { qualifiedName } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { compareQuantity } from '#apimachinery/quantity.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import type { PersistentVolumeClaimStatus } from './persistent-volume-claim.ts';
import { isNativeResource } from './resource-names.ts';
import { validateClaimSpec } from './validate-claim-spec.ts';
import { validateAmount, validateBasicAmount } from './validate-resources.ts';
import type { PersistentVolumeClaimSpec } from './volume.ts';

type Claim = Parts<PersistentVolumeClaimSpec, PersistentVolumeClaimStatus>;

/** The older way to name a class, of claims and of volumes. */
export const betaStorageClass = 'volume.beta.kubernetes.io/storage-class';

export function validateClaim({ spec }: Claim): Iterable<FieldError> {
  return validateClaimSpec(spec, 'spec');
}

export function* validateClaimUpdate(claim: Claim, old: Claim): Iterable<FieldError> {
  const { spec, status } = claim;
  const before = old.spec;
  const oldClass = old.metadata.annotations?.[betaStorageClass];
  const newClass = claim.metadata.annotations?.[betaStorageClass];
  const movesToField = oldClass !== undefined && before.storageClassName === undefined && spec.storageClassName === oldClass && (newClass === undefined || newClass === oldClass);
  if (!movesToField && newClass !== oldClass) yield invalidValue(`metadata.annotations[${betaStorageClass}]`, newClass ?? '', 'field is immutable');
  const bound = status.phase === 'Bound';
  const allowed: Record<string, unknown> = { ...before };
  // The binder names the volume, once; an administrator's default class may come after the claim.
  if ((before.volumeName ?? '') === '') allowed['volumeName'] = spec.volumeName;
  if (before.storageClassName === undefined && (oldClass === undefined || spec.storageClassName === oldClass)) allowed['storageClassName'] = spec.storageClassName;
  if (bound) {
    const requests = { ...before.resources.requests, storage: spec.resources.requests?.['storage'] };
    allowed['resources'] = { ...before.resources, requests };
    if (spec.volumeAttributesClassName !== undefined) allowed['volumeAttributesClassName'] = spec.volumeAttributesClassName;
  }
  if (!saysTheSame(spec, allowed)) yield forbiddenField('spec', 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n');
  yield* validateShrinking(claim, old);
  yield* immutableValue('volumeMode', spec.volumeMode, before.volumeMode);
  yield* validateClassUpdate(spec.volumeAttributesClassName, before.volumeAttributesClassName);
}

/** What has not been granted yet may be taken back. */
function* validateShrinking({ spec, status }: Claim, { spec: before }: Claim): Iterable<FieldError> {
  const size = spec.resources.requests?.['storage'] ?? '0';
  if (compareQuantity(size, before.resources.requests?.['storage'] ?? '0') < 0 && compareQuantity(size, status.capacity?.['storage'] ?? '0') <= 0) {
    yield forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity');
  }
}

function* validateClassUpdate(name: string | undefined, old: string | undefined): Iterable<FieldError> {
  if (old === undefined || name === old) return;
  const path = 'spec.volumeAttributesClassName';
  if (name === undefined) yield forbiddenField(path, 'update from non-nil value to nil is forbidden');
  else if (name === '') yield forbiddenField(path, 'update from non-nil value to an empty string is forbidden');
}

const resizeStatuses = ['ControllerResizeInProgress', 'ControllerResizeInfeasible', 'NodeResizeInProgress', 'NodeResizeInfeasible', 'NodeResizePending'].toSorted();

export function* validateClaimStatusUpdate({ spec, status }: Claim): Iterable<FieldError> {
  if ((spec.accessModes ?? []).length === 0) yield required('Spec.accessModes');
  for (const [name, amount] of Object.entries(status.capacity ?? {})) yield* validateBasicAmount(amount, `status.capacity[${name}]`);
  for (const [name, resize] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    yield* validateResourceKey(name, 'status.allocatedResourceStatus');
    if (!resizeStatuses.includes(resize)) yield notSupported('status.allocatedResourceStatus', name, resizeStatuses);
  }
  for (const [name, amount] of Object.entries(status.allocatedResources ?? {})) {
    const wrong = [...validateResourceKey(name, 'status.allocatedResources')];
    yield* wrong;
    if (wrong.length === 0) yield* validateAmount('storage', amount, `status.allocatedResources[${name}]`);
  }
}

function* validateResourceKey(name: string, path: string): Iterable<FieldError> {
  const wrong = qualifiedName(name);
  for (const message of wrong) yield invalidValue(path, name, message);
  if (wrong.length === 0 && isNativeResource(name) && name !== 'storage') yield notSupported(path, name, ['storage']);
}
