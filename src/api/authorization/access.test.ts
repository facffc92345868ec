import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { ResourceKind } from '#apimachinery/resource.ts';
import { created, errorsOf } from '../kind-probe.ts';
import { LocalSubjectAccessReview } from './local-subject-access-review.ts';
import { SelfSubjectAccessReview } from './self-subject-access-review.ts';
import { SubjectAccessReview } from './subject-access-review.ts';

type Fields = Readonly<Record<string, unknown>>;

function check<T extends KubeObject>(kind: ResourceKind<T>, table: readonly (readonly [Fields, ...string[]])[]): void {
  for (const [fields, ...errors] of table) assert.deepEqual(errorsOf(kind, created(kind, fields)), errors, JSON.stringify(fields));
}

const about = { resourceAttributes: { verb: 'get', resource: 'pods' } };
const path = { nonResourceAttributes: { path: '/healthz', verb: 'get' } };
const one = 'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified';

test('a question about access names one thing, and somebody', () => {
  check(SelfSubjectAccessReview, [
    [{ spec: about }],
    [{ spec: path }],
    [{ spec: {} }, one],
    [{ spec: { ...about, ...path } }, 'spec.nonResourceAttributes: Invalid value: {"Path":"/healthz","Verb":"get"}: cannot be specified in combination with resourceAttributes'],
  ]);
  check(SubjectAccessReview, [
    [{ spec: { ...about, groups: ['g'] } }],
    [{ spec: {} }, one, 'spec.user: Invalid value: "": at least one of user or group must be specified'],
    [{ metadata: { name: 'a' }, spec: { ...path, user: 'u' } }, 'metadata: Invalid value: {"name":"a"}: must be empty'],
  ]);
  check(LocalSubjectAccessReview, [
    [{ metadata: { namespace: 'a' }, spec: { user: 'u', resourceAttributes: { namespace: 'a' } } }],
    [{ metadata: { namespace: 'a' }, spec: { ...about, user: 'u' } }, 'spec.resourceAttributes.namespace: Invalid value: "": must match metadata.namespace'],
    [{ metadata: { namespace: 'a', name: 'b' }, spec: { ...path, user: 'u' } }, 'metadata: Invalid value: {"name":"b","namespace":"a"}: must be empty except for namespace',
      'spec.nonResourceAttributes: Invalid value: {"Path":"/healthz","Verb":"get"}: disallowed on this kind of request'],
  ]);
});

test('a selector in a question is written out or taken apart', () => {
  const selecting = (selectors: Fields): Fields => ({ spec: { resourceAttributes: { ...about.resourceAttributes, ...selectors } } });
  const at = 'spec.resourceAttributes';
  check(SelfSubjectAccessReview, [
    [selecting({ fieldSelector: { rawSelector: 'a=b' }, labelSelector: { requirements: [{ key: 'a', operator: 'Newer', values: ['b'] }] } })],
    [selecting({ fieldSelector: {} }), `${at}.fieldSelector.requirements: Required value: when ${at}.fieldSelector is specified, requirements or rawSelector is required`],
    [selecting({ fieldSelector: { rawSelector: 'a=b', requirements: [{ key: '', operator: 'In' }] } }), `${at}.fieldSelector.requirements[0].key: Required value: must be specified`,
      `${at}.fieldSelector.rawSelector: Invalid value: "a=b": may not specified at the same time as requirements`, `${at}.fieldSelector.requirements[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`],
    [selecting({ labelSelector: { requirements: [{ key: 'a', operator: 'Exists', values: ['b'] }] } }), `${at}.labelSelector.requirements[0].values: Forbidden: may not be specified when \`operator\` is 'Exists' or 'DoesNotExist'`],
  ]);
});
