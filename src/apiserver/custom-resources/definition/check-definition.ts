/** What is wrong with a definition beyond what its own declaration says: schemas, rules, fields to select by, conversion. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { validateWebhookClient } from '#api/admissionregistration/webhook-rules.ts';
import { partPaths } from '#api/apiextensions/version-parts.ts';
import type { PartPaths } from '#api/apiextensions/version-parts.ts';
import type { CustomResourceConversion, CustomResourceDefinition, CustomResourceDefinitionVersion } from '#api/apiextensions/custom-resource-definition.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, required, tooMany } from '#apimachinery/field-error.ts';
import { sameJson } from '#apimachinery/json.ts';
import { dns1035Label } from '#apimachinery/names.ts';
import { fieldPath, FieldPathError } from '../rules/field-path.ts';
import { isKnownFormat } from '../schema/formats.ts';
import type { SchemaNode } from '../schema/schema-node.ts';
import { schemaNode } from '../schema/schema-node.ts';
import { approvalAnnotation, approvalOf } from './api-approval.ts';
import { checkDefaults } from './check-defaults.ts';
import { checkRules } from './check-rules.ts';
import { checkSchema } from './check-schema.ts';

const maxSelectableFields = 8;
const reviewVersions = ['v1', 'v1beta1'];

/**
 * `old` is what is stored, at an update: what has not changed is not checked again. Others get their turn between the steps:
 * a schema may have thousands of fields.
 */
export async function checkDefinition(definition: CustomResourceDefinition, old: CustomResourceDefinition | undefined): Promise<readonly FieldError[]> {
  const errors: FieldError[] = [];
  const before = old?.spec.versions ?? [];
  const pathOf = partPaths(definition.spec.versions);
  for (const [index, version] of definition.spec.versions.entries()) {
    const same = before.find((each) => each.name === version.name);
    if (same !== undefined && sameJson(same, version)) continue;
    errors.push(...await checkVersion(version, index, pathOf, same));
  }
  if (old === undefined || !sameJson(old.spec.conversion, definition.spec.conversion)) errors.push(...checkConversion(definition.spec.conversion, 'spec.conversion'));
  errors.push(...checkApproval(definition, old), ...checkStoredVersions(definition));
  return errors;
}

/** Formats of which the server knows nothing: they are not checked. */
export function unrecognizedFormats(definition: CustomResourceDefinition): readonly string[] {
  const found = new Set<string>();
  const visit = ({ source, type, properties, items, additional }: SchemaNode): void => {
    if (source.format !== undefined && source.format !== '' && !isKnownFormat(type, source.format)) found.add(source.format);
    for (const property of properties.values()) visit(property);
    if (items !== undefined) visit(items);
    if (typeof additional === 'object') visit(additional);
  };
  for (const { schema } of definition.spec.versions) if (schema?.openAPIV3Schema !== undefined) visit(schemaNode(schema.openAPIV3Schema));
  return [...found].sort();
}

async function checkVersion(version: CustomResourceDefinitionVersion, index: number, pathOf: PartPaths, old: CustomResourceDefinitionVersion | undefined): Promise<readonly FieldError[]> {
  const errors = [...checkWarning(version, `spec.versions[${index}]`)];
  const schema = version.schema?.openAPIV3Schema;
  const at = `${pathOf(index, 'schema')}.openAPIV3Schema`;
  if (schema === undefined) return [...errors, required(at)];
  await nextTurn();
  const formal = checkSchema(schema, at, version.subresources?.status !== undefined);
  errors.push(...formal);
  if (formal.length > 0) return errors;
  await nextTurn();
  const node = schemaNode(schema);
  errors.push(...checkDefaults(node, at, true));
  await nextTurn();
  const oldSchema = old?.schema?.openAPIV3Schema;
  errors.push(...checkRules(node, at, oldSchema === undefined ? new Set() : rulesIn(schemaNode(oldSchema))));
  errors.push(...checkSelectableFields(version, node, pathOf(index, 'selectableFields')));
  return errors;
}

function rulesIn(node: SchemaNode, found = new Set<string>()): ReadonlySet<string> {
  for (const { rule } of node.source['x-kubernetes-validations'] ?? []) found.add(rule);
  for (const property of node.properties.values()) rulesIn(property, found);
  if (node.items !== undefined) rulesIn(node.items, found);
  if (typeof node.additional === 'object') rulesIn(node.additional, found);
  return found;
}

function* checkWarning({ deprecated, deprecationWarning }: CustomResourceDefinitionVersion, path: string): Iterable<FieldError> {
  if (deprecationWarning === undefined) return;
  const at = `${path}.deprecationWarning`;
  if (deprecated !== true) {
    yield invalidValue(at, deprecationWarning, 'can only be set for deprecated versions');
    return;
  }
  if (deprecationWarning.length > 256) yield invalidValue(at, deprecationWarning, 'must be <= 256 characters long');
  if (deprecationWarning === '') yield invalidValue(at, deprecationWarning, 'must not be an empty string');
  const index = deprecationWarning.search(/\p{C}/u);
  if (index >= 0) yield invalidValue(at, deprecationWarning, `must only contain printable UTF-8 characters; non-printable character found at index ${index}`);
}

function* checkSelectableFields({ selectableFields = [] }: CustomResourceDefinitionVersion, node: SchemaNode, path: string): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, { jsonPath }] of selectableFields.entries()) {
    const at = `${path}[${index}].jsonPath`;
    if (jsonPath === '') {
      yield required(at);
      continue;
    }
    try {
      const { keys, node: found } = fieldPath(jsonPath, node, { brackets: false });
      if (keys[0] === 'metadata') yield invalidValue(at, jsonPath, 'must not point to fields in metadata');
      if (!['string', 'boolean', 'integer'].includes(found.type)) yield invalidValue(at, jsonPath, 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.');
      if (seen.has(keys.join('.'))) yield duplicate(at, jsonPath);
      seen.add(keys.join('.'));
    } catch (error) {
      if (!(error instanceof FieldPathError)) throw error;
      yield invalidValue(at, jsonPath, `is an invalid path: ${error.message}`);
    }
  }
  if (seen.size > maxSelectableFields) yield tooMany(path, seen.size, maxSelectableFields);
}

function* checkConversion(conversion: CustomResourceConversion | undefined, path: string): Iterable<FieldError> {
  if (conversion?.strategy !== 'Webhook') return;
  const { clientConfig, conversionReviewVersions = [] } = conversion.webhook ?? {};
  const at = `${path}.webhookClientConfig`;
  if (clientConfig !== undefined) yield* validateWebhookClient(clientConfig, at);
  const versions = `${path}.conversionReviewVersions`;
  if (conversionReviewVersions.length === 0) yield required(versions);
  else {
    for (const [index, version] of conversionReviewVersions.entries()) {
      if (conversionReviewVersions.indexOf(version) < index) yield invalidValue(`${versions}[${index}]`, version, 'duplicate version');
      else for (const message of dns1035Label(version)) yield invalidValue(`${versions}[${index}]`, version, message);
    }
    if (!conversionReviewVersions.some((each) => reviewVersions.includes(each))) yield invalidValue(versions, conversionReviewVersions, `must include at least one of ${reviewVersions.join(', ')}`);
  }
}

function* checkApproval(definition: CustomResourceDefinition, old: CustomResourceDefinition | undefined): Iterable<FieldError> {
  const approval = approvalOf(definition);
  if (approval === undefined || (old !== undefined && approvalOf(old)?.reason === approval.reason)) return;
  const path = `metadata.annotations[${approvalAnnotation}]`;
  if (approval.reason === 'MissingAnnotation') yield required(path, approval.message);
  if (approval.reason === 'InvalidAnnotation') yield invalidValue(path, definition.metadata.annotations?.[approvalAnnotation], approval.message);
}

function* checkStoredVersions({ spec, status }: CustomResourceDefinition): Iterable<FieldError> {
  const stored = (status.storedVersions as readonly string[] | null) ?? [];
  if (stored.length === 0) yield invalidValue('status.storedVersions', stored, 'must have at least one stored version');
  const storage = spec.versions.find((version) => version.storage)?.name;
  if (storage !== undefined && stored.length > 0 && !stored.includes(storage)) yield invalidValue('status.storedVersions', stored, `must have the storage version ${storage}`);
}

