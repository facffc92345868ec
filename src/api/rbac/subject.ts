import type { Infer } from '#apimachinery/schema.ts';
import { string, struct } from '#apimachinery/schema.ts';

export const Subject = struct('io.k8s.api.rbac.v1.Subject', {
  kind: string(1, { required: true, mayBeEmpty: true }),
  apiGroup: string(2),
  name: string(3, { required: true }),
  namespace: string(4),
}, { atomic: true });
export interface Subject extends Infer<typeof Subject> {}

export const RoleRef = struct('io.k8s.api.rbac.v1.RoleRef', {
  apiGroup: string(1, { always: true }),
  kind: string(2, { required: true, mayBeEmpty: true }),
  name: string(3, { required: true }),
}, { atomic: true });
export interface RoleRef extends Infer<typeof RoleRef> {}
