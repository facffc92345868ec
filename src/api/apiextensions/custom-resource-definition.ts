import { createdAtColumn, nameColumn } from '#apimachinery/columns.ts';
import { defineResource, status } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, bytes, int32, int64, list, object, oneOf, pointer, string, struct, time } from '#apimachinery/schema.ts';
import { beginDeletion, defaultDefinition, validateDefinition, validateDefinitionUpdate, withStorageVersion } from './definition-rules.ts';
import { JSONSchemaProps } from './json-schema-props.ts';

export const CustomResourceDefinitionNames = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames', {
  plural: string(1, { required: true }),
  singular: string(2),
  shortNames: list(3, 'string', { listType: 'atomic' }),
  kind: string(4, { required: true }),
  listKind: string(5),
  categories: list(6, 'string', { listType: 'atomic' }),
});
export interface CustomResourceDefinitionNames extends Infer<typeof CustomResourceDefinitionNames> {}

export const CustomResourceValidation = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceValidation', {
  openAPIV3Schema: pointer(1, JSONSchemaProps),
});
export interface CustomResourceValidation extends Infer<typeof CustomResourceValidation> {}

export const CustomResourceSubresourceStatus = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceStatus', {});
export interface CustomResourceSubresourceStatus extends Infer<typeof CustomResourceSubresourceStatus> {}

export const CustomResourceSubresourceScale = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceScale', {
  specReplicasPath: string(1, { required: true }),
  statusReplicasPath: string(2, { required: true }),
  labelSelectorPath: string(3, { pointer: true }),
});
export interface CustomResourceSubresourceScale extends Infer<typeof CustomResourceSubresourceScale> {}

export const CustomResourceSubresources = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresources', {
  status: pointer(1, CustomResourceSubresourceStatus),
  scale: pointer(2, CustomResourceSubresourceScale),
});
export interface CustomResourceSubresources extends Infer<typeof CustomResourceSubresources> {}

export const CustomResourceColumnDefinition = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceColumnDefinition', {
  name: string(1, { required: true }),
  type: string(2, { required: true }),
  format: string(3),
  description: string(4),
  priority: int32(5),
  jsonPath: string(6, { required: true }),
});
export interface CustomResourceColumnDefinition extends Infer<typeof CustomResourceColumnDefinition> {}

export const SelectableField = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.SelectableField', {
  jsonPath: string(1, { required: true }),
});
export interface SelectableField extends Infer<typeof SelectableField> {}

export const CustomResourceDefinitionVersion = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion', {
  name: string(1, { required: true }),
  served: bool(2, { required: true }),
  storage: bool(3, { required: true }),
  deprecated: bool(7),
  deprecationWarning: string(8, { pointer: true }),
  schema: pointer(4, CustomResourceValidation),
  subresources: pointer(5, CustomResourceSubresources),
  additionalPrinterColumns: list(6, CustomResourceColumnDefinition, { listType: 'atomic' }),
  selectableFields: list(9, SelectableField, { listType: 'atomic' }),
});
export interface CustomResourceDefinitionVersion extends Infer<typeof CustomResourceDefinitionVersion> {}

export const ServiceReference = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference', {
  namespace: string(1, { required: true, mayBeEmpty: true }),
  name: string(2, { required: true, mayBeEmpty: true }),
  path: string(3, { pointer: true }),
  port: int32(4, { pointer: true, default: 443 }),
});
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const WebhookClientConfig = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookClientConfig', {
  url: string(3, { pointer: true }),
  service: pointer(1, ServiceReference),
  caBundle: bytes(2),
});
export interface WebhookClientConfig extends Infer<typeof WebhookClientConfig> {}

export const WebhookConversion = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookConversion', {
  clientConfig: pointer(2, WebhookClientConfig),
  conversionReviewVersions: list(3, 'string', { required: true, listType: 'atomic' }),
});
export interface WebhookConversion extends Infer<typeof WebhookConversion> {}

export const CustomResourceConversion = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion', {
  strategy: oneOf(1, ['None', 'Webhook'], { required: true }),
  webhook: pointer(2, WebhookConversion),
});
export interface CustomResourceConversion extends Infer<typeof CustomResourceConversion> {}

export const CustomResourceDefinitionSpec = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec', {
  group: string(1, { required: true }),
  names: object(3, CustomResourceDefinitionNames, { required: true }),
  scope: oneOf(4, ['Cluster', 'Namespaced'], { required: true }),
  versions: list(7, CustomResourceDefinitionVersion, { required: true, listType: 'atomic' }),
  conversion: pointer(9, CustomResourceConversion, { default: { strategy: 'None' } }),
  preserveUnknownFields: bool(10),
});
export interface CustomResourceDefinitionSpec extends Infer<typeof CustomResourceDefinitionSpec> {}

export const CustomResourceDefinitionCondition = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
  observedGeneration: int64(6),
});
export interface CustomResourceDefinitionCondition extends Infer<typeof CustomResourceDefinitionCondition> {}

export const CustomResourceDefinitionStatus = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus', {
  conditions: list(1, CustomResourceDefinitionCondition, { always: true, listType: 'map', keys: ['type'] }),
  acceptedNames: object(2, CustomResourceDefinitionNames),
  storedVersions: list(3, 'string', { always: true, listType: 'atomic' }),
  observedGeneration: int64(4),
});
export interface CustomResourceDefinitionStatus extends Infer<typeof CustomResourceDefinitionStatus> {}

export const CustomResourceDefinition = defineResource({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  storageVersion: 'v1beta1',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  scope: 'Cluster',
  schemaName: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  storePrefix: 'apiextensions.k8s.io/customresourcedefinitions',
  fields: {
    spec: object(2, CustomResourceDefinitionSpec, { required: true }),
    status: object(3, CustomResourceDefinitionStatus),
  },
  subresources: [status()],
  strategy: {
    needsResourceVersion: true,
    // The objects of a definition go first; then the finalizer is taken away.
    isFinalized: (definition) => (definition.metadata as { readonly deletionTimestamp?: string }).deletionTimestamp !== undefined,
    prepareForDelete: beginDeletion,
    prepareForCreate(draft) {
      draft.status = { conditions: [], acceptedNames: { kind: '', plural: '' }, storedVersions: withStorageVersion([], draft.spec) };
    },
    prepareForUpdate(draft) {
      draft.status = { ...draft.status, storedVersions: withStorageVersion(draft.status.storedVersions as string[] | null, draft.spec) };
    },
  },
  defaults: defaultDefinition,
  validate: [validateDefinition],
  validateUpdate: [validateDefinitionUpdate],
  columns: [nameColumn, createdAtColumn],
});
export interface CustomResourceDefinition extends Infer<typeof CustomResourceDefinition> {}
