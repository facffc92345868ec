/** Definitions that are refused, and in which words. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestApiServer } from '../support/api-server.ts';
import { startApiServer } from '../support/api-server.ts';

let api: TestApiServer;
before(async () => {
  api = await startApiServer();
});
after(() => api.close());

interface Changes {
  readonly name?: string;
  readonly group?: string;
  readonly names?: object;
  readonly version?: object;
  readonly spec?: object;
}
/** A definition of `foos.example.com`, good but for the changes. */
function definitionWith(properties: object, { name, group = 'example.com', names, version, spec }: Changes = {}): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: name ?? `foos.${group}` },
    spec: {
      group, scope: 'Namespaced', names: { plural: 'foos', kind: 'Foo', ...names },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } }, ...version }], ...spec,
    },
  };
}

const root = 'spec.validation.openAPIV3Schema';
const at = `${root}.properties[a]`;
const string = { type: 'string' };
const rules = (...texts: readonly string[]): object => ({ 'x-kubernetes-validations': texts.map((rule) => ({ rule })) });

const refused: readonly (readonly [string, object, string])[] = [
  ['another name', definitionWith({}, { name: 'bars.example.com' }), 'metadata.name: Invalid value: "bars.example.com": must be spec.names.plural+"."+spec.group'],
  ['a group without a dot', definitionWith({}, { group: 'example' }), 'spec.group: Invalid value: "example": should be a domain with at least one dot'],
  ['a field without a type', definitionWith({ a: {} }), `${at}.type: Required value: must not be empty for specified object fields`],
  ['an array without items', definitionWith({ a: { type: 'array' } }), `${at}.items: Required value: must be specified`],
  ['items without a type', definitionWith({ a: { type: 'array', items: {} } }), `${at}.items.type: Required value: must not be empty for specified array items`],
  ['an unknown type', definitionWith({ a: { type: 'text' } }), `${at}.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`],
  ['a pattern that is none', definitionWith({ a: { type: 'string', pattern: '(' } }), `${at}.pattern: Invalid value: "(": must be a valid regular expression, but isn't: `],
  ['a type in anyOf', definitionWith({ a: { type: 'object', properties: { b: string }, anyOf: [{ properties: { b: string } }] } }), `${at}.anyOf[0].properties[b].type: Forbidden: must be empty to be structural`],
  ['a restriction of what is not declared', definitionWith({}, { version: { schema: { openAPIV3Schema: { type: 'object', anyOf: [{ properties: { b: { minLength: 1 } } }] } } } }), `${root}.properties[b]: Required value: because it is defined in ${root}.anyOf[0].properties[b]`],
  ['additionalProperties at the root', definitionWith({}, { version: { schema: { openAPIV3Schema: { type: 'object', additionalProperties: string } } } }), `${root}.additionalProperties: Forbidden: must not be used at the root`],
  ['a schema of metadata', definitionWith({ metadata: { type: 'object', properties: { labels: { type: 'object' } } } }), `${root}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`],
  ['unique items', definitionWith({ a: { type: 'array', items: string, uniqueItems: true } }), `${at}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`],
  ['a list type of no list', definitionWith({ a: { type: 'string', 'x-kubernetes-list-type': 'set' } }), `${at}.type: Invalid value: "string": must be array if x-kubernetes-list-type is specified`],
  ['a map list without keys', definitionWith({ a: { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } } }), `${at}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`],
  ['a key that may be missing', definitionWith({ a: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: { type: 'object', properties: { k: string } } } }), `${at}.items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`],
  ['a default of another type', definitionWith({ a: { type: 'integer', default: 'x' } }), `${at}.default: Invalid value: "string":  in body must be of type integer: "string"`],
  ['a default that a rule refuses', definitionWith({ a: { type: 'integer', default: 0, ...rules('self > 0') } }), `${at}.default: Invalid value: 0: failed rule: self > 0`],
  ['a rule that does not compile', definitionWith({ a: { type: 'integer', ...rules('self < "x" && true') } }), `${at}.x-kubernetes-validations[0].rule: Invalid value: {"Rule":"self \\u003c \\"x\\" \\u0026\\u0026 true","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: compilation failed: `],
  ['a reference, of which nothing else is told', definitionWith({ a: { $ref: '#/x' } }), `is invalid: ${at}.$ref: Forbidden: $ref is not supported`],
  ['a column of an unknown format', definitionWith({}, { version: { additionalPrinterColumns: [{ name: 'X', type: 'string', format: 'zz', jsonPath: '.a' }] } }), 'spec.additionalPrinterColumns[0].format: Invalid value: "zz": must be one of byte,date,date-time,double,float,int32,int64,password'],
  ['a selector of a scale that is nowhere', definitionWith({}, { version: { subresources: { scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n', labelSelectorPath: '.a' } } } }), 'spec.subresources.scale.labelSelectorPath: Invalid value: ".a": should be a json path under either .spec or .status'],
  ['one version twice', definitionWith({}, { spec: { versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }, { name: 'v1', served: true, storage: false, schema: { openAPIV3Schema: { type: 'object' } } }] } }), '"SelectableFields":null}]: must contain unique version names'],
  ['versions that differ', definitionWith({}, { spec: { versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }, { name: 'v2', served: true, storage: false, schema: { openAPIV3Schema: { type: 'object', properties: { a: {} } } } }] } }), 'spec.versions[1].schema.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields'],
  ['a default with unknown fields', definitionWith({ a: { type: 'object', properties: { b: string }, default: { c: 1 } } }), `${at}.default: Invalid value: {"c":1}: must not have unknown fields`],
  ['two kinds of value', definitionWith({ a: { 'x-kubernetes-int-or-string': true, 'x-kubernetes-preserve-unknown-fields': true } }), `${at}.x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true`],
  ['a rule that does not parse', definitionWith({ a: { ...string, ...rules('self ==') } }), 'Syntax error'],
  ['a rule of unknown fields', definitionWith({ a: { type: 'object', ...rules('self.b == 1') } }), "compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b == 1\n | ....^"],
  ['a rule that is no condition', definitionWith({ a: { ...string, ...rules('self') } }), 'cel expression must evaluate to a bool'],
  ['a rule that costs too much', definitionWith({ a: { type: 'array', items: { type: 'string' }, ...rules('self.all(x, self.all(y, x == y))') } }), `${at}.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`],
  ['a comparison with what cannot be found', definitionWith({ a: { type: 'array', maxItems: 3, items: { type: 'string', maxLength: 5, ...rules('self == oldSelf') } } }), `${at}.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${at}`],
  ['an optional old value that is not used', definitionWith({ a: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self != ""', optionalOldSelf: true }] } }), `${at}.x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`],
  ['a warning without deprecation', definitionWith({}, { version: { deprecationWarning: 'old' } }), 'spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions'],
  ['a selectable field that is not there', definitionWith({}, { version: { selectableFields: [{ jsonPath: '.spec.x' }] } }), 'spec.selectableFields[0].jsonPath: Invalid value: ".spec.x": is an invalid path: does not refer to a valid field'],
  ['a selectable object', definitionWith({ a: { type: 'object' } }, { version: { selectableFields: [{ jsonPath: '.a' }] } }), 'spec.selectableFields[0].jsonPath: Invalid value: ".a": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'],
  ['a protected group', definitionWith({}, { group: 'apps.k8s.io' }), 'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111'],
  ['a conversion at a port that is none', definitionWith({}, { spec: { conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { service: { name: 'n', namespace: 'd', port: 70_000 } } } } } }), 'spec.conversion.webhookClientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive'],
  ['a conversion to two places', definitionWith({}, { spec: { conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: {} } } } }), 'spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required'],
  ['no storage version', definitionWith({}, { version: { storage: false } }), 'must have exactly one version marked as storage version'],
];

describe('a definition is refused that has', () => {
  for (const [what, definition, message] of refused) {
    test(what, async () => {
      const answer = await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: definition });
      assert.equal(answer.code, 422, answer.text);
      assert.ok(String(answer.json()['message']).includes(message), String(answer.json()['message']));
    });
  }
});

test('a good definition with all kinds of fields is taken', async () => {
  const answer = await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: definitionWith({
    a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
    b: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    c: { type: 'array', items: { type: 'object', required: ['k'], properties: { k: string } }, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] },
    d: { type: 'object', additionalProperties: { type: 'array', items: string }, default: { x: ['y'] } },
    e: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    f: { type: 'object', properties: { g: string, h: string }, oneOf: [{ required: ['g'] }, { required: ['h'] }] },
    metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 10 } } },
  }, { group: 'good.example.com', version: { subresources: { status: {} } } }) });
  assert.equal(answer.code, 201, answer.text);
});

test('a definition that is deleted goes, though its finalizer has no domain', async () => {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const body = definitionWith({}, { group: 'going.example.com' });
  assert.equal((await api.request('POST', path, { body })).code, 201);
  assert.equal((await api.request('DELETE', `${path}/foos.going.example.com`)).code, 200);
  for await (const { type, object } of api.watch(`${path}?watch=true&resourceVersion=1&fieldSelector=metadata.name%3Dfoos.going.example.com`)) {
    assert.equal(object.metadata.name, 'foos.going.example.com');
    if (type === 'DELETED') break;
  }
});
