/** What the scale subresource reads must be what it expects. Source: behaviour of the API server's custom resource validation. */
import type { CustomResourceSubresourceScale } from '#api/apiextensions/custom-resource-definition.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import { isInteger } from '#apimachinery/exact-json.ts';
import { goText } from '#apimachinery/go-text.ts';
import type { JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import { goType } from './go-type.ts';

const maxReplicas = 2 ** 31 - 1;

export function* checkScaleSpec(scale: CustomResourceSubresourceScale | undefined, object: object): Iterable<FieldError> {
  if (scale !== undefined) yield* checkReplicas(scale.specReplicasPath, object);
}

export function* checkScaleStatus(scale: CustomResourceSubresourceScale | undefined, object: object): Iterable<FieldError> {
  if (scale === undefined) return;
  yield* checkReplicas(scale.statusReplicasPath, object);
  const path = scale.labelSelectorPath;
  if (path === undefined || path === '') return;
  const selector = valueAt(object, path);
  if (selector !== undefined && typeof selector !== 'string') yield invalidValue(path, '', `${path} accessor error: ${goText(selector as JsonValue)} is of the type ${goType(selector)}, expected string`);
}

function* checkReplicas(path: string, object: object): Iterable<FieldError> {
  const parent = parentAt(object, path);
  if (!isJsonObject(parent)) {
    if (parent !== undefined && parent !== null) yield invalidValue(path, 0, `${path} accessor error: ${goText(parent as JsonValue)} is of the type ${goType(parent)}, expected map[string]interface{}`);
    return;
  }
  const value = valueAt(object, path);
  if (value === undefined) return;
  if (!isInteger(value)) yield invalidValue(path, 0, `${path} accessor error: ${goText(value as JsonValue)} is of the type ${goType(value)}, expected int64`);
  else if (value < 0) yield invalidValue(path, value, 'should be a non-negative integer');
  else if (value > maxReplicas) yield invalidValue(path, value, `should be less than or equal to ${maxReplicas}`);
}

/** What stands in the way to the value, or holds it. */
function parentAt(object: object, path: string): unknown {
  let value: unknown = object;
  for (const key of path.replace(/^\./, '').split('.').slice(0, -1)) {
    if (!isJsonObject(value)) return value;
    value = value[key];
  }
  return value;
}

function valueAt(object: object, path: string): unknown {
  let value: unknown = object;
  for (const key of path.replace(/^\./, '').split('.')) value = isJsonObject(value) ? value[key] : undefined;
  return value;
}
