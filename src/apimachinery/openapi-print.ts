/** Operations as the `paths` of an OpenAPI document of version 3 or 2. Used by `openapi.ts`. */
import type { JsonObject, JsonValue } from './json.ts';
import { APIResourceList, Status, WatchEvent } from './meta-schemas.ts';
import { DeleteOptions } from './meta-types.ts';
import type { Content, Operation, Parameter, PathItem } from './openapi-paths.ts';
import type { OpenApiVersion, SchemaCollection } from './openapi-schema.ts';
import { gvk } from './openapi-schema.ts';
import type { ResourceKind } from './resource.ts';

export interface PrintContext {
  readonly version: OpenApiVersion;
  /** Gets the schemas of all that is printed. */
  readonly schemas: SchemaCollection;
  /** Where the kinds that operations name are looked up. */
  readonly kinds: readonly ResourceKind[];
  readonly tag: string;
}

const objectTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/cbor'];
const streamTypes = [...objectTypes, 'application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch', 'application/cbor-seq'];
const patchTypes = [
  'application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml', 'application/apply-patch+cbor',
];
const codeNames: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 401: 'Unauthorized' };

/** The `paths` of a document, sorted. */
export function printPaths(items: readonly PathItem[], context: PrintContext): JsonObject {
  return sortKeys(Object.fromEntries(items.map((item) => [item.path, printPathItem(item, context)])));
}

/** Parameters that all operations of a path have stand at the path. */
function printPathItem({ operations }: PathItem, context: PrintContext): JsonObject {
  const has = (operation: Operation, parameter: Parameter): boolean => operation.parameters.some((each) => isSame(each, parameter));
  const common = (operations[0]?.parameters ?? []).filter((parameter) => operations.every((operation) => has(operation, parameter)));
  const item: Record<string, JsonValue> = {};
  for (const operation of operations) {
    const own = operation.parameters.filter((parameter) => !common.some((each) => isSame(each, parameter)));
    item[operation.method] = context.version === 3 ? printV3(operation, own, context) : printV2(operation, own, context);
  }
  if (common.length > 0) item['parameters'] = printParameters(common, context);
  return sortKeys(item);
}

function printV3(operation: Operation, own: readonly Parameter[], context: PrintContext): JsonObject {
  const responses: Record<string, JsonObject> = {};
  const schema = schemaOf(operation.answer, context);
  for (const code of operation.codes) responses[code] = { description: codeNames[code] ?? '', content: mediaTypes(producedBy(operation), schema) };
  responses['401'] = { description: 'Unauthorized' };
  const { body } = operation;
  return {
    tags: [context.tag],
    operationId: operation.id,
    ...(own.length > 0 && { parameters: printParameters(own, context) }),
    ...(body !== undefined && {
      requestBody: { content: mediaTypes(consumedBy(operation), schemaOf(body.content, context)), ...(body.required && { required: true }) },
    }),
    responses,
    ...extensions(operation),
  };
}

function printV2(operation: Operation, own: readonly Parameter[], context: PrintContext): JsonObject {
  const responses: Record<string, JsonObject> = {};
  const schema = schemaOf(operation.answer, context);
  for (const code of operation.codes) responses[code] = { description: codeNames[code] ?? '', schema };
  responses['401'] = { description: 'Unauthorized' };
  const { body } = operation;
  const bodyParameter: readonly JsonObject[] = body === undefined ? [] : [{ name: 'body', in: 'body', ...(body.required && { required: true }), schema: schemaOf(body.content, context) }];
  const parameters = [...bodyParameter, ...printParameters(own, context)];
  return {
    consumes: consumedBy(operation),
    produces: producedBy(operation),
    schemes: ['https'],
    tags: [context.tag],
    operationId: operation.id,
    ...(parameters.length > 0 && { parameters }),
    responses,
    ...extensions(operation),
  };
}

function printParameters(parameters: readonly Parameter[], { version }: PrintContext): readonly JsonObject[] {
  const sorted = [...parameters].sort((a, b) => (a.name === b.name ? (a.in < b.in ? -1 : 1) : a.name < b.name ? -1 : 1));
  return sorted.map(({ name, in: where, type }) => {
    const start = { name, in: where, ...(where === 'path' && { required: true }) };
    const typed = { type, uniqueItems: true };
    return version === 3 ? { ...start, schema: typed } : { ...start, ...typed };
  });
}

function mediaTypes(types: readonly string[], schema: JsonObject): JsonObject {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}
function producedBy({ action, answer, streams }: Operation): readonly string[] {
  if (action === 'connect') return ['*/*'];
  if (answer.is === 'text') return ['text/plain', ...objectTypes];
  return streams ? streamTypes : objectTypes;
}
function consumedBy({ body, kind }: Operation): readonly string[] {
  if (body?.content.is !== 'patch') return ['*/*'];
  // Nobody has declared how to merge the lists of a custom resource.
  return 'isCustom' in kind && kind.isCustom === true ? patchTypes.filter((type) => !type.includes('strategic')) : patchTypes;
}

function schemaOf(content: Content, { schemas, kinds }: PrintContext): JsonObject {
  switch (content.is) {
    case 'kind': {
      const { group, version, kind } = content.kind;
      const declared = kinds.find((each) => each.kind === kind && each.group === group && each.version === version);
      return declared === undefined ? { type: 'object' } : schemas.refTo(declared);
    }
    case 'list':
      return schemas.refToList(content.kind);
    case 'status':
      return schemas.refTo(Status);
    case 'patch':
      return schemas.refToPatch();
    case 'deleteOptions':
      return schemas.refTo(DeleteOptions);
    case 'watchEvent':
      return schemas.refTo(WatchEvent);
    case 'resources':
      return schemas.refTo(APIResourceList);
    case 'text':
      return { type: 'string' };
  }
}

function extensions({ action, kind, answer }: Operation): JsonObject {
  // The list of resources is nobody's kind.
  if (answer.is === 'resources') return {};
  return { 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': gvk(kind, kind.kind) };
}

function isSame(a: Parameter, b: Parameter): boolean {
  return a.name === b.name && a.in === b.in;
}

/** The object with its keys in order. */
export function sortKeys(map: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
