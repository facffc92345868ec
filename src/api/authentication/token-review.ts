import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, list, object, string, struct } from '#apimachinery/schema.ts';
import { UserInfo } from './self-subject-review.ts';

export const TokenReviewSpec = struct('io.k8s.api.authentication.v1.TokenReviewSpec', {
  token: string(1, { required: true, omitEmpty: true }),
  audiences: list(2, 'string', { listType: 'atomic' }),
});
export interface TokenReviewSpec extends Infer<typeof TokenReviewSpec> {}

export const TokenReviewStatus = struct('io.k8s.api.authentication.v1.TokenReviewStatus', {
  authenticated: bool(1),
  user: object(2, UserInfo),
  audiences: list(4, 'string', { listType: 'atomic' }),
  error: string(3),
});
export interface TokenReviewStatus extends Infer<typeof TokenReviewStatus> {}

export const TokenReview = defineResource({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  scope: 'Cluster',
  verbs: ['create'],
  fields: {
    spec: object(2, TokenReviewSpec, { required: true }),
    status: object(3, TokenReviewStatus),
  },
});
export interface TokenReview extends Infer<typeof TokenReview> {}
