import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, mapOfLists, object, string, struct } from '#apimachinery/schema.ts';

export const UserInfo = struct('io.k8s.api.authentication.v1.UserInfo', {
  username: string(1),
  uid: string(2),
  groups: list(3, 'string', { listType: 'atomic' }),
  extra: mapOfLists(4),
});
export interface UserInfo extends Infer<typeof UserInfo> {}

export const SelfSubjectReviewStatus = struct('io.k8s.api.authentication.v1.SelfSubjectReviewStatus', {
  userInfo: object(1, UserInfo),
});
export interface SelfSubjectReviewStatus extends Infer<typeof SelfSubjectReviewStatus> {}

export const SelfSubjectReview = defineResource({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  scope: 'Cluster',
  verbs: ['create'],
  fields: {
    status: object(2, SelfSubjectReviewStatus),
  },
});
export interface SelfSubjectReview extends Infer<typeof SelfSubjectReview> {}
