/** Rules on claims and volumes, and how their modes are shown. Source: behaviour of the v1.36 API server. */
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1123Subdomain } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import { compareQuantity } from '#apimachinery/quantity.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import { validateLabelSelector } from '#apimachinery/selector.ts';
import type { PersistentVolumeClaimStatus } from './persistent-volume-claim.ts';
import type { PersistentVolumeSpec, PersistentVolumeStatus } from './persistent-volume.ts';
import { validateNodeSelector } from './validate-scheduling.ts';
import { PersistentVolumeSource } from './volume.ts';
import type { PersistentVolumeClaimSpec } from './volume.ts';

type Claim = Parts<PersistentVolumeClaimSpec, PersistentVolumeClaimStatus>;
type Volume = Parts<PersistentVolumeSpec, PersistentVolumeStatus>;

const accessModes = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' } as const;

/** `RWO,ROX`, in the usual order. */
export function formatAccessModes(modes: readonly string[] | undefined): string {
  return Object.entries(accessModes).flatMap(([mode, short]) => (modes?.includes(mode) === true ? [short] : [])).join(',');
}

function* validateModes(modes: readonly string[] | undefined, path: string): Iterable<FieldError> {
  if ((modes ?? []).length === 0) yield required(path, 'at least 1 access mode is required');
  for (const mode of modes ?? []) if (!(mode in accessModes)) yield notSupported(path, mode, Object.keys(accessModes).toSorted());
  if (modes?.includes('ReadWriteOncePod') === true && modes.length > 1) {
    yield forbiddenField(path, 'may not use ReadWriteOncePod with other access modes');
  }
}

export function* validateClaim({ spec }: Claim): Iterable<FieldError> {
  yield* validateModes(spec.accessModes, 'spec.accessModes');
  yield* validateLabelSelector('spec.selector', spec.selector);
  const size = spec.resources.requests?.['storage'];
  if (size === undefined) yield required('spec.resources[storage]');
  else if (compareQuantity(size, '0') <= 0) yield invalidValue('spec.resources[storage]', size, 'must be greater than zero');
  const className = spec.storageClassName ?? '';
  if (className !== '') for (const message of dns1123Subdomain(className)) yield invalidValue('spec.storageClassName', className, message);
}

export function* validateClaimUpdate({ spec, status }: Claim, old: Claim): Iterable<FieldError> {
  const before = old.spec;
  const bound = old.status.phase === 'Bound';
  const allowed: Record<string, unknown> = { ...before };
  // The binder names the volume; an administrator's default class may come after the claim.
  if (before.volumeName === undefined) allowed['volumeName'] = spec.volumeName;
  if (before.storageClassName === undefined && !bound) allowed['storageClassName'] = spec.storageClassName;
  if (bound) {
    allowed['resources'] = spec.resources;
    allowed['volumeAttributesClassName'] = spec.volumeAttributesClassName;
  }
  if (!saysTheSame(spec, allowed)) {
    yield forbiddenField('spec', 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims');
  }
  const size = spec.resources.requests?.['storage'];
  const floor = status.capacity?.['storage'] ?? before.resources.requests?.['storage'];
  if (size !== undefined && floor !== undefined && compareQuantity(size, floor) < 0 && compareQuantity(size, before.resources.requests?.['storage'] ?? '0') < 0) {
    yield forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity');
  }
}

const sources = [...PersistentVolumeSource.fields.keys()] as (keyof PersistentVolumeSource)[];

export function* validateVolume({ spec }: Volume): Iterable<FieldError> {
  yield* validateModes(spec.accessModes, 'spec.accessModes');
  const size = spec.capacity?.['storage'];
  if (size === undefined) yield required('spec.capacity');
  else if (compareQuantity(size, '0') <= 0) yield invalidValue('spec.capacity[storage]', size, 'must be greater than zero');
  const given = sources.filter((source) => spec[source] !== undefined);
  if (given.length === 0) yield required('spec', 'must specify a volume type');
  for (const extra of given.slice(1)) yield forbiddenField(`spec.${extra}`, 'may not specify more than 1 volume type');
  if (spec.hostPath?.path.split('/').includes('..') === true) yield invalidValue('spec.hostPath.path', spec.hostPath.path, "must not contain '..'");
  if (spec.nodeAffinity?.required !== undefined) yield* validateNodeSelector(spec.nodeAffinity.required, 'spec.nodeAffinity.required');
  if (spec.local !== undefined && spec.nodeAffinity?.required === undefined) yield required('spec.nodeAffinity', 'Local volume requires node affinity');
}

export function* validateVolumeUpdate({ spec }: Volume, { spec: old }: Volume): Iterable<FieldError> {
  if (sources.some((source) => !saysTheSame(spec[source], old[source]))) {
    yield forbiddenField('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation');
  }
  yield* immutableValue('spec.volumeMode', spec.volumeMode, old.volumeMode);
  if (old.nodeAffinity !== undefined) yield* immutableValue('spec.nodeAffinity', spec.nodeAffinity, old.nodeAffinity);
}
