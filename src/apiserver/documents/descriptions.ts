/**
 * What fields mean, in Kubernetes' words, for `kubectl explain`: from the comments of the npm package `kubernetes-types`.
 * It describes v1.30; younger fields stay without description. Where the package is absent (it is only for development)
 * the documents have no descriptions.
 */
import { readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import path from 'node:path';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';

/** Of one schema. */
export interface Description {
  readonly text: string;
  readonly fields: ReadonlyMap<string, string>;
}
/** By the names of the package's interfaces. */
export type Descriptions = ReadonlyMap<string, Description>;

const none: Descriptions = new Map();
const declaration = /^export (?:interface|type) (\w+)/;
const property = /^ {4}(?:readonly )?"?([\w$-]+)"?\??:/;

/** Pure: the comments above the interfaces of a file of declarations and above their fields. */
export function readDescriptions(source: string): Descriptions {
  const found = new Map<string, { text: string; fields: Map<string, string> }>();
  let fields = new Map<string, string>();
  let comment: string[] = [];
  let isInComment = false;
  for (const line of source.split('\n')) {
    const text = line.trim();
    if (isInComment || text.startsWith('/**')) {
      if (!isInComment) comment = [];
      isInComment = !text.endsWith('*/');
      comment.push(text.replace(/ ?\*+\/$/, '').replace(/^\/?\*+ ?/, ''));
      continue;
    }
    const name = declaration.exec(line)?.[1];
    const field = property.exec(line)?.[1];
    if (name !== undefined) {
      fields = new Map();
      found.set(name, { text: comment.join('\n').trim(), fields });
    } else if (field !== undefined && comment.length > 0) fields.set(field, comment.join('\n').trim());
    comment = [];
  }
  return found;
}

/** The package's file about a schema and the name in it; undefined for schemas it cannot know. */
export function placeOf(schemaName: string): { readonly file: string; readonly name: string } | undefined {
  const [, folder, name] = /^io\.k8s\.(?:api|apimachinery\.pkg\.apis|apiextensions-apiserver\.pkg\.apis)\.(\w+\.\w+)\.(\w+)$/.exec(schemaName) ?? [];
  if (folder !== undefined && name !== undefined) return { file: `${folder.replace('.', '/')}.d.ts`, name };
  if (schemaName === 'io.k8s.apimachinery.pkg.api.resource.Quantity') return { file: 'api/resource.d.ts', name: 'Quantity' };
  if (schemaName === 'io.k8s.apimachinery.pkg.runtime.RawExtension') return { file: 'runtime.d.ts', name: 'RawExtension' };
  return undefined;
}

/**
 * The same OpenAPI document with descriptions of its schemas. Reads the package's files each time: a megabyte that would
 * otherwise stay in memory for a question that is seldom asked.
 */
export async function withDescriptions(document: JsonObject): Promise<JsonObject> {
  const folder = packageFolder();
  if (folder === undefined) return document;
  const components = document['components'];
  const schemas = isJsonObject(components) ? components['schemas'] : document['definitions'];
  if (!isJsonObject(schemas)) return document;
  const files = new Map<string, Descriptions>();
  for (const file of new Set(Object.keys(schemas).map((name) => placeOf(name)?.file))) {
    // One file after the other: each is a few milliseconds' work between which others get their turn.
    if (file !== undefined) files.set(file, await readFile(path.join(folder, file), 'utf8').then(readDescriptions, () => none));
  }
  const described: JsonObject = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => {
    const place = placeOf(name);
    const description = place === undefined ? undefined : files.get(place.file)?.get(place.name);
    return [name, description === undefined || !isJsonObject(schema) ? schema : describeSchema(schema, description)];
  }));
  return isJsonObject(components) ? { ...document, components: { ...components, schemas: described } } : { ...document, definitions: described };
}

/** Pure: a schema with its description and those of its properties. */
export function describeSchema(schema: JsonObject, { text, fields }: Description): JsonObject {
  const properties = schema['properties'];
  return {
    ...(text !== '' && { description: text }),
    ...schema,
    ...(isJsonObject(properties) && { properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, describeField(value, fields.get(key))])) }),
  };
}

function describeField(schema: JsonValue, text: string | undefined): JsonValue {
  return text === undefined || !isJsonObject(schema) ? schema : { description: text, ...schema };
}

/** Which descriptions are served, if any; a document's address changes with it. */
export function descriptionsVersion(): string {
  return packageFolder() === undefined ? '' : 'v1.30';
}

let folderOnce: { readonly found: string | undefined } | undefined;

function packageFolder(): string | undefined {
  if (folderOnce === undefined) {
    let manifest: string | undefined;
    try {
      manifest = findPackageJSON('kubernetes-types', import.meta.url);
    } catch {
      // It is not installed.
    }
    folderOnce = { found: manifest === undefined ? undefined : path.dirname(manifest) };
  }
  return folderOnce.found;
}
