/**
 * A structural schema, read once per version of a definition: what the walks over custom objects (completion,
 * validation, ownership, rules) look at.
 *
 * Source: Kubernetes documentation, "Extend the Kubernetes API with CustomResourceDefinitions: specifying a structural schema".
 */
import type { JSONSchemaProps } from '#api/apiextensions/json-schema-props.ts';
import type { JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';

export interface SchemaNode {
  /** As the definition says it. */
  readonly source: JSONSchemaProps;
  /** '' where nothing is said. */
  readonly type: string;
  readonly nullable: boolean;
  readonly default: JsonValue | undefined;
  readonly properties: ReadonlyMap<string, SchemaNode>;
  /** What fields that `properties` does not name look like; `any` where they may hold anything. */
  readonly additional: SchemaNode | 'any' | undefined;
  readonly items: SchemaNode | undefined;
  readonly preservesUnknown: boolean;
  readonly isEmbedded: boolean;
  readonly isIntOrString: boolean;
  readonly listType: 'atomic' | 'set' | 'map';
  readonly listKeys: readonly string[];
  readonly isAtomicMap: boolean;
  /** Names of properties with a default of their own. */
  readonly defaulted: readonly string[];
  /** Whether this node or one below it says something of a kind that most schemas do not. */
  readonly holds: { readonly rules: boolean; readonly listTypes: boolean; readonly embedded: boolean };
}

/** A field as `properties` or `additionalProperties` declares it. */
export function nodeAt(node: SchemaNode, key: string): SchemaNode | undefined {
  const named = node.properties.get(key);
  if (named !== undefined) return named;
  return node.additional === 'any' ? undefined : node.additional;
}

/** Of whole schemas: what is checked is what is served afterwards. */
const known = new WeakMap<JSONSchemaProps, SchemaNode>();

/** `source` must not change any more. */
export function schemaNode(source: JSONSchemaProps): SchemaNode {
  let node = known.get(source);
  if (node === undefined) known.set(source, (node = makeNode(source)));
  return node;
}

function makeNode(source: JSONSchemaProps): SchemaNode {
  const properties = new Map<string, SchemaNode>();
  for (const [key, property] of Object.entries(source.properties ?? {})) properties.set(key, makeNode(property));
  const additional = additionalOf(source.additionalProperties);
  const items = isJsonObject(source.items) ? makeNode(source.items) : undefined;
  const listType = source['x-kubernetes-list-type'];
  const below = [...properties.values(), ...(items === undefined ? [] : [items]), ...(typeof additional === 'object' ? [additional] : [])];
  return {
    source,
    type: source.type ?? '',
    nullable: source.nullable === true,
    default: source.default ?? undefined,
    properties,
    additional,
    items,
    preservesUnknown: source['x-kubernetes-preserve-unknown-fields'] === true,
    isEmbedded: source['x-kubernetes-embedded-resource'] === true,
    isIntOrString: source['x-kubernetes-int-or-string'] === true,
    listType: listType === 'set' || listType === 'map' ? listType : 'atomic',
    listKeys: source['x-kubernetes-list-map-keys'] ?? [],
    isAtomicMap: source['x-kubernetes-map-type'] === 'atomic',
    defaulted: [...properties].filter(([, property]) => property.default !== undefined).map(([key]) => key),
    holds: {
      rules: (source['x-kubernetes-validations'] ?? []).length > 0 || below.some((each) => each.holds.rules),
      listTypes: listType === 'set' || listType === 'map' || below.some((each) => each.holds.listTypes),
      embedded: source['x-kubernetes-embedded-resource'] === true || below.some((each) => each.holds.embedded),
    },
  };
}

function additionalOf(value: JsonValue | undefined): SchemaNode['additional'] {
  if (value === true) return 'any';
  return isJsonObject(value) ? makeNode(value) : undefined;
}
