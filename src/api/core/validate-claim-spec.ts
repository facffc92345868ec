/** Rules on what a claim asks for, in claims and in templates of claims. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1123Subdomain } from '#apimachinery/names.ts';
import { compareQuantity } from '#apimachinery/quantity.ts';
import { validateLabelSelector } from '#apimachinery/selector.ts';
import type { TypedLocalObjectReference, TypedObjectReference } from './references.ts';
import type { PersistentVolumeClaimSpec } from './volume.ts';

const accessModes = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' } as const;

/** `RWO,ROX`, in the usual order. */
export function formatAccessModes(modes: readonly string[] | undefined): string {
  return Object.entries(accessModes).flatMap(([mode, short]) => (modes?.includes(mode) === true ? [short] : [])).join(',');
}

export function* validateAccessModes(modes: readonly string[], path: string): Iterable<FieldError> {
  for (const mode of modes) if (!(mode in accessModes)) yield notSupported(path, mode, Object.keys(accessModes).toSorted());
  const known = new Set(modes.filter((mode) => mode in accessModes));
  if (known.has('ReadWriteOncePod') && known.size > 1) yield forbiddenField(path, 'may not use ReadWriteOncePod with other access modes');
}

export function* validateClaimSpec(spec: PersistentVolumeClaimSpec, path: string): Iterable<FieldError> {
  const modes = spec.accessModes ?? [];
  if (modes.length === 0) yield required(`${path}.accessModes`, 'at least 1 access mode is required');
  yield* validateLabelSelector(`${path}.selector`, spec.selector);
  yield* validateAccessModes(modes, `${path}.accessModes`);
  yield* validateSize(spec.resources.requests?.['storage'], `${path}.resources[storage]`);
  yield* validateClassName(spec.storageClassName, `${path}.storageClassName`);
  if (spec.dataSource !== undefined) yield* validateDataSource(spec.dataSource, `${path}.dataSource`);
  if (spec.dataSourceRef !== undefined) yield* validateDataSource(spec.dataSourceRef, `${path}.dataSourceRef`);
  yield* validateSourcesAgree(spec, path);
  yield* validateClassName(spec.volumeAttributesClassName, `${path}.volumeAttributesClassName`);
}

function* validateSize(size: string | undefined, path: string): Iterable<FieldError> {
  if (size === undefined) yield required(path);
  else if (compareQuantity(size, '0') <= 0) yield invalidValue(path, size, 'must be greater than zero');
}

export function* validateClassName(name: string | undefined, path: string): Iterable<FieldError> {
  if (name !== undefined && name !== '') for (const message of dns1123Subdomain(name)) yield invalidValue(path, name, message);
}

/** Of the core group only a claim can be a source. */
function* validateDataSource(source: TypedLocalObjectReference | TypedObjectReference, path: string): Iterable<FieldError> {
  const group = source.apiGroup ?? '';
  if (group === '' && source.kind !== '' && source.kind !== 'PersistentVolumeClaim') {
    yield invalidValue(path, source.kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  }
  if (group !== '') for (const message of dns1123Subdomain(group)) yield invalidValue(`${path}.apiGroup`, group, message);
}

function* validateSourcesAgree({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec, path: string): Iterable<FieldError> {
  if (dataSource === undefined || dataSourceRef === undefined) return;
  if ((dataSourceRef.namespace ?? '') !== '') yield invalidValue(path, `${path}.dataSource`, 'may not be specified when dataSourceRef.namespace is specified');
  else if (dataSource.apiGroup !== dataSourceRef.apiGroup || dataSource.kind !== dataSourceRef.kind || dataSource.name !== dataSourceRef.name) {
    yield invalidValue(path, `${path}.dataSource`, 'must match dataSourceRef');
  }
}
