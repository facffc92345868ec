/**
 * The OpenAPI documents of the kinds that are served: `/openapi/v3`, one document per group version, and `/openapi/v2`,
 * all in one. kubectl reads them for `explain`, and to see what the server validates.
 *
 * A document takes tens of milliseconds; so it is made in steps (of about one kind each), between which others get
 * their turn. `inOneGo` takes them all.
 *
 * Source: Kubernetes documentation "The Kubernetes API" (OpenAPI interface definition); KEP-2896.
 */
import type { JsonObject, JsonValue } from './json.ts';
import { sortKeys } from './json.ts';
import { customPathsOf } from './openapi-custom-paths.ts';
import { fingerprintOf } from './openapi-fingerprint.ts';
import { basePath, pathsOf } from './openapi-paths.ts';
import type { ParameterWording, PrintContext, SharedParameters } from './openapi-print.ts';
import { printPathItem } from './openapi-print.ts';
import { resourceListPath, rootDocuments } from './openapi-roots.ts';
import { SchemaCollection, clientVersions, schemeVersions } from './openapi-schema.ts';
import type { GroupVersion } from './openapi-words.ts';
import { groupWord } from './openapi-words.ts';
import type { ResourceKind } from './resource.ts';

const info: JsonObject = { title: 'Kubernetes', version: 'unversioned' };
const customInfo: JsonObject = { title: 'Kubernetes CRD Swagger', version: 'v0.1.0' };
const bearerToken: JsonObject = { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' };

export interface OpenApiSettings {
  /** Kinds that only subresources have (Scale, Eviction, TokenRequest). */
  readonly parts?: readonly ResourceKind[];
  /** Default: parameters say what they are declared with. */
  readonly wording?: ParameterWording;
}

const plainly: ParameterWording = () => undefined;

export type Steps<T> = Generator<undefined, T>;

export function inOneGo<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * `/openapi/v3`: where the documents are. `hash` makes a short text of what a document follows from; it stands in the
 * addresses, so that clients may keep documents for ever.
 */
export function openApiV3Index(kinds: readonly ResourceKind[], hash: (origin: unknown) => string): JsonObject {
  const keys = [...rootDocuments(kinds).map(({ key }) => key), ...new Set(kinds.map((kind) => basePath(kind.apiVersion).slice(1)))];
  return { paths: Object.fromEntries(keys.sort().map((key) => [key, { serverRelativeURL: openApiV3Address(key, hash(openApiV3Origin(kinds, key))) }])) };
}

/** Where the document is; `hash` is of its origin. */
export function openApiV3Address(key: string, hash: string): string {
  return `/openapi/v3/${key}?hash=${hash}`;
}

/** What the document follows from: changes whenever the document does. */
export function openApiV3Origin(kinds: readonly ResourceKind[], key: string): unknown {
  return [key, fingerprintOf(kinds.filter((kind) => basePath(kind.apiVersion) === `/${key}`))];
}

/**
 * `/openapi/v3/<key>`, where the key is `api/v1`, `apis/apps/v1`, `apis/apps`, `version` and so on; undefined for any
 * other.
 */
export function openApiV3(kinds: readonly ResourceKind[], key: string, { parts = [], wording = plainly }: OpenApiSettings = {}): Steps<JsonObject> | undefined {
  const root = rootDocuments(kinds).find((each) => each.key === key);
  if (root !== undefined) return rootSteps([root]);
  const served = kinds.filter((kind) => basePath(kind.apiVersion) === `/${key}`);
  const [first] = served;
  return first === undefined ? undefined : groupVersionSteps(first, served, [...kinds, ...parts], wording);
}

function* rootSteps(roots: ReturnType<typeof rootDocuments>): Steps<JsonObject> {
  const schemas = new SchemaCollection(3, [], []);
  const paths = Object.fromEntries(roots.flatMap(({ items, tag }) => items.map((item) => [item.path, printPathItem(item, { version: 3, schemas, kinds: [], tag, shared: undefined, wording: plainly })])));
  yield;
  const all = schemas.all();
  const securitySchemes = { BearerToken: bearerToken };
  return { components: Object.keys(all).length > 0 ? { schemas: all, securitySchemes } : { securitySchemes }, info, openapi: '3.0.0', paths };
}

function* groupVersionSteps(first: ResourceKind, served: readonly ResourceKind[], kinds: readonly ResourceKind[], wording: ParameterWording): Steps<JsonObject> {
  const isCustom = first.isCustom === true;
  const schemas = new SchemaCollection(3, kinds, isCustom ? clientVersions : first.group === '' ? [coreVersion] : [coreVersion, first]);
  const context: PrintContext = { version: 3, schemas, kinds, tag: tagOf(first), shared: undefined, wording };
  const paths: Record<string, JsonValue> = {};
  yield* printKinds(served, context, paths);
  const components = { schemas: schemas.all(), ...(!isCustom && { securitySchemes: { BearerToken: bearerToken } }) };
  return { components, info: isCustom ? customInfo : info, openapi: '3.0.0', paths: sortKeys(paths) };
}

const coreVersion: GroupVersion = { group: '', version: 'v1' };

/** The kinds of one group version; what they are called in the document, and the schemas they need, are added. */
function* printKinds(served: readonly ResourceKind[], context: PrintContext, paths: Record<string, JsonValue>): Steps<void> {
  const [first] = served;
  if (first === undefined) return;
  if (first.isCustom !== true) {
    const list = resourceListPath(first);
    paths[list.path] = printPathItem(list, context);
  }
  for (const kind of served) {
    for (const item of kind.isCustom === true ? customPathsOf(kind) : pathsOf(kind)) paths[item.path] = printPathItem(item, context);
    yield;
  }
}

/** What the document of version 2 follows from. */
export function openApiV2Origin(kinds: readonly ResourceKind[]): unknown {
  return fingerprintOf(kinds);
}

/** `/openapi/v2`: one document of everything. `shortHash` tells parameters of one name apart. */
export function* openApiV2(kinds: readonly ResourceKind[], shortHash: (text: string) => string, { parts = [], wording = plainly }: OpenApiSettings = {}): Steps<JsonObject> {
  const all = [...kinds, ...parts];
  const definitions = new SchemaCollection(2, all, schemeVersions);
  const shared = new ParameterCollection(shortHash);
  const common = { version: 2, schemas: definitions, kinds: all, shared, wording } as const;
  const paths: Record<string, JsonValue> = {};
  for (const { items, tag } of rootDocuments(kinds)) for (const item of items) paths[item.path] = printPathItem(item, { ...common, tag });
  yield;
  for (const served of Map.groupBy(kinds, (kind) => kind.apiVersion).values()) {
    const [first] = served;
    if (first !== undefined) yield* printKinds(served, { ...common, tag: tagOf(first) }, paths);
  }
  const printed = definitions.all();
  yield;
  return {
    definitions: printed,
    info,
    parameters: shared.all(),
    paths: sortKeys(paths),
    security: [{ BearerToken: [] }],
    securityDefinitions: { BearerToken: bearerToken },
    swagger: '2.0',
  };
}

/** Parameters that stand once in the document of version 2, under their name and a hash of what they say. */
class ParameterCollection implements SharedParameters {
  readonly #shortHash: (text: string) => string;
  readonly #found = new Map<string, { readonly key: string; readonly parameter: JsonObject }>();

  constructor(shortHash: (text: string) => string) {
    this.#shortHash = shortHash;
  }

  refTo(parameter: JsonObject): JsonObject | undefined {
    const { name, schema } = parameter as { readonly name: string; readonly schema?: { readonly $ref?: string } };
    if (alone.has(name) || (schema !== undefined && sharedBodies.every((end) => schema.$ref?.endsWith(end) !== true))) return undefined;
    const text = JSON.stringify(parameter);
    let found = this.#found.get(text);
    if (found === undefined) {
      found = { key: `${name}-${this.#shortHash(text)}`, parameter };
      this.#found.set(text, found);
    }
    return { $ref: `#/parameters/${found.key}` };
  }

  /** By name, sorted. */
  all(): JsonObject {
    return sortKeys(Object.fromEntries([...this.#found.values()].map(({ key, parameter }) => [key, parameter])));
  }
}

/** What Kubernetes writes at each operation: it differs, or did once. */
const alone: ReadonlySet<string> = new Set(['name', 'dryRun', 'fieldValidation']);
const sharedBodies = ['.DeleteOptions', '.Patch'];

function tagOf({ group, version }: GroupVersion): string {
  return `${groupWord(group)}_${version}`;
}
