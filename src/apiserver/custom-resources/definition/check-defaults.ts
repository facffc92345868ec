/** Defaults must be values that the schema itself allows. */
import type { FieldError } from '#apimachinery/field-error.ts';
import { forbiddenField, invalidValue } from '#apimachinery/field-error.ts';
import { isJsonObject, sameJson } from '#apimachinery/json.ts';
import { perObjectBudget } from '#cel/kubernetes.ts';
import { declaredType } from '../rules/declared-type.ts';
import { checkValue } from '../rules/rule-check.ts';
import { completeValue } from '../schema/complete-value.ts';
import { checkEmbedded } from '../schema/check-structure.ts';
import { foundAt, valueCheck } from '../schema/check-value.ts';
import type { SchemaNode } from '../schema/schema-node.ts';

export function* checkDefaults(node: SchemaNode, path: string, isRoot: boolean): Iterable<FieldError> {
  if (node.default !== undefined) yield* checkDefault(node, `${path}.default`);
  if (node.items !== undefined) yield* checkDefaults(node.items, `${path}.items`, false);
  if (typeof node.additional === 'object') yield* checkDefaults(node.additional, `${path}.additionalProperties`, false);
  for (const [key, property] of node.properties) {
    const at = `${path}.properties[${key}]`;
    if (isRoot && (key === 'metadata' || key === 'kind' || key === 'apiVersion')) yield* checkNone(property, at, key);
    else yield* checkDefaults(property, at, false);
  }
}

function* checkDefault(node: SchemaNode, path: string): Iterable<FieldError> {
  const value = node.default ?? null;
  const unknown: string[] = [];
  const pruned = completeValue(node, value, { defaults: true, unknown, path: [] });
  if (unknown.length > 0 && !sameJson(pruned, value)) yield invalidValue(path, value, 'must not have unknown fields');
  if (isJsonObject(value)) yield* checkEmbedded(node, value, path, false);
  const errors: FieldError[] = [];
  // As upstream tells it: the path of the default in front, none within the sentence.
  valueCheck(node.source).run(pruned, '', errors);
  yield* errors.map((error) => foundAt(path, error));
  if (errors.length === 0) yield* checkValue(node, declaredType(node, node.isEmbedded)?.type, pruned, { path, budget: perObjectBudget });
}

/** Nobody leaves these out. */
function* checkNone(node: SchemaNode, path: string, key: string): Iterable<FieldError> {
  if (node.default !== undefined) yield forbiddenField(`${path}.default`, `must not be set in top-level ${key}`);
  for (const [name, property] of node.properties) yield* checkNone(property, `${path}.properties[${name}]`, key);
}
