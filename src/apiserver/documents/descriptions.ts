/**
 * What fields mean, in Kubernetes' words, for `kubectl explain`: from the comments of the npm packages
 * `kubernetes-models`, `@kubernetes-models/apimachinery` and (what those leave out) `kubernetes-types`, which were made of
 * Kubernetes' own documents. Where they are absent the documents describe no schemas.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { JsonObject, JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import { withSiblings } from '#apimachinery/openapi-schema.ts';
import type { TextPackage } from './text-packages.ts';
import { folderOf } from './text-packages.ts';

/** Of one schema. */
export interface Description {
  readonly text: string;
  readonly fields: ReadonlyMap<string, string>;
}

const declaration = /^export (?:interface|type) /;
const property = /^ {4}"([^"]+)"\??:/;

/** Pure: the comments above the first interface or type of a file of declarations, and above its fields. */
export function readDescription(source: string): Description | undefined {
  let found: { text: string; fields: Map<string, string> } | undefined;
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
    const field = property.exec(line)?.[1];
    if (declaration.test(line)) found ??= { text: textOf(comment), fields: new Map() };
    else if (field !== undefined && comment.length > 0) found?.fields.set(field, textOf(comment));
    else if (line === '}' && found !== undefined) return found;
    comment = [];
  }
  return found;
}

/** The package adds marks for its own readers and lists of values that Kubernetes does not publish. */
function textOf(comment: readonly string[]): string {
  return comment.join('\n').replace(/\s*(?:Possible enum values:\n[^]*|@deprecated\s*)$/, '').replaceAll(/\\([*/])/g, '$1').trim();
}

export interface Place {
  readonly package: TextPackage;
  readonly file: string;
}

/** By the word that schemas call them by; all others have the same name in both. */
const groupFolders: Readonly<Record<string, string>> = {
  core: '', admissionregistration: 'admissionregistration.k8s.io', authentication: 'authentication.k8s.io', authorization: 'authorization.k8s.io',
  certificates: 'certificates.k8s.io', coordination: 'coordination.k8s.io', discovery: 'discovery.k8s.io', events: 'events.k8s.io',
  flowcontrol: 'flowcontrol.apiserver.k8s.io', networking: 'networking.k8s.io', node: 'node.k8s.io', rbac: 'rbac.authorization.k8s.io',
  resource: 'resource.k8s.io', scheduling: 'scheduling.k8s.io', storage: 'storage.k8s.io', apiextensions: 'apiextensions.k8s.io',
  apiregistration: 'apiregistration.k8s.io',
};

/** The file about a schema; undefined for schemas that the packages cannot know. */
export function placeOf(schemaName: string): Place | undefined {
  if (schemaName === 'io.k8s.apimachinery.pkg.api.resource.Quantity') return { package: 'kubernetes-types', file: 'api/resource.d.ts' };
  const [, machinery] = /^io\.k8s\.apimachinery\.pkg\.(.+)$/.exec(schemaName) ?? [];
  if (machinery !== undefined) return { package: '@kubernetes-models/apimachinery', file: `${machinery.replaceAll('.', '/')}.d.ts` };
  const [, group, version, name] = /^io\.k8s\.(?:api|apiextensions-apiserver\.pkg\.apis|kube-aggregator\.pkg\.apis)\.(\w+)\.(\w+)\.(\w+)$/.exec(schemaName) ?? [];
  if (group === undefined || version === undefined || name === undefined) return undefined;
  return { package: 'kubernetes-models', file: path.posix.join(groupFolders[group] ?? group, version, `${name}.d.ts`) };
}

/** What the packages leave out because it is said of every kind, and where it stands once. */
const ofEveryKind = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';
const ofObjects = 'io.k8s.api.core.v1.Pod';
const ofLists = 'io.k8s.api.core.v1.PodList';

/**
 * The same OpenAPI document with descriptions of its schemas. Reads the packages' files each time: a megabyte that would
 * otherwise stay in memory for a question that is seldom asked. Each file is less than a millisecond's work, between
 * which others get their turn.
 */
export async function withDescriptions(document: JsonObject): Promise<JsonObject> {
  if (folderOf('kubernetes-models') === undefined) return document;
  const { components } = document;
  const schemas = isJsonObject(components) ? components['schemas'] : document['definitions'];
  if (!isJsonObject(schemas)) return document;
  const common = new Map<string, string>();
  for (const [name, ...keys] of [[ofEveryKind, 'apiVersion', 'kind'], [ofObjects, 'metadata'], [ofLists, 'listMetadata']] as const) {
    const description = await descriptionOf(name);
    for (const key of keys) common.set(key, description?.fields.get(key === 'listMetadata' ? 'metadata' : key) ?? '');
  }
  const described: Record<string, JsonValue> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    described[name] = isJsonObject(schema) ? describeSchema(schema, completed(await descriptionOf(name), schema, common)) : schema;
  }
  return isJsonObject(components) ? { ...document, components: { ...components, schemas: described } } : { ...document, definitions: described };
}

const nothing: Description = { text: '', fields: new Map() };

async function descriptionOf(schemaName: string): Promise<Description | undefined> {
  const place = placeOf(schemaName);
  const folder = place === undefined ? undefined : folderOf(place.package);
  if (place === undefined || folder === undefined) return undefined;
  return readFile(path.join(folder, place.file), 'utf8').then(readDescription, () => undefined);
}

/** With what is said of every kind, where the schema is of one; of a custom kind nothing else is known. */
function completed(found: Description | undefined, schema: JsonObject, common: ReadonlyMap<string, string>): Description {
  const { properties } = schema;
  const { text, fields } = found ?? nothing;
  if (schema['x-kubernetes-group-version-kind'] === undefined || !isJsonObject(properties)) return { text, fields };
  const metadata = found === undefined ? (common.get(properties['items'] === undefined ? 'metadata' : 'listMetadata') ?? '') : '';
  return { text, fields: new Map([['apiVersion', common.get('apiVersion') ?? ''], ['kind', common.get('kind') ?? ''], ['metadata', metadata], ...fields]) };
}

/** Pure: a schema with its description and those of its properties; what it says of itself stays. */
export function describeSchema(schema: JsonObject, { text, fields }: Description): JsonObject {
  const properties = schema['properties'];
  return {
    ...(text !== '' && { description: text }),
    ...schema,
    ...(isJsonObject(properties) && { properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, describeField(value, fields.get(key) ?? '')])) }),
  };
}

function describeField(schema: JsonValue, text: string): JsonValue {
  if (text === '' || !isJsonObject(schema)) return schema;
  const { $ref } = schema;
  return { description: text, ...(typeof $ref === 'string' && $ref.startsWith('#/components/') ? withSiblings(schema) : schema) };
}
