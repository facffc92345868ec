import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, object } from '#apimachinery/schema.ts';
import { RoleRef, Subject } from './cluster-role-binding.ts';

export const RoleBinding = defineResource({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  scope: 'Namespaced',
  fields: {
    subjects: list(2, Subject, { listType: 'atomic' }),
    roleRef: object(3, RoleRef, { required: true }),
  },
});
export interface RoleBinding extends Infer<typeof RoleBinding> {}
