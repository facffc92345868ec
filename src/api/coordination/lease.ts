import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { nonNegativeNumber } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { int32, microTime, object, string, struct } from '#apimachinery/schema.ts';

export const LeaseSpec = struct('io.k8s.api.coordination.v1.LeaseSpec', {
  holderIdentity: string(1, { pointer: true }),
  leaseDurationSeconds: int32(2, { pointer: true }),
  acquireTime: microTime(3, { pointer: true }),
  renewTime: microTime(4, { pointer: true }),
  leaseTransitions: int32(5, { pointer: true }),
  strategy: string(6, { pointer: true, gated: true }),
  preferredHolder: string(7, { pointer: true, gated: true }),
});
export interface LeaseSpec extends Infer<typeof LeaseSpec> {}

function* validateLease({ spec }: SpecPart<LeaseSpec>): Iterable<FieldError> {
  const { leaseDurationSeconds, leaseTransitions } = spec;
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) yield invalidValue('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0');
  yield* nonNegativeNumber('spec.leaseTransitions', leaseTransitions);
}

export const Lease = defineResource({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  scope: 'Namespaced',
  fields: {
    spec: object(2, LeaseSpec),
  },
  strategy: { createOnUpdate: true, needsResourceVersion: true, generation: false },
  validate: [validateLease],
  columns: [nameColumn, column<SpecPart<LeaseSpec>>('Holder', ({ spec }) => spec.holderIdentity ?? ''), ageColumn],
});
export interface Lease extends Infer<typeof Lease> {}
