/** The messages of `openapi.v3`, as far as documents of Kubernetes have them. Source: google/gnostic-models, OpenAPIv3.proto. */
import type { JsonValue } from '#apimachinery/json.ts';
import { isJsonObject } from '#apimachinery/json.ts';
import type { Form, Message } from './openapi-protobuf.ts';
import { choice, choices, list, message, named, wrapped } from './openapi-protobuf.ts';

const reference: Message = { fields: { $ref: [1, 'text'], summary: [2, 'text'], description: [3, 'text'] } };
function orReference(of: Form): (value: JsonValue) => readonly [number, Form] {
  return (value) => (isJsonObject(value) && value['$ref'] !== undefined ? [2, message(() => reference)] : [1, of]);
}

const externalDocs: Message = { fields: { description: [1, 'text'], url: [2, 'text'] }, extensions: 3 };

/** What is neither number, truth value nor text has no form: the field is there, and empty. */
const defaultValue = choice((value) => (typeof value === 'number' ? [1, 'number'] : typeof value === 'boolean' ? [2, 'flag'] : [3, 'text']));

const schema: Message = {
  fields: {
    nullable: [1, 'flag'], readOnly: [3, 'flag'], writeOnly: [4, 'flag'], externalDocs: [6, message(() => externalDocs)], example: [7, 'any'], deprecated: [8, 'flag'],
    title: [9, 'text'], multipleOf: [10, 'number'], maximum: [11, 'number'], exclusiveMaximum: [12, 'flag'], minimum: [13, 'number'], exclusiveMinimum: [14, 'flag'],
    maxLength: [15, 'integer'], minLength: [16, 'integer'], pattern: [17, 'text'], maxItems: [18, 'integer'], minItems: [19, 'integer'], uniqueItems: [20, 'flag'],
    maxProperties: [21, 'integer'], minProperties: [22, 'integer'], required: [23, 'texts'], enum: [24, 'anys'], type: [25, 'text'],
    allOf: [26, choices((value) => schemaOrReference(value))], oneOf: [27, choices((value) => schemaOrReference(value))], anyOf: [28, choices((value) => schemaOrReference(value))],
    not: [29, message(() => schema)], items: [30, wrapped(choices((value) => schemaOrReference(value)))], properties: [31, named(choice((value) => schemaOrReference(value)))],
    additionalProperties: [32, choice((value) => (typeof value === 'boolean' ? [2, 'flag'] : [1, ofSchema]))],
    default: [33, defaultValue], description: [34, 'text'], format: [35, 'text'],
  },
  extensions: 36,
};
const schemaOrReference = orReference(message(() => schema));
const ofSchema = choice(schemaOrReference);

const mediaTypes = named(message(() => ({ fields: { schema: [1, ofSchema], example: [2, 'any'] }, extensions: 5 })));
const parameter: Message = {
  fields: { name: [1, 'text'], in: [2, 'text'], description: [3, 'text'], required: [4, 'flag'], schema: [10, ofSchema], content: [13, mediaTypes] },
  extensions: 14,
};
const parameters = choices(orReference(message(() => parameter)));
const requestBody: Message = { fields: { description: [1, 'text'], content: [2, mediaTypes], required: [3, 'flag'] }, extensions: 4 };
const response: Message = { fields: { description: [1, 'text'], content: [3, mediaTypes] }, extensions: 5 };
const ofResponse = choice(orReference(message(() => response)));
const responses: Message = { fields: { default: [1, ofResponse] }, extensions: 3, named: [2, ofResponse] };

const operation: Message = {
  fields: {
    tags: [1, 'texts'], summary: [2, 'text'], description: [3, 'text'], externalDocs: [4, message(() => externalDocs)], operationId: [5, 'text'], parameters: [6, parameters],
    requestBody: [7, choice(orReference(message(() => requestBody)))], responses: [8, message(() => responses)], deprecated: [10, 'flag'],
  },
  extensions: 13,
};
const ofOperation = message(() => operation);
const pathItem: Message = {
  fields: {
    summary: [2, 'text'], description: [3, 'text'], get: [4, ofOperation], put: [5, ofOperation], post: [6, ofOperation], delete: [7, ofOperation], options: [8, ofOperation],
    head: [9, ofOperation], patch: [10, ofOperation], trace: [11, ofOperation], parameters: [13, parameters],
  },
  extensions: 14,
};
const paths: Message = { fields: {}, extensions: 2, named: [1, message(() => pathItem)] };

const securityScheme: Message = {
  fields: { type: [1, 'text'], description: [2, 'text'], name: [3, 'text'], in: [4, 'text'], scheme: [5, 'text'], bearerFormat: [6, 'text'] },
  extensions: 9,
};
const components: Message = {
  fields: {
    schemas: [1, named(ofSchema)], responses: [2, named(ofResponse)], parameters: [3, named(choice(orReference(message(() => parameter))))],
    requestBodies: [5, named(choice(orReference(message(() => requestBody))))], securitySchemes: [7, named(choice(orReference(message(() => securityScheme))))],
  },
  extensions: 10,
};
const info: Message = { fields: { title: [1, 'text'], description: [2, 'text'], version: [6, 'text'] }, extensions: 7 };

export const documentV3: Message = {
  fields: {
    openapi: [1, 'text'], info: [2, message(() => info)], paths: [4, message(() => paths)], components: [5, message(() => components)],
    security: [6, list(() => ({ fields: {}, named: [1, wrapped('texts')] }))],
  },
  extensions: 9,
};
