/** Operations as the `paths` of an OpenAPI document of version 3 or 2. Used by `openapi.ts`. */
import type { JsonObject, JsonValue } from './json.ts';
import { sortKeys } from './json.ts';
import type { Parameter } from './openapi-parameters.ts';
import type { Content, Operation, PathItem } from './openapi-paths.ts';
import type { OpenApiVersion, SchemaCollection } from './openapi-schema.ts';
import { gvk } from './openapi-words.ts';
import type { ResourceKind } from './resource.ts';

export interface PrintContext {
  readonly version: OpenApiVersion;
  /** Gets the schemas of all that is printed. */
  readonly schemas: SchemaCollection;
  /** Where the kinds that operations name are looked up. */
  readonly kinds: readonly ResourceKind[];
  readonly tag: string;
  /** Version 2: parameters of many operations, which stand once in the document. Gets those that are printed. */
  readonly shared: SharedParameters | undefined;
  readonly wording: ParameterWording;
}

/** What is said of a parameter of the operation, undefined where nothing better is known than what it says itself. */
export type ParameterWording = (operationId: string, parameter: Parameter) => string | undefined;

/** The reference to a parameter that stands apart, undefined for one that does not. */
export interface SharedParameters {
  refTo(parameter: JsonObject): JsonObject | undefined;
}

const codeNames: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 401: 'Unauthorized' };

/** Parameters that all operations of a path have stand at the path. */
export function printPathItem(path: PathItem, context: PrintContext): JsonObject {
  const operations = path.operations.map((each) => worded(each, context.wording));
  const has = (operation: Operation, parameter: Parameter): boolean => operation.parameters.some((each) => isSame(each, parameter));
  const common = (operations[0]?.parameters ?? []).filter((parameter) => operations.every((operation) => has(operation, parameter)));
  const item: Record<string, JsonValue> = {};
  for (const operation of operations) {
    const own = operation.parameters.filter((parameter) => !common.some((each) => isSame(each, parameter)));
    item[operation.method] = context.version === 3 ? printV3(operation, own, context) : printV2(operation, own, context);
  }
  if (common.length > 0) item['parameters'] = printParameters(common, context, []);
  return sortKeys(item);
}

function worded(operation: Operation, wording: ParameterWording): Operation {
  return { ...operation, parameters: operation.parameters.map((each) => ({ ...each, description: wording(operation.id, each) ?? each.description })) };
}

function printV3(operation: Operation, own: readonly Parameter[], context: PrintContext): JsonObject {
  const responses: Record<string, JsonObject> = {};
  const schema = schemaOf(operation.answer, context);
  for (const code of operation.codes) responses[code] = { description: codeNames[code] ?? '', content: mediaTypes(operation.produces ?? [], schema) };
  responses['401'] = { description: 'Unauthorized' };
  const { body } = operation;
  return {
    ...(operation.description !== '' && { description: operation.description }),
    operationId: operation.id,
    ...(own.length > 0 && { parameters: printParameters(own, context, []) }),
    ...(body !== undefined && {
      requestBody: { content: mediaTypes(operation.consumes ?? [], schemaOf(body.content, context)), ...(body.required && { required: true }) },
    }),
    responses,
    tags: [context.tag],
    ...extensions(operation),
  };
}

function printV2(operation: Operation, own: readonly Parameter[], context: PrintContext): JsonObject {
  const responses: Record<string, JsonObject> = {};
  const schema = schemaOf(operation.answer, context);
  for (const code of operation.codes) responses[code] = { description: codeNames[code] ?? '', schema };
  responses['401'] = { description: 'Unauthorized' };
  const { body } = operation;
  const bodyParameter = body === undefined ? [] : [{ in: 'body', name: 'body', ...(body.required && { required: true }), schema: schemaOf(body.content, context) }];
  const parameters = printParameters(own, context, bodyParameter);
  return {
    ...(operation.consumes !== undefined && { consumes: operation.consumes }),
    ...(operation.description !== '' && { description: operation.description }),
    operationId: operation.id,
    ...(parameters.length > 0 && { parameters }),
    ...(operation.produces !== undefined && { produces: operation.produces }),
    responses,
    schemes: ['https'],
    tags: [context.tag],
    ...extensions(operation),
  };
}

interface NamedParameter extends JsonObject {
  readonly name: string;
  readonly in: string;
}

function printParameters(parameters: readonly Parameter[], { version, shared }: PrintContext, bodies: readonly NamedParameter[]): readonly JsonObject[] {
  const printed = parameters.map(({ name, in: where, type, description }): NamedParameter => {
    const start = { description, in: where, name, ...(where === 'path' && { required: true }) };
    const typed = { type, uniqueItems: true };
    return version === 3 ? { ...start, schema: typed } : { ...start, ...typed };
  });
  const sorted = [...bodies, ...printed].sort((a, b) => (a.name === b.name ? (a.in < b.in ? -1 : 1) : a.name < b.name ? -1 : 1));
  return shared === undefined ? sorted : sorted.map((each) => shared.refTo(each) ?? each);
}

function mediaTypes(types: readonly string[], schema: JsonObject): JsonObject {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
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
    case 'struct':
      return schemas.refTo(content.struct);
    case 'patch':
      return schemas.refToPatch();
    case 'text':
      return { type: 'string' };
  }
}

function extensions({ deed }: Operation): JsonObject {
  return deed === undefined ? {} : { 'x-kubernetes-action': deed.action, 'x-kubernetes-group-version-kind': gvk(deed.kind, deed.kind.kind) };
}

function isSame(a: Parameter, b: Parameter): boolean {
  return a.name === b.name && a.in === b.in;
}
