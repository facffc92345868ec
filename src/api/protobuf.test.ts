import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { decodeDraft } from '#apimachinery/decode.ts';
import { decodeProtobuf, encodeProtobuf, openEnvelope, sealEnvelope } from '#apimachinery/protobuf.ts';
import { kinds } from './kinds.ts';

const reference = new URL('../../../shared/spec/roundtrip/', import.meta.url);
const skip = existsSync(reference) ? false : 'the reference data ../shared/spec is not here';

for (const kind of kinds) {
  const name = `${kind.group === '' ? 'core' : kind.group}.${kind.version}.${kind.kind}`;
  const files = { pb: new URL(`${name}.pb`, reference), json: new URL(`${name}.json`, reference) };
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
}
