import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { parse } from 'yaml';
import { decodeCbor, encodeCbor } from '#apimachinery/cbor.ts';
import { decodeDraft } from '#apimachinery/decode.ts';
import { decodeProtobuf, encodeProtobuf, openEnvelope, sealEnvelope } from '#apimachinery/protobuf.ts';
import { CustomResourceDefinition } from './apiextensions/custom-resource-definition.ts';
import { given } from './kind-probe.ts';
import { kinds } from './kinds.ts';

const reference = new URL('../../../shared/spec/roundtrip/', import.meta.url);
const skip = existsSync(reference) ? false : 'the reference data ../shared/spec is not here';

for (const kind of kinds) {
  const name = `${kind.group === '' ? 'core' : kind.group}.${kind.version}.${kind.kind}`;
  const files = { pb: new URL(`${name}.pb`, reference), json: new URL(`${name}.json`, reference), yaml: new URL(`${name}.yaml`, reference) };
  const missing = skip === false && !existsSync(files.pb) ? `there is no reference for ${name}` : skip;
  test(`${name} says the same in protobuf and JSON, and is encoded to the same bytes`, { skip: missing }, () => {
    const bytes = readFileSync(files.pb);
    const envelope = openEnvelope(bytes);
    assert.equal(envelope.kind, kind.kind);
    const fromProtobuf = decodeDraft(kind, decodeProtobuf(kind, envelope.raw));
    const unknownFields: string[] = [];
    const { apiVersion: _apiVersion, kind: _kind, ...fromJson } = decodeDraft(kind, JSON.parse(readFileSync(files.json, 'utf8')), { unknownFields });
    assert.deepEqual(unknownFields, []);
    assert.deepEqual(fromProtobuf, fromJson);
    assert.deepEqual(Buffer.from(sealEnvelope({ ...envelope, raw: encodeProtobuf(kind, fromProtobuf) })), bytes);
  });
  test(`${name} is the same document in JSON, YAML and CBOR, and stays it`, { skip: missing }, () => {
    const document = JSON.parse(readFileSync(files.json, 'utf8')) as object;
    assert.deepEqual(parse(readFileSync(files.yaml, 'utf8')), document);
    assert.deepEqual(decodeCbor(encodeCbor(document)), document);
    const { apiVersion, kind: kindName } = document as { readonly apiVersion?: string; readonly kind?: string };
    assert.deepEqual(JSON.parse(JSON.stringify({ ...decodeDraft(kind, document), apiVersion, kind: kindName })), document);
  });
  test(`${name} with its defaults is the same object from either encoding`, { skip: missing }, () => {
    const { apiVersion: _apiVersion, kind: _kind, ...made } = given(kind, JSON.parse(readFileSync(files.json, 'utf8')) as object);
    assert.deepEqual(decodeDraft(kind, JSON.parse(JSON.stringify(made)) as object), made);
    // What protobuf does not carry (the kind of an object within an object) is a default.
    assert.deepEqual(given(kind, decodeProtobuf(kind, encodeProtobuf(kind, made))), made);
  });
}

test('every form of a definition\'s schema has its message', () => {
  const schema = {
    type: 'object', maximum: 1.5, maxLength: 3, enum: ['a', 1, { b: null }], default: { a: 1 }, items: { type: 'string' }, additionalProperties: true, additionalItems: false,
    properties: { a: { items: [{ type: 'string' }, { $ref: 'x' }], additionalProperties: { type: 'integer' } }, b: { additionalProperties: false } },
    dependencies: { c: ['d', 'e'], f: { type: 'object' } }, not: { nullable: true }, anyOf: [{ required: ['x'] }], 'x-kubernetes-validations': [{ rule: 'true' }],
  };
  const definition = {
    metadata: { name: 'x' },
    spec: { group: 'g', names: { plural: 'xs', kind: 'X' }, scope: 'Cluster', versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }] },
  };
  const draft = decodeDraft(CustomResourceDefinition, definition);
  assert.deepEqual(draft.spec.versions[0]?.schema?.openAPIV3Schema, schema);
  assert.deepEqual(decodeDraft(CustomResourceDefinition, decodeProtobuf(CustomResourceDefinition, encodeProtobuf(CustomResourceDefinition, draft))), draft);
});
