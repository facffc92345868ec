/** The messages of `openapi.v2`, as far as documents of Kubernetes have them. Source: google/gnostic-models, OpenAPIv2.proto. */
import { isJsonObject } from '#apimachinery/json.ts';
import type { Form, Message } from './openapi-protobuf.ts';
import { choice, choices, list, message, named, wrapped } from './openapi-protobuf.ts';

const externalDocs: Message = { fields: { description: [1, 'text'], url: [2, 'text'] }, extensions: 3 };

const schema: Message = {
  fields: {
    $ref: [1, 'text'], format: [2, 'text'], title: [3, 'text'], description: [4, 'text'], default: [5, 'any'], multipleOf: [6, 'number'], maximum: [7, 'number'],
    exclusiveMaximum: [8, 'flag'], minimum: [9, 'number'], exclusiveMinimum: [10, 'flag'], maxLength: [11, 'integer'], minLength: [12, 'integer'], pattern: [13, 'text'],
    maxItems: [14, 'integer'], minItems: [15, 'integer'], uniqueItems: [16, 'flag'], maxProperties: [17, 'integer'], minProperties: [18, 'integer'],
    required: [19, 'texts'], enum: [20, 'anys'], additionalProperties: [21, choice((value) => (typeof value === 'boolean' ? [2, 'flag'] : [1, ofSchema]))],
    type: [22, wrapped('texts')], items: [23, wrapped(list(() => schema))], allOf: [24, list(() => schema)], properties: [25, named(message(() => schema))],
    discriminator: [26, 'text'], readOnly: [27, 'flag'], externalDocs: [29, message(() => externalDocs)], example: [30, 'any'],
  },
  extensions: 31,
};
const ofSchema = message(() => schema);

const bodyParameter: Message = {
  fields: { description: [1, 'text'], name: [2, 'text'], in: [3, 'text'], required: [4, 'flag'], schema: [5, ofSchema] },
  extensions: 6,
};
const queryParameter: Message = {
  fields: { required: [1, 'flag'], in: [2, 'text'], description: [3, 'text'], name: [4, 'text'], type: [6, 'text'], format: [7, 'text'], uniqueItems: [20, 'flag'] },
  extensions: 23,
};
const pathParameter: Message = {
  fields: { required: [1, 'flag'], in: [2, 'text'], description: [3, 'text'], name: [4, 'text'], type: [5, 'text'], format: [6, 'text'], uniqueItems: [19, 'flag'] },
  extensions: 22,
};
const nonBodyParameter = choice((value) => (isJsonObject(value) && value['in'] === 'path' ? [4, message(() => pathParameter)] : [3, message(() => queryParameter)]));
const parameter: Form = choice((value) => (isJsonObject(value) && value['in'] === 'body' ? [1, message(() => bodyParameter)] : [2, nonBodyParameter]));

const reference: Message = { fields: { $ref: [1, 'text'], description: [2, 'text'] } };
const parameters = choices((value) => (isJsonObject(value) && value['$ref'] !== undefined ? [2, message(() => reference)] : [1, parameter]));

const response: Message = { fields: { description: [1, 'text'], schema: [2, wrapped(ofSchema)] }, extensions: 5 };
const responses: Message = { fields: {}, extensions: 2, named: [1, wrapped(message(() => response))] };

const operation: Message = {
  fields: {
    tags: [1, 'texts'], summary: [2, 'text'], description: [3, 'text'], externalDocs: [4, message(() => externalDocs)], operationId: [5, 'text'], produces: [6, 'texts'],
    consumes: [7, 'texts'], parameters: [8, parameters], responses: [9, message(() => responses)], schemes: [10, 'texts'], deprecated: [11, 'flag'],
  },
  extensions: 13,
};
const ofOperation = message(() => operation);
const pathItem: Message = {
  fields: {
    get: [2, ofOperation], put: [3, ofOperation], post: [4, ofOperation], delete: [5, ofOperation], options: [6, ofOperation], head: [7, ofOperation], patch: [8, ofOperation],
    parameters: [9, parameters],
  },
  extensions: 10,
};
const paths: Message = { fields: {}, extensions: 1, named: [2, message(() => pathItem)] };

const info: Message = { fields: { title: [1, 'text'], version: [2, 'text'], description: [3, 'text'] }, extensions: 7 };
const apiKey: Message = { fields: { type: [1, 'text'], name: [2, 'text'], in: [3, 'text'], description: [4, 'text'] }, extensions: 5 };

export const documentV2: Message = {
  fields: {
    swagger: [1, 'text'], info: [2, message(() => info)], schemes: [5, 'texts'], consumes: [6, 'texts'], produces: [7, 'texts'], paths: [8, message(() => paths)],
    definitions: [9, named(ofSchema)], parameters: [10, named(parameter)], security: [12, list(() => ({ fields: {}, named: [1, wrapped('texts')] }))],
    securityDefinitions: [13, named(choice(() => [2, message(() => apiKey)]))],
  },
  extensions: 16,
};
