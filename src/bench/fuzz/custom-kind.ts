/** A custom kind whose definition has something of everything: its schema as a server gets it, and as a declaration to generate from. */
import type { JsonObject } from '#apimachinery/json.ts';
import { defineResource, scale, status } from '#apimachinery/resource.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { bool, double, int32, intOrString, list, map, object, string, struct } from '#apimachinery/schema.ts';

const Part = struct('fuzz.Part', { name: string(1), count: int32(2), ratio: double(3), size: intOrString(4), tags: list(5, 'string') });
const Spec = struct('fuzz.Spec', {
  replicas: int32(1), mode: string(2), text: string(3), on: bool(4), names: list(5, 'string'), labels: map(6, 'string'), parts: list(7, Part), one: object(8, Part), free: map(9, 'json'),
});
const Status = struct('fuzz.Status', { replicas: int32(1), selector: string(2) });

export const fuzzKind = defineResource({
  group: 'fuzz.example.com', version: 'v1', kind: 'Fuzz', plural: 'fuzzes', scope: 'Namespaced', fields: { spec: object(1, Spec), status: object(2, Status) },
  subresources: [status(), scale({ replicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'status.selector' })],
}) as unknown as ResourceKind;

const part: JsonObject = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', maxLength: 63 }, count: { type: 'integer', minimum: 0, maximum: 100, default: 1 }, ratio: { type: 'number', nullable: true },
    size: { 'x-kubernetes-int-or-string': true }, tags: { type: 'array', 'x-kubernetes-list-type': 'set', maxItems: 10, items: { type: 'string', maxLength: 20 } },
  },
  'x-kubernetes-validations': [{ rule: 'self.name != "forbidden" && (!has(self.count) || self.count < 90)', messageExpression: '"not " + self.name' }],
};

const schema: JsonObject = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        replicas: { type: 'integer', minimum: 0, default: 1 }, mode: { type: 'string', enum: ['app', 'http', 'linux', 'Always'] }, text: { type: 'string', maxLength: 100, pattern: '^[a-zA-Z0-9/:.-]*$' }, on: { type: 'boolean' },
        names: { type: 'array', maxItems: 10, items: { type: 'string', maxLength: 300 } }, labels: { type: 'object', maxProperties: 10, additionalProperties: { type: 'string', maxLength: 100 } },
        parts: { type: 'array', maxItems: 10, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: part }, one: part,
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
      'x-kubernetes-validations': [
        { rule: '!has(self.names) || self.names.all(name, name.size() < 200)' },
        { rule: 'self.replicas <= 1000', message: 'too many' },
        { rule: '!has(self.text) || self.text.matches("^.*$") && self.text.split("/").size() < 50' },
        { rule: 'self.replicas >= oldSelf.replicas - 500', optionalOldSelf: false },
      ],
    },
    status: { type: 'object', properties: { replicas: { type: 'integer' }, selector: { type: 'string' } } },
  },
};

export const fuzzDefinition: JsonObject = {
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'fuzzes.fuzz.example.com' },
  spec: {
    group: 'fuzz.example.com', scope: 'Namespaced', names: { kind: 'Fuzz', plural: 'fuzzes', singular: 'fuzz' },
    versions: [{
      name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema },
      subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' } },
      additionalPrinterColumns: [{ name: 'Mode', type: 'string', jsonPath: '.spec.mode' }, { name: 'Parts', type: 'string', jsonPath: '.spec.parts[*].name' }],
      selectableFields: [{ jsonPath: '.spec.mode' }],
    }],
  },
};
