import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, list, object, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import { MatchCondition, RuleWithOperations, WebhookClientConfig } from './matching.ts';

export const MutatingWebhook = struct('io.k8s.api.admissionregistration.v1.MutatingWebhook', {
  name: string(1, { required: true }),
  clientConfig: object(2, WebhookClientConfig, { required: true }),
  rules: list(3, RuleWithOperations, { listType: 'atomic' }),
  failurePolicy: oneOf(4, ['Ignore', 'Fail'], { pointer: true }),
  matchPolicy: oneOf(9, ['Exact', 'Equivalent'], { pointer: true }),
  namespaceSelector: pointer(5, LabelSelector),
  objectSelector: pointer(11, LabelSelector),
  sideEffects: oneOf(6, ['Unknown', 'None', 'Some', 'NoneOnDryRun'], { required: true, pointer: true }),
  timeoutSeconds: int32(7, { pointer: true }),
  admissionReviewVersions: list(8, 'string', { required: true, listType: 'atomic' }),
  reinvocationPolicy: oneOf(10, ['Never', 'IfNeeded'], { pointer: true }),
  matchConditions: list(12, MatchCondition, { listType: 'map', keys: ['name'], patch: 'merge', mergeKey: 'name' }),
});
export interface MutatingWebhook extends Infer<typeof MutatingWebhook> {}

export const MutatingWebhookConfiguration = defineResource({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  categories: ['api-extensions'],
  scope: 'Cluster',
  fields: {
    webhooks: list(2, MutatingWebhook, { listType: 'map', keys: ['name'], patch: 'merge', mergeKey: 'name' }),
  },
});
export interface MutatingWebhookConfiguration extends Infer<typeof MutatingWebhookConfiguration> {}
