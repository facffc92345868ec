/** Defaults and rules of CustomResourceDefinitions. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, required } from '#apimachinery/field-error.ts';
import { dns1035Label, dns1123Subdomain } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import type { PartPaths } from './version-parts.ts';
import { partPaths, shownVersions } from './version-parts.ts';
import type { CustomResourceDefinitionSpec, CustomResourceDefinitionStatus, CustomResourceDefinitionVersion } from './custom-resource-definition.ts';

type Definition = Parts<CustomResourceDefinitionSpec, CustomResourceDefinitionStatus>;

export function defaultDefinition({ spec, status }: Draft<Definition>): void {
  spec.names.singular ||= spec.names.kind.toLowerCase();
  if (spec.names.kind !== '') spec.names.listKind ||= `${spec.names.kind}List`;
  // Nobody can say that objects lie in no version at all.
  const stored = status as { storedVersions?: string[] | null } | undefined;
  if (stored !== undefined && (stored.storedVersions ?? []).length === 0) stored.storedVersions = withStorageVersion([], spec);
}

/** A definition that is to be deleted waits until its objects are gone. */
export function beginDeletion(draft: Draft<Definition>): void {
  const { metadata, status } = draft;
  const finalizers = metadata.finalizers ?? [];
  if (!finalizers.includes(cleanupFinalizer)) metadata.finalizers = [...finalizers, cleanupFinalizer];
  const conditions: Draft<CustomResourceDefinitionStatus['conditions']> = [
    ...((status.conditions as typeof status.conditions | null) ?? []).filter(({ type }) => type !== 'Terminating'),
    {
      type: 'Terminating', status: 'True', reason: 'InstanceDeletionPending',
      message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      ...(metadata.deletionTimestamp !== undefined && { lastTransitionTime: metadata.deletionTimestamp }),
    },
  ];
  draft.status = { ...status, conditions };
}

/** Held by every definition that is being deleted, until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/** Versions in which objects may lie in the store: once there, a version stays until somebody has rewritten all of them. */
export function withStorageVersion(stored: readonly string[] | null | undefined, spec: { readonly versions: readonly { readonly name: string; readonly storage: boolean }[] }): string[] {
  const before = stored ?? [];
  const current = spec.versions.find((version) => version.storage)?.name;
  return current === undefined || before.includes(current) ? [...before] : [...before, current];
}

export function* validateDefinition({ metadata, spec }: Definition): Iterable<FieldError> {
  const { conversion, group, names, versions } = spec;
  const expected = `${names.plural}.${group}`;
  if (metadata.name !== expected) yield invalidValue('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group');
  if (group !== '') {
    for (const message of dns1123Subdomain(group)) yield invalidValue('spec.group', group, message);
    if (!group.includes('.')) yield invalidValue('spec.group', group, 'should be a domain with at least one dot');
  }
  yield* validateNames(spec);
  if (versions.length > 0 && versions.filter((version) => version.storage).length !== 1) {
    yield invalidValue('spec.versions', shownVersions(versions), 'must have exactly one version marked as storage version');
  }
  if (new Set(versions.map(({ name }) => name)).size < versions.length) yield invalidValue('spec.versions', shownVersions(versions), 'must contain unique version names');
  const pathOf = partPaths(versions);
  for (const [index, version] of versions.entries()) yield* validateVersion(version, index, pathOf, spec.preserveUnknownFields === true);
  if (spec.preserveUnknownFields === true) yield invalidValue('spec.preserveUnknownFields', true, 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead');
  yield* validateConversion(conversion);
}

/** What belongs to webhooks the original keeps directly below `conversion`; its errors name it there. */
function* validateConversion(conversion: CustomResourceDefinitionSpec['conversion']): Iterable<FieldError> {
  const { clientConfig, conversionReviewVersions = [] } = conversion?.webhook ?? {};
  if (conversion?.strategy === 'Webhook') {
    if (clientConfig === undefined) yield required('spec.conversion.webhookClientConfig', 'required when strategy is set to Webhook');
    return;
  }
  if (clientConfig !== undefined) yield forbiddenField('spec.conversion.webhookClientConfig', 'should not be set when strategy is not set to Webhook');
  if (conversionReviewVersions.length > 0) yield forbiddenField('spec.conversion.conversionReviewVersions', 'should not be set when strategy is not set to Webhook');
}

function* validateNames({ names }: CustomResourceDefinitionSpec): Iterable<FieldError> {
  if (names.plural !== '') for (const message of dns1035Label(names.plural)) yield invalidValue('spec.names.plural', names.plural, message);
  const singular = names.singular ?? '';
  if (singular !== '') for (const message of dns1035Label(singular)) yield invalidValue('spec.names.singular', singular, message);
  for (const key of ['kind', 'listKind'] as const) {
    const name = names[key] ?? '';
    if (name !== '') for (const message of dns1035Label(name.toLowerCase())) yield invalidValue(`spec.names.${key}`, name, `may have mixed case, but should otherwise match: ${message}`);
  }
  if (names.kind !== '' && names.listKind === names.kind) yield invalidValue('spec.names.listKind', names.listKind, 'kind and listKind may not be the same');
  for (const [index, name] of (names.shortNames ?? []).entries()) {
    for (const message of dns1035Label(name)) yield invalidValue(`spec.names.shortNames[${index}]`, name, message);
  }
  for (const [index, name] of (names.categories ?? []).entries()) {
    for (const message of dns1035Label(name)) yield invalidValue(`spec.names.categories[${index}]`, name, message);
  }
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];

const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function* validateVersion(version: CustomResourceDefinitionVersion, index: number, pathOf: PartPaths, preserves: boolean): Iterable<FieldError> {
  if (version.name !== '') {
    for (const message of dns1035Label(version.name)) {
      yield invalidValue(`spec.versions[${index}].name`, version.name, message);
      if (index === 0) yield invalidValue('spec.version', version.name, message);
    }
  }
  const schema = version.schema?.openAPIV3Schema;
  const type = `${pathOf(index, 'schema')}.openAPIV3Schema.type`;
  if (schema === undefined) yield required(`spec.versions[${index}].schema.openAPIV3Schema`);
  else if (schema.type === undefined && !preserves) yield required(type, 'must not be empty at the root');
  else if (schema.type !== 'object') yield invalidValue(type, schema.type, 'must be object at the root');
  for (const [column, { type: columnType, format = '', jsonPath }] of (version.additionalPrinterColumns ?? []).entries()) {
    const at = `${pathOf(index, 'additionalPrinterColumns')}[${column}]`;
    if (columnType !== '' && !columnTypes.includes(columnType)) yield invalidValue(`${at}.type`, columnType, `must be one of ${columnTypes.join(',')}`);
    if (format !== '' && !columnFormats.includes(format)) yield invalidValue(`${at}.format`, format, `must be one of ${columnFormats.join(',')}`);
    yield* validatePath(jsonPath, `${at}.JSONPath`, []);
  }
  const scale = version.subresources?.scale;
  if (scale === undefined) return;
  const at = `${pathOf(index, 'subresources')}.scale`;
  yield* validatePath(scale.specReplicasPath, `${at}.specReplicasPath`, ['.spec']);
  yield* validatePath(scale.statusReplicasPath, `${at}.statusReplicasPath`, ['.status']);
  yield* validatePath(scale.labelSelectorPath ?? '', `${at}.labelSelectorPath`, ['.spec', '.status']);
}

/** A JSONPath that starts at the object, below one of `roots` where there are some. That one is needed is said elsewhere. */
function* validatePath(path: string, at: string, roots: readonly string[]): Iterable<FieldError> {
  if (path === '') return;
  if (!path.startsWith('.')) yield invalidValue(at, path, 'must be a simple json path starting with .');
  else if (roots.length > 0 && !roots.some((root) => path.startsWith(`${root}.`))) yield invalidValue(at, path, `should be a json path under ${roots.length > 1 ? 'either ' : ''}${roots.join(' or ')}`);
}

/** While it is served, what its objects are called and where they live cannot change. */
export function* validateDefinitionUpdate({ spec, status }: Definition, old: Definition): Iterable<FieldError> {
  for (const [index, version] of (status.storedVersions as readonly string[] | null ?? []).entries()) {
    if (!spec.versions.some((each) => each.name === version)) {
      yield invalidValue(`status.storedVersions[${index}]`, version, `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`);
    }
  }
  const established = (old.status.conditions as CustomResourceDefinitionStatus['conditions'] | null ?? []).some(({ type, status: value }) => type === 'Established' && value === 'True');
  yield* immutableValue('spec.group', spec.group, old.spec.group);
  yield* immutableValue('spec.names.plural', spec.names.plural, old.spec.names.plural);
  if (!established) return;
  yield* immutableValue('spec.scope', spec.scope, old.spec.scope);
  yield* immutableValue('spec.names.kind', spec.names.kind, old.spec.names.kind);
}
