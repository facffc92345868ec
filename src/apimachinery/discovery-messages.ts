/**
 * Discovery documents as protobuf has them, where that is not what OpenAPI says of them.
 *
 * Source: API reference "APIGroupDiscoveryList" (apidiscovery.k8s.io), "APIResourceList".
 */
import { APIResource, APIResourceList, ListMeta } from './meta-schemas.ts';
import { TemplateMeta } from './object-meta.ts';
import type { Field } from './schema.ts';
import { list, object, pointer, string, struct } from './schema.ts';

const GroupVersionKind = struct('io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionKind', { group: string(1), version: string(2), kind: string(3) });

const APISubresourceDiscovery = struct('io.k8s.api.apidiscovery.v2.APISubresourceDiscovery', {
  subresource: string(1),
  responseKind: pointer(2, GroupVersionKind),
  acceptedTypes: list(3, GroupVersionKind),
  verbs: list(4, 'string'),
});

const APIResourceDiscovery = struct('io.k8s.api.apidiscovery.v2.APIResourceDiscovery', {
  resource: string(1),
  responseKind: pointer(2, GroupVersionKind),
  scope: string(3),
  singularResource: string(4),
  verbs: list(5, 'string'),
  shortNames: list(6, 'string'),
  categories: list(7, 'string'),
  subresources: list(8, APISubresourceDiscovery),
});

const APIVersionDiscovery = struct('io.k8s.api.apidiscovery.v2.APIVersionDiscovery', {
  version: string(1),
  resources: list(2, APIResourceDiscovery),
  freshness: string(3),
});

export const APIGroupDiscovery = struct('io.k8s.api.apidiscovery.v2.APIGroupDiscovery', {
  metadata: object(1, TemplateMeta),
  versions: list(2, APIVersionDiscovery),
});

/** Of both versions: they differ in nothing but their name. */
export const APIGroupDiscoveryList = struct('io.k8s.api.apidiscovery.v2.APIGroupDiscoveryList', {
  metadata: object(1, ListMeta),
  items: list(2, APIGroupDiscovery),
});

const Verbs = struct('io.k8s.apimachinery.pkg.apis.meta.v1.Verbs', { items: list(1, 'string') });
const ResourceMessage = struct(APIResource.name, { ...fieldsOf(APIResource.fields), verbs: pointer(4, Verbs) });

/** An APIResourceList whose verbs are a message of their own, as `resourceListMessage` makes them. */
export const ResourceListMessage = struct(APIResourceList.name, { ...fieldsOf(APIResourceList.fields), resources: list(2, ResourceMessage) });

function fieldsOf(fields: ReadonlyMap<string, Field>): Record<string, Field> {
  return Object.fromEntries(fields);
}

export function resourceListMessage(document: object): object {
  const { resources = [] } = document as { readonly resources?: readonly { readonly verbs?: readonly string[] }[] };
  return { ...document, resources: resources.map((each) => ({ ...each, ...(each.verbs !== undefined && { verbs: { items: each.verbs } }) })) };
}
