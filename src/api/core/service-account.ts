import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import { defineResource, subresource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, list } from '#apimachinery/schema.ts';
import { LocalObjectReference, ObjectReference } from './references.ts';

const mountableSecrets = 'kubernetes.io/enforce-mountable-secrets';

function* accountWarnings({ metadata }: KubeObject, old?: KubeObject): Iterable<string> {
  if (metadata.annotations?.[mountableSecrets] === undefined || old?.metadata.annotations?.[mountableSecrets] !== undefined) return;
  yield `metadata.annotations[${mountableSecrets}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`;
}

export const ServiceAccount = defineResource({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  scope: 'Namespaced',
  fields: {
    secrets: list(2, ObjectReference, { listType: 'map', keys: ['name'], mayRepeat: true, patch: 'merge', mergeKey: 'name' }),
    imagePullSecrets: list(3, LocalObjectReference, { listType: 'atomic' }),
    automountServiceAccountToken: bool(4, { pointer: true }),
  },
  subresources: [subresource('token', ['create'], { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' })],
  strategy: { warnings: accountWarnings },
  columns: [nameColumn, ageColumn],
});
export interface ServiceAccount extends Infer<typeof ServiceAccount> {}
