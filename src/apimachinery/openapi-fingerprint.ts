/** What an OpenAPI document follows from, much smaller than the document. Used by `openapi.ts`. */
import type { ResourceKind } from './resource.ts';
import type { AnyStruct, FieldType } from './schema.ts';

/** To be raised when documents of the same kinds change, so that no client goes on with an old one. */
const format = 2;

/** Changes whenever the document of these kinds does. */
export function fingerprintOf(kinds: readonly ResourceKind[]): readonly unknown[] {
  const structs = new Map<string, string>();
  for (const kind of kinds) describeStruct(kind, structs);
  const names = kinds.map(({ name, kind, plural, scope, verbs, subresources }) => [name, kind, plural, scope, verbs, subresources]);
  return [format, names, [...structs]];
}

function describeStruct(struct: AnyStruct, found: Map<string, string>): void {
  if (found.has(struct.name)) return;
  found.set(struct.name, '');
  if (struct.atRunTime !== undefined) {
    found.set(struct.name, struct.atRunTime.fingerprint);
    return;
  }
  let text = JSON.stringify([struct.atomic, struct.union]);
  for (const [key, { type, options }] of struct.fields) text += `;${key}:${describeType(type, found)}${JSON.stringify(options)}`;
  found.set(struct.name, text);
}

function describeType(type: FieldType, found: Map<string, string>): string {
  switch (type.is) {
    case 'scalar':
      return type.scalar;
    case 'struct': {
      const struct = type.struct();
      describeStruct(struct, found);
      return struct.name;
    }
    case 'list':
      return `[]${describeType(type.element, found)}`;
    case 'map':
      return `{}${describeType(type.element, found)}`;
  }
}
