import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { kinds } from '#api/kinds.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import { inOneGo, openApiV2, openApiV3 } from '#apimachinery/openapi.ts';
import { shortHash } from './openapi-answer.ts';
import { protobufPieces } from './openapi-protobuf.ts';
import { documentV2 } from './openapi-v2-messages.ts';
import { documentV3 } from './openapi-v3-messages.ts';

/** The part of the published definitions that is looked at, written down apart from the tables that write. */
const v2 = `syntax = "proto3";
message Any { string yaml = 2; }
message NamedAny { string name = 1; Any value = 2; }
message Schema { string ref = 1; string format = 2; string description = 4; repeated string required = 19; Additional additional = 21; Texts type = 22; Items items = 23;
  Properties properties = 25; repeated NamedAny extension = 31; }
message Additional { oneof one { Schema schema = 1; bool boolean = 2; } }
message Texts { repeated string value = 1; }
message Items { repeated Schema schema = 1; }
message Properties { repeated NamedSchema named = 1; }
message NamedSchema { string name = 1; Schema value = 2; }
message Body { string name = 2; string in = 3; bool required = 4; Schema schema = 5; }
message Query { string in = 2; string description = 3; string name = 4; string type = 6; bool unique = 20; }
message Path { bool required = 1; string in = 2; string name = 4; string type = 5; bool unique = 19; }
message NonBody { oneof one { Query query = 3; Path path = 4; } }
message Parameter { oneof one { Body body = 1; NonBody other = 2; } }
message Reference { string ref = 1; }
message ParametersItem { oneof one { Parameter parameter = 1; Reference reference = 2; } }
message SchemaItem { Schema schema = 1; }
message Response { string description = 1; SchemaItem schema = 2; }
message ResponseValue { Response response = 1; }
message NamedResponse { string name = 1; ResponseValue value = 2; }
message Responses { repeated NamedResponse code = 1; }
message Operation { repeated string tags = 1; string description = 3; string id = 5; repeated string produces = 6; repeated string consumes = 7;
  repeated ParametersItem parameters = 8; Responses responses = 9; repeated string schemes = 10; repeated NamedAny extension = 13; }
message PathItem { Operation get = 2; Operation post = 4; repeated ParametersItem parameters = 9; }
message NamedPathItem { string name = 1; PathItem value = 2; }
message Paths { repeated NamedPathItem path = 2; }
message Info { string title = 1; string version = 2; }
message NamedParameter { string name = 1; Parameter value = 2; }
message Parameters { repeated NamedParameter named = 1; }
message NamedTexts { string name = 1; Texts value = 2; }
message Requirement { repeated NamedTexts named = 1; }
message ApiKey { string type = 1; string name = 2; string in = 3; }
message Security { ApiKey apiKey = 2; }
message NamedSecurity { string name = 1; Security value = 2; }
message Securities { repeated NamedSecurity named = 1; }
message Document { string swagger = 1; Info info = 2; Paths paths = 8; Properties definitions = 9; Parameters parameters = 10; repeated Requirement security = 12; Securities schemes = 13; }`;

const v3 = `syntax = "proto3";
message Any { string yaml = 2; }
message NamedAny { string name = 1; Any value = 2; }
message Reference { string ref = 1; }
message Default { oneof one { double number = 1; bool boolean = 2; string text = 3; } }
message Schema { repeated string required = 23; string type = 25; repeated SchemaOr allOf = 26; repeated SchemaOr oneOf = 27; Items items = 30; Properties properties = 31;
  Additional additional = 32; Default default = 33; string format = 35; repeated NamedAny extension = 36; }
message SchemaOr { oneof one { Schema schema = 1; Reference reference = 2; } }
message Items { repeated SchemaOr item = 1; }
message Additional { oneof one { SchemaOr schema = 1; bool boolean = 2; } }
message NamedSchema { string name = 1; SchemaOr value = 2; }
message Properties { repeated NamedSchema named = 1; }
message MediaType { SchemaOr schema = 1; }
message NamedMediaType { string name = 1; MediaType value = 2; }
message MediaTypes { repeated NamedMediaType named = 1; }
message Parameter { string name = 1; string in = 2; bool required = 4; SchemaOr schema = 10; }
message ParameterOr { Parameter parameter = 1; }
message Body { MediaTypes content = 2; bool required = 3; }
message BodyOr { Body body = 1; }
message Response { string description = 1; MediaTypes content = 3; }
message ResponseOr { Response response = 1; }
message NamedResponse { string name = 1; ResponseOr value = 2; }
message Responses { repeated NamedResponse named = 2; }
message Operation { string id = 5; repeated ParameterOr parameters = 6; BodyOr body = 7; Responses responses = 8; repeated NamedAny extension = 13; }
message PathItem { Operation get = 4; Operation post = 6; repeated ParameterOr parameters = 13; }
message NamedPathItem { string name = 1; PathItem value = 2; }
message Paths { repeated NamedPathItem path = 1; }
message Components { Properties schemas = 1; }
message Info { string title = 1; string version = 6; }
message Document { string openapi = 1; Info info = 2; Paths paths = 4; Components components = 5; }`;

interface Named {
  readonly name: string;
  readonly value: Record<string, unknown>;
}

function decode(source: string, of: Parameters<typeof protobufPieces>[0], document: JsonObject): Record<string, unknown> {
  const bytes = Buffer.concat(inOneGo(protobufPieces(of, document)));
  const type = protobuf.parse(source, { keepCase: true }).root.lookupType('Document');
  return type.toObject(type.decode(bytes), { oneofs: false });
}

function valueOf(list: unknown, name: string): Record<string, unknown> {
  const found = (list as readonly Named[]).find((each) => each.name === name);
  assert.ok(found !== undefined, name);
  return found.value;
}

test('the document of version 2 reads the same in protobuf', () => {
  const document = JSON.parse(JSON.stringify(inOneGo(openApiV2(kinds, shortHash)))) as JsonObject;
  const read = decode(v2, documentV2, document);
  assert.equal(read['swagger'], '2.0');
  assert.deepEqual(read['info'], { title: 'Kubernetes', version: 'unversioned' });
  assert.deepEqual(read['security'], [{ named: [{ name: 'BearerToken', value: {} }] }]);
  assert.deepEqual(valueOf((read['schemes'] as { named: unknown }).named, 'BearerToken'), { apiKey: { type: 'apiKey', name: 'authorization', in: 'header' } });
  const paths = (read['paths'] as { path: readonly Named[] }).path;
  assert.deepEqual(paths.map(({ name }) => name), Object.keys(document['paths'] as JsonObject));
  const definitions = (read['definitions'] as { named: readonly Named[] }).named;
  assert.deepEqual(definitions.map(({ name }) => name), Object.keys(document['definitions'] as JsonObject));

  const pods = valueOf(paths, '/api/v1/namespaces/{namespace}/pods') as { post: { parameters: unknown[]; responses: { code: unknown } } & Record<string, unknown>; parameters: unknown[] };
  assert.equal(pods.post['id'], 'createCoreV1NamespacedPod');
  assert.deepEqual(pods.post['extension'], [
    { name: 'x-kubernetes-action', value: { yaml: '"post"\n' } },
    { name: 'x-kubernetes-group-version-kind', value: { yaml: '{"group":"","kind":"Pod","version":"v1"}\n' } },
  ]);
  assert.deepEqual(pods.post.parameters[0], { parameter: { body: { in: 'body', name: 'body', required: true, schema: { ref: '#/definitions/io.k8s.api.core.v1.Pod' } } } });
  assert.deepEqual(valueOf(pods.post.responses.code, '201'), { response: { description: 'Created', schema: { schema: { ref: '#/definitions/io.k8s.api.core.v1.Pod' } } } });
  const [namespace] = pods.parameters as readonly { reference: { ref: string } }[];
  const shared = valueOf((read['parameters'] as { named: unknown }).named, namespace?.reference.ref.slice('#/parameters/'.length) ?? '');
  assert.deepEqual(shared, { other: { path: { in: 'path', name: 'namespace', required: true, type: 'string', unique: true } } });

  const spec = valueOf(definitions, 'io.k8s.api.core.v1.PodSpec') as { type: unknown; required: unknown; properties: { named: unknown } };
  assert.deepEqual(spec.type, { value: ['object'] });
  assert.deepEqual(spec.required, ['containers']);
  const selector = valueOf(spec.properties.named, 'nodeSelector');
  assert.deepEqual(selector['additional'], { schema: { type: { value: ['string'] } } });
  const containers = valueOf(spec.properties.named, 'containers');
  assert.deepEqual(containers['items'], { schema: [{ ref: '#/definitions/io.k8s.api.core.v1.Container' }] });
  assert.deepEqual((containers['extension'] as readonly Named[]).find(({ name }) => name === 'x-kubernetes-list-map-keys')?.value, { yaml: '["name"]\n' });
});

test('the documents of version 3 read the same in protobuf', () => {
  const steps = openApiV3(kinds, 'apis/apps/v1');
  assert.ok(steps !== undefined);
  const document = JSON.parse(JSON.stringify(inOneGo(steps))) as JsonObject;
  const read = decode(v3, documentV3, document) as { openapi: string; paths: { path: readonly Named[] }; components: { schemas: { named: readonly Named[] } } };
  assert.equal(read.openapi, '3.0.0');
  assert.deepEqual(read.paths.path.map(({ name }) => name), Object.keys(document['paths'] as JsonObject));
  const item = valueOf(read.paths.path, '/apis/apps/v1/namespaces/{namespace}/deployments') as { post: { body: { body: { content: { named: unknown }; required: boolean } }; responses: { named: unknown } } };
  const whole = { schema: { reference: { ref: '#/components/schemas/io.k8s.api.apps.v1.Deployment' } } };
  assert.equal(item.post.body.body.required, true);
  assert.deepEqual(valueOf(item.post.body.body.content.named, '*/*'), whole);
  const created = valueOf(item.post.responses.named, '201') as { response: { description: string; content: { named: unknown } } };
  assert.equal(created.response.description, 'Created');
  assert.deepEqual(valueOf(created.response.content.named, 'application/json'), whole);

  const schema = valueOf(read.components.schemas.named, 'io.k8s.api.apps.v1.DeploymentSpec') as { schema: { type: string; required: unknown; properties: { named: unknown } } };
  assert.equal(schema.schema.type, 'object');
  assert.deepEqual(schema.schema.required, ['selector', 'template']);
  assert.deepEqual(valueOf(schema.schema.properties.named, 'replicas'), { schema: { type: 'integer', format: 'int32' } });
  // A default that is an object has no form in protobuf: only that there is one is told.
  assert.deepEqual(valueOf(schema.schema.properties.named, 'template'), { schema: { allOf: [{ reference: { ref: '#/components/schemas/io.k8s.api.core.v1.PodTemplateSpec' } }], default: {} } });
});
