/** Printer columns of custom kinds. Source: API reference "CustomResourceColumnDefinition". */
import { age } from '#apimachinery/age.ts';
import { nameColumn } from '#apimachinery/columns.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Column } from '#apimachinery/resource.ts';
import type { CustomResourceColumnDefinition } from '#api/apiextensions/custom-resource-definition.ts';
import type { JsonPath } from './json-path.ts';
import { jsonPath, valueText } from './json-path.ts';

const ageDefinition: CustomResourceColumnDefinition = {
  name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp',
  description: 'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata',
};

const nameDescription = 'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names';

/** The columns of a version: the name first, then what the definition says (default: the age). */
export function columnsOf(definitions: readonly CustomResourceColumnDefinition[]): readonly Column<KubeObject>[] {
  const additional = definitions.length > 0 ? definitions : [ageDefinition];
  return [{ ...nameColumn, description: nameDescription }, ...additional.map(columnOf)];
}

function columnOf({ name, type, format, description, priority, jsonPath: path }: CustomResourceColumnDefinition): Column<KubeObject> {
  const read = readerOf(path);
  return {
    name,
    type: type as Column<KubeObject>['type'],
    format: format ?? '',
    description: description ?? `Custom resource definition column (in JSONPath format): ${path}`,
    priority: priority ?? 0,
    value: (object, nowMs) => cell(type, read(object)[0], nowMs),
  };
}

/** A path that cannot be read shows nothing. */
function readerOf(path: string): JsonPath {
  try {
    return jsonPath(path);
  } catch {
    return () => [];
  }
}

function cell(type: string, value: unknown, nowMs: number): string | number | boolean | null {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      // A bigint is printed like any number.
      return typeof value === 'number' ? Math.trunc(value) : typeof value === 'bigint' ? (value as unknown as number) : null;
    case 'number':
      return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      return Number.isNaN(Date.parse(value)) ? '<invalid>' : age(value, nowMs);
    default:
      return valueText(value);
  }
}
