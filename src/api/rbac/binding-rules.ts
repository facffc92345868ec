/** What RoleBinding and ClusterRoleBinding share. Source: behaviour of the v1.36 API server. */
import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, notSupported, required } from '#apimachinery/field-error.ts';
import { dns1123Subdomain, pathSegment } from '#apimachinery/names.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { column } from '#apimachinery/resource.ts';
import type { RoleRef, Subject } from './subject.ts';

interface Binding {
  readonly subjects?: readonly Subject[] | undefined;
  readonly roleRef: RoleRef;
}

const rbacGroup = 'rbac.authorization.k8s.io';

/** Users and groups belong to the group of RBAC, service accounts to the core group. */
export function defaultBinding(draft: Draft<Binding>): void {
  draft.roleRef.apiGroup ||= rbacGroup;
  for (const subject of draft.subjects ?? []) if (subject.kind !== 'ServiceAccount') subject.apiGroup ||= rbacGroup;
}

export function* validateBinding({ subjects = [], roleRef }: Binding, roleKinds: readonly string[], namespaced: boolean): Iterable<FieldError> {
  if (roleRef.apiGroup !== rbacGroup) yield notSupported('roleRef.apiGroup', roleRef.apiGroup, [rbacGroup]);
  if (!roleKinds.includes(roleRef.kind)) yield notSupported('roleRef.kind', roleRef.kind, roleKinds);
  if (roleRef.name !== '') for (const message of pathSegment(roleRef.name)) yield invalidValue('roleRef.name', roleRef.name, message);
  for (const [index, subject] of subjects.entries()) yield* validateSubject(subject, namespaced, `subjects[${index}]`);
}

function* validateSubject(subject: Subject, namespaced: boolean, path: string): Iterable<FieldError> {
  const group = subject.apiGroup ?? '';
  switch (subject.kind) {
    case 'ServiceAccount':
      if (subject.name !== '') for (const message of dns1123Subdomain(subject.name)) yield invalidValue(`${path}.name`, subject.name, message);
      if (group !== '') yield notSupported(`${path}.apiGroup`, group, ['']);
      if (!namespaced && (subject.namespace ?? '') === '') yield required(`${path}.namespace`);
      return;
    case 'User':
    case 'Group':
      if (subject.name === '') yield invalidValue(`${path}.name`, subject.name, `${subject.kind.toLowerCase()} name cannot be empty`);
      if (group !== rbacGroup) yield notSupported(`${path}.apiGroup`, group, [rbacGroup]);
      return;
    default:
      yield notSupported(`${path}.kind`, subject.kind, ['ServiceAccount', 'User', 'Group']);
  }
}

/** To give other rights to the same subjects, a binding is made anew: nobody can swap the role behind a name. */
export function* validateBindingUpdate(binding: Binding, old: Binding): Iterable<FieldError> {
  if (!saysTheSame(binding.roleRef, old.roleRef)) yield invalidValue('roleRef', binding.roleRef, 'cannot change roleRef');
}

export const bindingColumns = [
  nameColumn,
  column<Binding>('Role', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  ageColumn,
  column<Binding>('Users', (binding) => namesOf(binding, 'User'), { wide: true }),
  column<Binding>('Groups', (binding) => namesOf(binding, 'Group'), { wide: true }),
  column<Binding>('ServiceAccounts', (binding) => namesOf(binding, 'ServiceAccount'), { wide: true }),
];

function namesOf({ subjects = [] }: Binding, kind: string): string {
  const names = subjects.filter((subject) => subject.kind === kind).map((subject) => (kind === 'ServiceAccount' ? `${subject.namespace ?? ''}/${subject.name}` : subject.name));
  return names.join(', ');
}
