import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, list, object, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { MatchCondition, RuleWithOperations, WebhookClientConfig } from './matching.ts';
import { staticNameWarnings } from './static-names.ts';
import { validateWebhooks, webhooksColumn } from './webhook-rules.ts';

export const MutatingWebhook = struct('io.k8s.api.admissionregistration.v1.MutatingWebhook', {
  name: string(1, { required: true }),
  clientConfig: object(2, WebhookClientConfig, { required: true }),
  rules: list(3, RuleWithOperations, { listType: 'atomic' }),
  failurePolicy: oneOf(4, ['Fail', 'Ignore'], { pointer: true, default: 'Fail' }),
  matchPolicy: oneOf(9, ['Equivalent', 'Exact'], { pointer: true, default: 'Equivalent' }),
  namespaceSelector: pointer(5, LabelSelector, { default: {} }),
  objectSelector: pointer(11, LabelSelector, { default: {} }),
  sideEffects: oneOf(6, ['None', 'NoneOnDryRun', 'Some', 'Unknown'], { required: true, pointer: true }),
  timeoutSeconds: int32(7, { pointer: true, default: 10 }),
  admissionReviewVersions: list(8, 'string', { required: true, listType: 'atomic' }),
  reinvocationPolicy: oneOf(10, ['IfNeeded', 'Never'], { pointer: true, default: 'Never' }),
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
  strategy: { needsResourceVersion: true, generation: true, generationFrom: ['webhooks'], warnings: staticNameWarnings },
  validate: [validateWebhooks],
  columns: [nameColumn, webhooksColumn, ageColumn],
});
export interface MutatingWebhookConfiguration extends Infer<typeof MutatingWebhookConfiguration> {}
