import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int64, list, object, pointer, string, struct, time } from '#apimachinery/schema.ts';

export const BoundObjectReference = struct('io.k8s.api.authentication.v1.BoundObjectReference', {
  kind: string(1),
  apiVersion: string(2),
  name: string(3),
  uid: string(4),
});
export interface BoundObjectReference extends Infer<typeof BoundObjectReference> {}

export const TokenRequestSpec = struct('io.k8s.api.authentication.v1.TokenRequestSpec', {
  audiences: list(1, 'string', { always: true, listType: 'atomic' }),
  expirationSeconds: int64(4, { always: true, pointer: true, default: 3600 }),
  boundObjectRef: pointer(3, BoundObjectReference, { always: true }),
});
export interface TokenRequestSpec extends Infer<typeof TokenRequestSpec> {}

export const TokenRequestStatus = struct('io.k8s.api.authentication.v1.TokenRequestStatus', {
  token: string(1, { always: true }),
  expirationTimestamp: time(2, { always: true }),
});
export interface TokenRequestStatus extends Infer<typeof TokenRequestStatus> {}

export const TokenRequest = defineResource({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  plural: 'tokenrequests',
  scope: 'Namespaced',
  verbs: [],
  fields: {
    spec: object(2, TokenRequestSpec),
    status: object(3, TokenRequestStatus),
  },
});
export interface TokenRequest extends Infer<typeof TokenRequest> {}
