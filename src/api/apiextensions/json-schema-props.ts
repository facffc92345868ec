import type { JsonValue } from '#apimachinery/json.ts';
import type { Fields, Infer, Struct } from '#apimachinery/schema.ts';
import { bool, double, eitherSchema, int64, json, list, map, mapOfEither, oneOf, pointer, recursiveStruct, string, struct } from '#apimachinery/schema.ts';

export const ExternalDocumentation = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ExternalDocumentation', {
  description: string(1),
  url: string(2),
});
export interface ExternalDocumentation extends Infer<typeof ExternalDocumentation> {}

export const ValidationRule = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule', {
  rule: string(1, { required: true }),
  message: string(2),
  messageExpression: string(3),
  reason: oneOf(4, ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'], { pointer: true }),
  fieldPath: string(5),
  optionalOldSelf: bool(6, { pointer: true }),
});
export interface ValidationRule extends Infer<typeof ValidationRule> {}

/**
 * A structural schema. `items` is a schema or a list of them, `additionalProperties` and `additionalItems` a schema or
 * a boolean, `dependencies` schemas or lists of names; they are kept as JSON.
 */
export interface JSONSchemaProps {
  readonly id?: string | undefined;
  readonly $schema?: string | undefined;
  readonly $ref?: string | undefined;
  readonly description?: string | undefined;
  readonly type?: string | undefined;
  readonly format?: string | undefined;
  readonly title?: string | undefined;
  readonly default?: JsonValue | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMaximum?: boolean | undefined;
  readonly minimum?: number | undefined;
  readonly exclusiveMinimum?: boolean | undefined;
  readonly maxLength?: number | undefined;
  readonly minLength?: number | undefined;
  readonly pattern?: string | undefined;
  readonly maxItems?: number | undefined;
  readonly minItems?: number | undefined;
  readonly uniqueItems?: boolean | undefined;
  readonly multipleOf?: number | undefined;
  readonly enum?: readonly JsonValue[] | undefined;
  readonly maxProperties?: number | undefined;
  readonly minProperties?: number | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: JsonValue | undefined;
  readonly allOf?: readonly JSONSchemaProps[] | undefined;
  readonly oneOf?: readonly JSONSchemaProps[] | undefined;
  readonly anyOf?: readonly JSONSchemaProps[] | undefined;
  readonly not?: JSONSchemaProps | undefined;
  readonly properties?: Readonly<Record<string, JSONSchemaProps>> | undefined;
  readonly additionalProperties?: JsonValue | undefined;
  readonly patternProperties?: Readonly<Record<string, JSONSchemaProps>> | undefined;
  readonly dependencies?: Readonly<Record<string, JsonValue>> | undefined;
  readonly additionalItems?: JsonValue | undefined;
  readonly definitions?: Readonly<Record<string, JSONSchemaProps>> | undefined;
  readonly externalDocs?: ExternalDocumentation | undefined;
  readonly example?: JsonValue | undefined;
  readonly nullable?: boolean | undefined;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean | undefined;
  readonly 'x-kubernetes-embedded-resource'?: boolean | undefined;
  readonly 'x-kubernetes-int-or-string'?: boolean | undefined;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[] | undefined;
  readonly 'x-kubernetes-list-type'?: string | undefined;
  readonly 'x-kubernetes-map-type'?: string | undefined;
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[] | undefined;
}

export const JSONSchemaProps: Struct<JSONSchemaProps> = recursiveStruct<JSONSchemaProps>(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps',
  (): Fields => ({
    id: string(1),
    $schema: string(2),
    $ref: string(3, { pointer: true }),
    description: string(4),
    type: string(5),
    format: string(6),
    title: string(7),
    default: json(8, { pointer: true }),
    maximum: double(9, { pointer: true }),
    exclusiveMaximum: bool(10),
    minimum: double(11, { pointer: true }),
    exclusiveMinimum: bool(12),
    maxLength: int64(13, { pointer: true }),
    minLength: int64(14, { pointer: true }),
    pattern: string(15),
    maxItems: int64(16, { pointer: true }),
    minItems: int64(17, { pointer: true }),
    uniqueItems: bool(18),
    multipleOf: double(19, { pointer: true }),
    enum: list(20, 'json', { listType: 'atomic' }),
    maxProperties: int64(21, { pointer: true }),
    minProperties: int64(22, { pointer: true }),
    required: list(23, 'string', { listType: 'atomic' }),
    items: eitherSchema(24, () => JSONSchemaProps, 'schemas'),
    allOf: list(25, JSONSchemaProps, { listType: 'atomic' }),
    oneOf: list(26, JSONSchemaProps, { listType: 'atomic' }),
    anyOf: list(27, JSONSchemaProps, { listType: 'atomic' }),
    not: pointer(28, JSONSchemaProps),
    properties: map(29, JSONSchemaProps),
    additionalProperties: eitherSchema(30, () => JSONSchemaProps, 'bool'),
    patternProperties: map(31, JSONSchemaProps),
    dependencies: mapOfEither(32, () => JSONSchemaProps, 'strings'),
    additionalItems: eitherSchema(33, () => JSONSchemaProps, 'bool'),
    definitions: map(34, JSONSchemaProps),
    externalDocs: pointer(35, ExternalDocumentation),
    example: json(36, { pointer: true }),
    nullable: bool(37),
    'x-kubernetes-preserve-unknown-fields': bool(38, { pointer: true }),
    'x-kubernetes-embedded-resource': bool(39),
    'x-kubernetes-int-or-string': bool(40),
    'x-kubernetes-list-map-keys': list(41, 'string', { listType: 'atomic' }),
    'x-kubernetes-list-type': string(42, { pointer: true }),
    'x-kubernetes-map-type': string(43, { pointer: true }),
    'x-kubernetes-validations': list(44, ValidationRule, { listType: 'map', keys: ['rule'], patch: 'merge', mergeKey: 'rule' }),
  }),
);
