import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, object } from '#apimachinery/schema.ts';
import { bindingColumns, defaultBinding, validateBinding, validateBindingUpdate } from './binding-rules.ts';
import { RoleRef, Subject } from './subject.ts';

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
  strategy: { name: 'path-segment', createOnUpdate: true },
  defaults: defaultBinding,
  validate: [(binding) => validateBinding(binding, ['Role', 'ClusterRole'], true)],
  validateUpdate: [validateBindingUpdate],
  columns: bindingColumns,
});
export interface RoleBinding extends Infer<typeof RoleBinding> {}
