/**
 * JSON merge patch: objects are merged, null takes a key away, everything else replaces.
 *
 * Source: RFC 7386.
 */
import type { JsonObject, JsonValue } from './json.ts';
import { isJsonObject, setOwn } from './json.ts';
import { badRequest } from './status-error.ts';

/**
 * The object after the patch; what the patch does not touch is shared with `current`.
 *
 * @throws StatusError 400 when the patch is no object
 */
export function jsonMergePatch(current: JsonObject, patch: unknown): JsonObject {
  if (!isJsonObject(patch)) throw badRequest('Invalid JSON Patch');
  return mergeObject(current, patch);
}

function mergeObject(current: JsonObject, patch: JsonObject): JsonObject {
  let merged: Record<string, JsonValue> | undefined;
  for (const key of Object.keys(patch)) {
    const change = patch[key];
    const before = Object.hasOwn(current, key) ? current[key] : undefined;
    if (change === null || change === undefined) {
      if (before === undefined) continue;
      merged ??= { ...current };
      delete merged[key];
    } else {
      const after = isJsonObject(change) ? mergeObject(isJsonObject(before) ? before : empty, change) : change;
      // An empty object that becomes one is a change where there was something else.
      if (after === before) continue;
      merged ??= { ...current };
      setOwn(merged, key, after);
    }
  }
  return merged ?? current;
}

const empty: JsonObject = Object.freeze({});
