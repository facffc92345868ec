import { nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import { canonicalIp, ipFamily } from '#apimachinery/ip.ts';
import { dns1123Subdomain, pathSegment } from '#apimachinery/names.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableFields } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { object, pointer, string, struct } from '#apimachinery/schema.ts';

export const ParentReference = struct('io.k8s.api.networking.v1.ParentReference', {
  group: string(1),
  resource: string(2, { required: true, omitEmpty: true }),
  namespace: string(3),
  name: string(4, { required: true, omitEmpty: true }),
});
export interface ParentReference extends Infer<typeof ParentReference> {}

export const IPAddressSpec = struct('io.k8s.api.networking.v1.IPAddressSpec', {
  parentRef: pointer(1, ParentReference, { required: true }),
});
export interface IPAddressSpec extends Infer<typeof IPAddressSpec> {}

function* validateParent({ spec: { parentRef } }: SpecPart<IPAddressSpec>): Iterable<FieldError> {
  // That it is there, with resource and name, is declared.
  const { group = '', resource = '', namespace = '', name = '' } = (parentRef as ParentReference | undefined) ?? {};
  const at = 'spec.parentRef';
  // The core group is the empty text.
  if (group !== '') for (const message of dns1123Subdomain(group)) yield invalidValue(`${at}.group`, group, message);
  for (const [field, value] of [['resource', resource], ['name', name], ['namespace', namespace]] as const) {
    if (value !== '') for (const message of pathSegment(value)) yield invalidValue(`${at}.${field}`, value, message);
  }
}

/** The address is the object's name: so nobody can take it twice. */
function* validateAddress({ metadata: { name } }: SpecPart<IPAddressSpec>): Iterable<FieldError> {
  if (ipFamily(name) === undefined) yield invalidValue('metadata.name', name, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
  else if (canonicalIp(name) !== name) yield invalidValue('metadata.name', name, `must be in canonical form ("${canonicalIp(name)}")`);
}

/** `services/default/web`. */
function showParent({ parentRef }: IPAddressSpec): string {
  // A stored object has one; a damaged one is shown without.
  const { group = '', resource = '', namespace = '', name = '' } = (parentRef as ParentReference | undefined) ?? {};
  return [group === '' ? resource : `${resource}.${group}`, namespace, name].filter((part) => part !== '').join('/');
}

export const IPAddress = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  shortNames: ['ip'],
  scope: 'Cluster',
  fields: {
    spec: object(2, IPAddressSpec, { required: true }),
  },
  strategy: { name: 'path-segment', generation: false },
  validate: [validateAddress, validateParent],
  validateUpdate: [immutableFields('spec.parentRef')],
  columns: [nameColumn, column<SpecPart<IPAddressSpec>>('ParentRef', ({ spec }) => showParent(spec))],
});
export interface IPAddress extends Infer<typeof IPAddress> {}
