import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { LabelSelector } from '#apimachinery/label-selector.ts';
import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, list, object, oneOf, pointer, string, struct } from '#apimachinery/schema.ts';
import { MatchCondition, RuleWithOperations, WebhookClientConfig } from './matching.ts';
import { staticNameWarnings } from './static-names.ts';
import { validateWebhooks, webhooksColumn } from './webhook-rules.ts';

export const ValidatingWebhook = struct('io.k8s.api.admissionregistration.v1.ValidatingWebhook', {
  name: string(1, { required: true }),
  clientConfig: object(2, WebhookClientConfig, { required: true }),
  rules: list(3, RuleWithOperations, { listType: 'atomic' }),
  failurePolicy: oneOf(4, ['Fail', 'Ignore'], { pointer: true, default: 'Fail' }),
  matchPolicy: oneOf(9, ['Equivalent', 'Exact'], { pointer: true, default: 'Equivalent' }),
  namespaceSelector: pointer(5, LabelSelector, { default: {} }),
  objectSelector: pointer(10, LabelSelector, { default: {} }),
  sideEffects: oneOf(6, ['None', 'NoneOnDryRun', 'Some', 'Unknown'], { required: true, pointer: true }),
  timeoutSeconds: int32(7, { pointer: true, default: 10 }),
  admissionReviewVersions: list(8, 'string', { required: true, listType: 'atomic' }),
  matchConditions: list(11, MatchCondition, { listType: 'map', keys: ['name'], patch: 'merge', mergeKey: 'name' }),
});
export interface ValidatingWebhook extends Infer<typeof ValidatingWebhook> {}

export const ValidatingWebhookConfiguration = defineResource({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  categories: ['api-extensions'],
  scope: 'Cluster',
  fields: {
    webhooks: list(2, ValidatingWebhook, { listType: 'map', keys: ['name'], patch: 'merge', mergeKey: 'name' }),
  },
  strategy: { needsResourceVersion: true, generation: true, generationFrom: ['webhooks'], warnings: staticNameWarnings },
  validate: [validateWebhooks],
  columns: [nameColumn, webhooksColumn, ageColumn],
});
export interface ValidatingWebhookConfiguration extends Infer<typeof ValidatingWebhookConfiguration> {}
