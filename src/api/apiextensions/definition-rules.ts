/** Defaults and rules of CustomResourceDefinitions. Source: behaviour of the v1.36 API server. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue, required } from '#apimachinery/field-error.ts';
import { dns1035Label, dns1123Subdomain } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import type { CustomResourceDefinitionSpec, CustomResourceDefinitionStatus, CustomResourceDefinitionVersion } from './custom-resource-definition.ts';

type Definition = Parts<CustomResourceDefinitionSpec, CustomResourceDefinitionStatus>;

export function defaultDefinition({ spec }: Draft<Definition>): void {
  spec.names.singular ||= spec.names.kind.toLowerCase();
  if (spec.names.kind !== '') spec.names.listKind ||= `${spec.names.kind}List`;
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
    yield invalidValue('spec.versions', versions.map((version) => version.name), 'must have exactly one version marked as storage version');
  }
  const seen = new Set<string>();
  for (const [index, version] of versions.entries()) {
    if (seen.has(version.name)) yield invalidValue(`spec.versions[${index}].name`, version.name, 'must be unique');
    seen.add(version.name);
    yield* validateVersion(version, `spec.versions[${index}]`, spec.preserveUnknownFields === true);
  }
  if (spec.preserveUnknownFields === true) yield invalidValue('spec.preserveUnknownFields', true, 'must be false');
  if (conversion?.strategy === 'Webhook' && conversion.webhook?.clientConfig === undefined) {
    yield required('spec.conversion.webhook.clientConfig', 'required when strategy is set to Webhook');
  }
  if (conversion?.strategy === 'None' && conversion.webhook !== undefined) {
    yield forbiddenField('spec.conversion.webhook', 'should not be set when strategy is not set to Webhook');
  }
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

function* validateVersion(version: CustomResourceDefinitionVersion, path: string, preserves: boolean): Iterable<FieldError> {
  if (version.name !== '') for (const message of dns1035Label(version.name)) yield invalidValue(`${path}.name`, version.name, message);
  const schema = version.schema?.openAPIV3Schema;
  if (schema === undefined) yield required(`${path}.schema.openAPIV3Schema`, 'schemas are required');
  else if (schema.type === undefined && !preserves) yield required(`${path}.schema.openAPIV3Schema.type`, 'must not be empty at the root');
  else if (schema.type !== 'object') yield invalidValue(`${path}.schema.openAPIV3Schema.type`, schema.type, 'must be object at the root');
  for (const [index, column] of (version.additionalPrinterColumns ?? []).entries()) {
    const at = `${path}.additionalPrinterColumns[${index}]`;
    if (column.type !== '' && !columnTypes.includes(column.type)) yield invalidValue(`${at}.type`, column.type, `must be one of ${columnTypes.join(',')}`);
    if (column.jsonPath !== '' && !column.jsonPath.startsWith('.')) yield invalidValue(`${at}.jsonPath`, column.jsonPath, "must be a simple json path starting with '.'");
  }
  const scale = version.subresources?.scale;
  if (scale === undefined) return;
  if (scale.specReplicasPath !== '' && !scale.specReplicasPath.startsWith('.spec.')) yield invalidValue(`${path}.subresources.scale.specReplicasPath`, scale.specReplicasPath, 'should be a json path under .spec');
  if (scale.statusReplicasPath !== '' && !scale.statusReplicasPath.startsWith('.status.')) yield invalidValue(`${path}.subresources.scale.statusReplicasPath`, scale.statusReplicasPath, 'should be a json path under .status');
}

/** While it is served, what its objects are called and where they live cannot change. */
export function* validateDefinitionUpdate({ spec, status }: Definition, old: Definition): Iterable<FieldError> {
  for (const version of status.storedVersions as readonly string[] | null ?? []) {
    if (!spec.versions.some((each) => each.name === version)) {
      yield invalidValue('status.storedVersions', version, 'missing from spec.versions');
    }
  }
  const established = (old.status.conditions as CustomResourceDefinitionStatus['conditions'] | null ?? []).some(({ type, status: value }) => type === 'Established' && value === 'True');
  yield* immutableValue('spec.group', spec.group, old.spec.group);
  yield* immutableValue('spec.names.plural', spec.names.plural, old.spec.names.plural);
  if (!established) return;
  yield* immutableValue('spec.scope', spec.scope, old.spec.scope);
  yield* immutableValue('spec.names.kind', spec.names.kind, old.spec.names.kind);
}
