import { ageColumn, nameColumn } from '#apimachinery/columns.ts';
import { saysTheSame } from '#apimachinery/equal.ts';
import type { FieldError } from '#apimachinery/field-error.ts';
import { duplicate, invalidValue, notSupported } from '#apimachinery/field-error.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { SpecPart } from '#apimachinery/parts.ts';
import type { Draft } from '#apimachinery/resource.ts';
import { column, defineResource } from '#apimachinery/resource.ts';
import { immutableValue } from '#apimachinery/rules.ts';
import type { Infer } from '#apimachinery/schema.ts';
import { bool, int64, list, object, oneOf, string, struct } from '#apimachinery/schema.ts';

export const TokenRequest = struct('io.k8s.api.storage.v1.TokenRequest', {
  audience: string(1, { required: true, mayBeEmpty: true }),
  expirationSeconds: int64(2, { pointer: true }),
});
export interface TokenRequest extends Infer<typeof TokenRequest> {}

export const CSIDriverSpec = struct('io.k8s.api.storage.v1.CSIDriverSpec', {
  attachRequired: bool(1, { pointer: true, default: true }),
  podInfoOnMount: bool(2, { pointer: true, default: false }),
  volumeLifecycleModes: list(3, 'string', { listType: 'set', default: ['Persistent'] }),
  storageCapacity: bool(4, { pointer: true, default: false }),
  fsGroupPolicy: oneOf(5, ['File', 'None', 'ReadWriteOnceWithFSType'], { pointer: true, default: 'ReadWriteOnceWithFSType' }),
  tokenRequests: list(6, TokenRequest, { listType: 'atomic' }),
  requiresRepublish: bool(7, { pointer: true, default: false }),
  seLinuxMount: bool(8, { pointer: true, default: false }),
  nodeAllocatableUpdatePeriodSeconds: int64(9, { pointer: true }),
  serviceAccountTokenInSecrets: bool(10, { pointer: true }),
  preventPodSchedulingIfMissing: bool(11, { pointer: true, gated: true }),
});
export interface CSIDriverSpec extends Infer<typeof CSIDriverSpec> {}

type Driver = SpecPart<CSIDriverSpec>;

const lifecycles = ['Persistent', 'Ephemeral'];
/** Seconds: ten minutes; about a lifetime. */
const tokenLife = { shortest: 600, longest: 2 ** 32 };
const shortestPeriod = 10;

function* validateDriver({ spec }: Driver): Iterable<FieldError> {
  const audiences = new Set<string>();
  for (const [index, { audience, expirationSeconds: seconds }] of (spec.tokenRequests ?? []).entries()) {
    const at = `spec.tokenRequests[${index}]`;
    if (audiences.has(audience)) yield duplicate(`${at}.audience`, audience);
    else if (seconds !== undefined && seconds < tokenLife.shortest) yield invalidValue(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes');
    else if (seconds !== undefined && seconds > tokenLife.longest) yield invalidValue(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds');
    audiences.add(audience);
  }
  for (const mode of spec.volumeLifecycleModes ?? []) if (!lifecycles.includes(mode)) yield notSupported('spec.volumeLifecycleModes', mode, lifecycles);
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  if (spec.serviceAccountTokenInSecrets !== undefined && (spec.tokenRequests ?? []).length === 0) {
    yield invalidValue('spec.serviceAccountTokenInSecrets', spec.serviceAccountTokenInSecrets, 'serviceAccountTokenInSecrets is not allowed when tokenRequests is not specified');
  }
  if (period !== undefined && period < shortestPeriod) yield invalidValue('spec.nodeAllocatableUpdatePeriodSeconds', period, `must be greater than or equal to ${shortestPeriod} seconds`);
}

function* validateDriverUpdate({ spec }: Driver, { spec: old }: Driver): Iterable<FieldError> {
  // The server's inner form has this name.
  yield* immutableValue('spec.attachedRequired', spec.attachRequired, old.attachRequired);
  yield* immutableValue('spec.volumeLifecycleModes', spec.volumeLifecycleModes, old.volumeLifecycleModes);
}

const mutable = ['tokenRequests', 'requiresRepublish', 'seLinuxMount', 'nodeAllocatableUpdatePeriodSeconds', 'serviceAccountTokenInSecrets'] as const;

/** Of what may change some is the kubelets' business. */
function countChange(draft: Draft<Driver & KubeObject>, old: Driver & KubeObject): void {
  if (mutable.some((field) => !saysTheSame(draft.spec[field], old.spec[field]))) draft.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

export const CSIDriver = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  scope: 'Cluster',
  fields: {
    spec: object(2, CSIDriverSpec, { required: true }),
  },
  strategy: { needsResourceVersion: true, generation: true, generationFrom: [], prepareForUpdate: countChange },
  validate: [validateDriver],
  validateUpdate: [validateDriverUpdate],
  columns: [
    nameColumn,
    column<Driver>('AttachRequired', ({ spec }) => spec.attachRequired ?? true, { type: 'boolean' }),
    column<Driver>('PodInfoOnMount', ({ spec }) => spec.podInfoOnMount === true, { type: 'boolean' }),
    column<Driver>('StorageCapacity', ({ spec }) => spec.storageCapacity === true, { type: 'boolean' }),
    column<Driver>('TokenRequests', ({ spec }) => (spec.tokenRequests ?? []).map((each) => each.audience).join(',') || '<unset>'),
    column<Driver>('RequiresRepublish', ({ spec }) => spec.requiresRepublish === true, { type: 'boolean' }),
    column<Driver>('Modes', ({ spec }) => (spec.volumeLifecycleModes ?? []).join(',') || '<none>'),
    ageColumn,
  ],
});
export interface CSIDriver extends Infer<typeof CSIDriver> {}
