import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, list, object, string, struct } from '#apimachinery/schema.ts';

export const SelfSubjectRulesReviewSpec = struct('io.k8s.api.authorization.v1.SelfSubjectRulesReviewSpec', {
  namespace: string(1),
});
export interface SelfSubjectRulesReviewSpec extends Infer<typeof SelfSubjectRulesReviewSpec> {}

export const ResourceRule = struct('io.k8s.api.authorization.v1.ResourceRule', {
  verbs: list(1, 'string', { required: true, listType: 'atomic' }),
  apiGroups: list(2, 'string', { listType: 'atomic' }),
  resources: list(3, 'string', { listType: 'atomic' }),
  resourceNames: list(4, 'string', { listType: 'atomic' }),
});
export interface ResourceRule extends Infer<typeof ResourceRule> {}

export const NonResourceRule = struct('io.k8s.api.authorization.v1.NonResourceRule', {
  verbs: list(1, 'string', { required: true, listType: 'atomic' }),
  nonResourceURLs: list(2, 'string', { listType: 'atomic' }),
});
export interface NonResourceRule extends Infer<typeof NonResourceRule> {}

export const SubjectRulesReviewStatus = struct('io.k8s.api.authorization.v1.SubjectRulesReviewStatus', {
  resourceRules: list(1, ResourceRule, { required: true, listType: 'atomic' }),
  nonResourceRules: list(2, NonResourceRule, { required: true, listType: 'atomic' }),
  incomplete: bool(3, { required: true }),
  evaluationError: string(4),
});
export interface SubjectRulesReviewStatus extends Infer<typeof SubjectRulesReviewStatus> {}

export const SelfSubjectRulesReview = defineResource({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  scope: 'Cluster',
  verbs: ['create'],
  fields: {
    spec: object(2, SelfSubjectRulesReviewSpec, { required: true }),
    status: object(3, SubjectRulesReviewStatus),
  },
});
export interface SelfSubjectRulesReview extends Infer<typeof SelfSubjectRulesReview> {}
