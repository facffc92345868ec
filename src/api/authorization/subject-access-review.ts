import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { object } from '#apimachinery/schema.ts';
import { SubjectAccessReviewSpec, SubjectAccessReviewStatus } from './local-subject-access-review.ts';
import { validateAccess } from './validate-access.ts';

export const SubjectAccessReview = defineResource({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  scope: 'Cluster',
  verbs: ['create'],
  fields: {
    spec: object(2, SubjectAccessReviewSpec, { required: true }),
    status: object(3, SubjectAccessReviewStatus),
  },
  validate: [validateAccess],
});
export interface SubjectAccessReview extends Infer<typeof SubjectAccessReview> {}
