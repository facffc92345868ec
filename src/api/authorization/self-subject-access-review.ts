import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { object, pointer, struct } from '#apimachinery/schema.ts';
import { NonResourceAttributes, ResourceAttributes, SubjectAccessReviewStatus } from './local-subject-access-review.ts';
import { validateOwnAccess } from './validate-access.ts';

export const SelfSubjectAccessReviewSpec = struct('io.k8s.api.authorization.v1.SelfSubjectAccessReviewSpec', {
  resourceAttributes: pointer(1, ResourceAttributes),
  nonResourceAttributes: pointer(2, NonResourceAttributes),
});
export interface SelfSubjectAccessReviewSpec extends Infer<typeof SelfSubjectAccessReviewSpec> {}

export const SelfSubjectAccessReview = defineResource({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  scope: 'Cluster',
  verbs: ['create'],
  fields: {
    spec: object(2, SelfSubjectAccessReviewSpec, { required: true }),
    status: object(3, SubjectAccessReviewStatus),
  },
  validate: [validateOwnAccess],
});
export interface SelfSubjectAccessReview extends Infer<typeof SelfSubjectAccessReview> {}
