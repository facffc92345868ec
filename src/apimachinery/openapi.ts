/**
 * The OpenAPI documents of the kinds that are served: `/openapi/v3`, one document per group version, and `/openapi/v2`,
 * all in one. kubectl reads them for `explain`, and to see what the server validates.
 *
 * Source: Kubernetes documentation "The Kubernetes API" (OpenAPI interface definition); KEP-2896.
 */
import type { JsonObject, JsonValue } from './json.ts';
import { VersionInfo } from './meta-schemas.ts';
import { fingerprintOf } from './openapi-fingerprint.ts';
import type { Operation, PathItem } from './openapi-paths.ts';
import { basePath, capital, groupWord, pathsOf } from './openapi-paths.ts';
import { printPaths, sortKeys } from './openapi-print.ts';
import type { GroupVersion } from './openapi-schema.ts';
import { SchemaCollection } from './openapi-schema.ts';
import type { ResourceKind } from './resource.ts';

const info: JsonObject = { title: 'Kubernetes', version: 'unversioned' };
const bearerToken: JsonObject = { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' };
/**
 * `/openapi/v3`: where the documents are. `hash` makes a short text of what a document follows from; it stands in the
 * addresses, so that clients may keep documents for ever.
 */
export function openApiV3Index(kinds: readonly ResourceKind[], hash: (origin: unknown) => string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const apiVersion of [...new Set(kinds.map((kind) => kind.apiVersion))].sort()) {
    const path = basePath(apiVersion).slice(1);
    const origin = fingerprintOf(kinds.filter((kind) => kind.apiVersion === apiVersion));
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash(origin)}` };
  }
  paths['version'] = { serverRelativeURL: `/openapi/v3/version?hash=${hash(VersionInfo.name)}` };
  return { paths };
}

/**
 * `/openapi/v3/<path>`, where path is `api/v1`, `apis/apps/v1` or `version`; undefined for any other. `parts` are kinds
 * that only subresources have (Scale, Eviction, TokenRequest).
 */
export function openApiV3(kinds: readonly ResourceKind[], path: string, parts: readonly ResourceKind[] = []): JsonObject | undefined {
  if (path === 'version') return versionDocument();
  const served = kinds.filter((kind) => basePath(kind.apiVersion) === `/${path}`);
  const [first] = served;
  if (first === undefined) return undefined;
  const all = [...kinds, ...parts];
  const schemas = new SchemaCollection(3, all, groupVersions([first]));
  const paths = printPaths([resourceListPath(first), ...served.flatMap(pathsOf)], { version: 3, schemas, kinds: all, tag: tagOf(first) });
  return { openapi: '3.0.0', info, paths, components: { schemas: schemas.all(), securitySchemes: { BearerToken: bearerToken } } };
}

function versionDocument(): JsonObject {
  const schemas = new SchemaCollection(3, [], []);
  const content = { 'application/json': { schema: schemas.refTo(VersionInfo) } };
  const get = { tags: ['version'], operationId: 'getCodeVersion', responses: { 200: { description: 'OK', content }, 401: { description: 'Unauthorized' } } };
  return { openapi: '3.0.0', info, paths: { '/version/': { get } }, components: { schemas: schemas.all(), securitySchemes: { BearerToken: bearerToken } } };
}

/** `/openapi/v2`: one document of everything. For clients that do not know version 3. */
export function openApiV2(kinds: readonly ResourceKind[], parts: readonly ResourceKind[] = []): JsonObject {
  const all = [...kinds, ...parts];
  const versions = groupVersions(kinds);
  const definitions = new SchemaCollection(2, all, versions);
  const paths: Record<string, JsonValue> = {};
  for (const { group, version } of versions) {
    const served = kinds.filter((kind) => kind.group === group && kind.version === version);
    const [first] = served;
    if (first !== undefined) Object.assign(paths, printPaths([resourceListPath(first), ...served.flatMap(pathsOf)], { version: 2, schemas: definitions, kinds: all, tag: tagOf(first) }));
  }
  return {
    swagger: '2.0',
    info,
    paths: sortKeys(paths),
    definitions: definitions.all(),
    securityDefinitions: { BearerToken: bearerToken },
    security: [{ BearerToken: [] }],
  };
}

function groupVersions(kinds: readonly ResourceKind[]): readonly GroupVersion[] {
  const found = new Map<string, GroupVersion>([['/v1', { group: '', version: 'v1' }]]);
  for (const { group, version } of kinds) found.set(`${group}/${version}`, { group, version });
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

function tagOf({ group, version }: GroupVersion): string {
  return `${groupWord(group)}_${version}`;
}

/** The path that discovery reads. It is no kind's, so its operation names none. */
function resourceListPath(kind: ResourceKind): PathItem {
  const id = `get${capital(groupWord(kind.group))}${capital(kind.version)}APIResources`;
  const operation: Operation = { id, method: 'get', action: 'get', kind, parameters: [], codes: [200], answer: { is: 'resources' }, streams: false };
  return { path: `${basePath(kind.apiVersion)}/`, operations: [operation] };
}
