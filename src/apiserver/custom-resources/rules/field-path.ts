/** Paths into schemas, as `fieldPath` of rules and selectable fields name them: `.spec.x['a.b']`. */
import type { SchemaNode } from '../schema/schema-node.ts';
import { nodeAt } from '../schema/schema-node.ts';

export class FieldPathError extends Error {
  override readonly name = 'FieldPathError';
}

interface FieldPath {
  readonly keys: readonly string[];
  /** What is at its end. */
  readonly node: SchemaNode;
}

/** @throws FieldPathError */
export function fieldPath(text: string, schema: SchemaNode, options: { readonly brackets: boolean }): FieldPath {
  let node = schema;
  const keys = pathKeys(text, options.brackets);
  for (const key of keys) {
    const next = nodeAt(node, key);
    if (next === undefined) throw new FieldPathError('does not refer to a valid field');
    node = next;
  }
  return { keys, node };
}

function pathKeys(text: string, brackets: boolean): readonly string[] {
  const keys: string[] = [];
  let rest = text;
  while (rest !== '') {
    const field = /^\.([^.[\]]+)/.exec(rest);
    const quoted = /^\['((?:[^'\\]|\\.)*)'\]/.exec(rest);
    if (field !== null) keys.push(field[1] ?? '');
    else if (rest.startsWith('[') && !brackets) throw new FieldPathError('array notation is not allowed');
    else if (quoted !== null) keys.push((quoted[1] ?? '').replaceAll(/\\(.)/g, '$1'));
    else if (rest === '.' || rest === '[') throw new FieldPathError('unexpected end of JSON path');
    else throw new FieldPathError(rest.startsWith('[') ? `expected single quoted string but got ${rest.slice(1).split(']')[0]}` : `expected [ or . but got: ${rest.split(/[.[]/)[0]}`);
    rest = rest.slice((field ?? quoted)?.[0].length ?? rest.length);
  }
  return keys;
}

/** What a rule's field path adds to the path of the value: `.x.y`; '' when there is none. */
export function fieldPathText(text: string | undefined): string {
  if (text === undefined || text === '') return '';
  try {
    return pathKeys(text, true).map((key) => `.${key}`).join('');
  } catch {
    return '';
  }
}
