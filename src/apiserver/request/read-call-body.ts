import { mayNeedExactness, parseExactJson, withExactIntegers } from '#apimachinery/exact-json.ts';
import type { JsonValue } from '#apimachinery/json.ts';
import { ProtobufError, decodeProtobuf, openEnvelope } from '#apimachinery/protobuf.ts';
import { WireError } from '#apimachinery/protobuf-wire.ts';
import type { AnyStruct } from '#apimachinery/schema.ts';
import { badRequest, unsupportedMediaType } from '#apimachinery/status-error.ts';
import type { CallBody } from './api-call.ts';
import type { DuplicateKey } from './duplicate-keys.ts';
import { duplicateKeys, inDocumentOrder } from './duplicate-keys.ts';
import { cbor, yaml } from './rare-formats.ts';
import { UnreadableBody } from './unreadable-body.ts';

const jsonTypes = new Set([
  'application/json', 'application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json',
]);
export const protobufType = 'application/vnd.kubernetes.protobuf';
const cborTypes = new Set(['application/cbor', 'application/apply-patch+cbor']);
const yamlTypes = new Set(['application/yaml', 'application/apply-patch+yaml']);

/** The declaration of a kind that a protobuf body may hold; undefined when there is none. */
export type KindOf = (apiVersion: string, kind: string) => AnyStruct | undefined;

/**
 * Reads a request body as its media type says; undefined when it is empty. Bodies of unknown types are a 415, what
 * cannot be parsed is a 400. An apply configuration in JSON is read as such: JSON is YAML, and quicker to read.
 */
export function readCallBody(bytes: Buffer, contentType: string, kindOf: KindOf): CallBody | undefined {
  if (bytes.length === 0) return undefined;
  if (contentType === protobufType) return readProtobuf(bytes, kindOf);
  if (cborTypes.has(contentType)) return readCbor(bytes);
  const isYaml = yamlTypes.has(contentType);
  if (!isYaml && !jsonTypes.has(contentType)) throw unsupportedMediaType(['application/json', 'application/yaml', protobufType, 'application/cbor']);
  const text = bytes.toString();
  if (isYaml && !looksLikeJson(bytes)) return readYaml(text);
  try {
    const json = wellFormed(JSON.parse(text) as JsonValue, text);
    return { json, exact: () => (mayNeedExactness(text) ? wellFormed(parseExactJson(text), text, parseExactJson) : json), duplicateFields: () => duplicateKeys(text), inOrder: (paths) => inDocumentOrder(text, paths) };
  } catch (error) {
    if (isYaml) return readYaml(text);
    throw new UnreadableBody(`couldn't get version/kind; json parse error: ${(error as Error).message}`, bytes);
  }
}

/**
 * Halves of surrogate pairs, which only escapes can bring in, become U+FFFD, as Go's decoder makes of them: keys of the
 * store and protobuf are UTF-8, which has no form for them.
 */
function wellFormed(json: JsonValue, text: string, parse: (text: string) => JsonValue = parseJson): JsonValue {
  if (!/\\[uU](?:0000)?[dD][89a-fA-F]/.test(text)) return json;
  // JSON.stringify escapes nothing of the kind but halves.
  const escaped = JSON.stringify(json).replaceAll(/\\(?:\\|u(d[89a-f][0-9a-f]{2}))/g, (found, half: string | undefined) => (half === undefined ? found : '\\ufffd'));
  return parse(escaped);
}

function parseJson(text: string): JsonValue {
  return JSON.parse(text) as JsonValue;
}

function looksLikeJson(bytes: Buffer): boolean {
  return bytes[0] === 0x7b;
}

function readYaml(text: string): CallBody {
  const { parseDocument } = yaml();
  // What looks like a time stays the text it is, as Go's reader has it.
  const customTags = (tags: readonly { readonly tag?: string }[]): unknown => tags.filter((each) => each.tag !== 'tag:yaml.org,2002:timestamp');
  const options = { uniqueKeys: false, version: '1.1', schema: 'yaml-1.1', merge: true, maxAliasCount: 100, customTags };
  const document = parseDocument(text, options as never);
  const [error] = document.errors;
  if (error !== undefined) throw badRequest(`error parsing YAML: ${error.message.split('\n', 1)[0] ?? 'invalid document'}`);
  let json: JsonValue;
  try {
    json = wellFormed(document.toJS({ maxAliasCount: 100 }) as JsonValue, text);
  } catch (failure) {
    throw badRequest(`error parsing YAML: ${(failure as Error).message}`);
  }
  const exact = (): JsonValue => (mayNeedExactness(text) ? wellFormed(withExactIntegers(parseDocument(text, { ...options, intAsBigInt: true } as never).toJS({ maxAliasCount: 100 })), text, parseExactJson) : json);
  return { json, exact, duplicateFields: () => yamlDuplicates(text) };
}

function yamlDuplicates(text: string): readonly DuplicateKey[] {
  const { parse, parseDocument } = yaml();
  return parseDocument(text).errors.filter((each) => each.code === 'DUPLICATE_KEY').map(({ linePos, pos: [start] }) => {
    const [, written = ''] = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\n]*?)\s*:(?:\s|$)/.exec(text.slice(start)) ?? [];
    return { path: undefined, key: String(parse(written)), line: linePos?.[0].line ?? 0 };
  });
}

/** What stands before integers of eight bytes. */
const longInteger = 0x1b;
const longNegative = 0x3b;

function readCbor(bytes: Buffer): CallBody {
  const { CborError, decodeCbor } = cbor();
  try {
    const json = decodeCbor(bytes);
    return { json, exact: () => (bytes.includes(longInteger) || bytes.includes(longNegative) ? decodeCbor(bytes, { exact: true }) : json), duplicateFields: () => [] };
  } catch (error) {
    if (error instanceof CborError) throw badRequest(`unable to decode the CBOR body: ${error.message}`);
    throw error;
  }
}

/** Protobuf has no unknown or duplicate fields to tell of: they are skipped, and the last one counts. */
function readProtobuf(bytes: Buffer, kindOf: KindOf): CallBody {
  try {
    const { apiVersion, kind, raw } = openEnvelope(bytes);
    const struct = kindOf(apiVersion, kind);
    if (struct === undefined) throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
    return { json: { ...decodeProtobuf(struct, raw), kind, apiVersion }, duplicateFields: () => [] };
  } catch (error) {
    if (error instanceof ProtobufError || error instanceof WireError) throw badRequest(`unable to decode the protobuf body: ${error.message}`);
    throw error;
  }
}
