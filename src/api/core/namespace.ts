import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import { qualifiedName, validateFinalizerDomain } from '#apimachinery/names.ts';
import type { Parts } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { column, defineResource, status, subresource } from '#apimachinery/resource.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { list, object, oneOf, string, struct, time } from '#apimachinery/schema.ts';

export const NamespaceSpec = struct('io.k8s.api.core.v1.NamespaceSpec', {
  finalizers: list(1, 'string', { listType: 'atomic' }),
});
export interface NamespaceSpec extends Infer<typeof NamespaceSpec> {}

export const NamespaceCondition = struct('io.k8s.api.core.v1.NamespaceCondition', {
  type: string(1, { required: true }),
  status: string(2, { required: true }),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
});
export interface NamespaceCondition extends Infer<typeof NamespaceCondition> {}

export const NamespaceStatus = struct('io.k8s.api.core.v1.NamespaceStatus', {
  phase: oneOf(1, ['Active', 'Terminating']),
  conditions: list(2, NamespaceCondition, { listType: 'map', keys: ['type'], patch: 'merge', mergeKey: 'type' }),
});
export interface NamespaceStatus extends Infer<typeof NamespaceStatus> {}

type Parted = Parts<NamespaceSpec, NamespaceStatus>;

/** Lets selectors name a namespace by its name. */
const nameLabel = 'kubernetes.io/metadata.name';

function labelWithName({ metadata }: Draft<Parted>): void {
  // A generated name comes later than the defaults.
  const name: string | undefined = metadata.name;
  if (name !== undefined && name !== '') metadata.labels = { ...metadata.labels, [nameLabel]: name };
}

function* validateFinalizers({ spec }: Parted): Iterable<FieldError> {
  for (const finalizer of spec.finalizers ?? []) {
    for (const message of qualifiedName(finalizer)) yield invalidValue('spec.finalizers', finalizer, message);
    yield* validateFinalizerDomain(finalizer, 'spec.finalizers');
  }
}

/** The phase says no more than whether the namespace is on its way out. */
function* validatePhase({ metadata, status: { phase } }: Parted): Iterable<FieldError> {
  const isLeaving = metadata.deletionTimestamp !== undefined;
  if (!isLeaving && phase !== 'Active') yield invalidValue('status.Phase', phase ?? '', "may only be 'Active' if `deletionTimestamp` is empty");
  if (isLeaving && phase !== 'Terminating') yield invalidValue('status.Phase', phase ?? '', "may only be 'Terminating' if `deletionTimestamp` is not empty");
}

export const Namespace = defineResource({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  scope: 'Cluster',
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  fields: {
    spec: object(2, NamespaceSpec),
    status: object(3, NamespaceStatus),
  },
  subresources: [subresource('finalize', ['update']), status()],
  strategy: {
    name: 'dns-label',
    generation: false,
    prepareForCreate(draft) {
      draft.status = { phase: 'Active' };
      // Whoever cleans a namespace up takes its finalizer off; this one is the namespace controller's.
      const finalizers = draft.spec.finalizers ?? [];
      draft.spec.finalizers = finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'];
      labelWithName(draft);
    },
    prepareForUpdate(draft, old) {
      if (old.spec.finalizers === undefined) delete draft.spec.finalizers;
      else draft.spec.finalizers = [...old.spec.finalizers];
    },
    isFinalized: ({ spec }) => (spec.finalizers ?? []).length === 0,
    prepareForDelete(draft) {
      draft.status.phase = 'Terminating';
    },
  },
  defaults: labelWithName,
  validate: [validateFinalizers],
  validateStatusUpdate: [validatePhase],
  columns: [nameColumn, column<Parted>('Status', ({ status: now }) => now.phase ?? ''), ageColumn],
  selectableFields: { 'status.phase': ({ status: now }) => now.phase ?? '' },
});
export interface Namespace extends Infer<typeof Namespace> {}
