import { createdAtColumn, nameColumn } from '#apimachinery/columns.ts';
import { defineResource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list } from '#apimachinery/schema.ts';
import { PolicyRule, validateRules } from './cluster-role.ts';

export const Role = defineResource({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  scope: 'Namespaced',
  fields: {
    rules: list(2, PolicyRule, { always: true, listType: 'atomic' }),
  },
  strategy: { name: 'path-segment', createOnUpdate: true },
  validate: [(role) => validateRules(role, true)],
  columns: [nameColumn, createdAtColumn],
});
export interface Role extends Infer<typeof Role> {}
